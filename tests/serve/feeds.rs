//! Live feeds: sent by the ffmpeg program, read by ffprobe, curl and a browser.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use filmgate_tests::counted::wait_for;
use filmgate_tests::hostile::{built_in, root};
use filmgate_tests::outside::{script, succeed};
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{CHROMIUM, found};
use serde_json::{Value, json};

use super::Served;

const CAM: &str = "[[feed]]\nname = \"cam\"\npaths = [\"/feed1.ffm\"]\n[[feed.stream]]\nname = \"cam\"\n\
                   history = 20\npaths = [\"/test1.mpg\"]\n";

/// A camera that goes on for ever.
struct Camera(Child);

impl Camera {
    fn start(served: &Served, picture: &str, more: &str, path: &str) -> Camera {
        let url = format!("http://127.0.0.1:{}{path}", served.port);
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", picture]);
        command.args(more.split_whitespace());
        command.args(["-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"]);
        command.args(["-pix_fmt", "yuv420p", "-f", "mpegts", &url]);
        Camera(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("ffmpeg"))
    }

    fn red(served: &Served) -> Camera {
        Camera::start(served, "color=red:s=320x240:r=25", "", "/feeds/cam")
    }

    fn ends(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    fn live(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn feed(&self) -> Value {
        self.get("feeds/cam").is(200).json()
    }

    fn runs(&self) {
        wait_for("the feed", || self.feed()["streams"][0]["frames"].as_u64() > Some(5));
    }

    fn change(&self, request: &Value) -> super::Said {
        self.shell.write("json", request.to_string());
        let arguments = "-X PATCH -H Content-Type:application/json --data @json";
        self.curl(arguments, "feeds/cam/chain")
    }

    /// The mean color of the next frame: red, green, blue.
    fn color(&self) -> [u8; 3] {
        let picture = self.path("now.jpg");
        let picture = picture.to_str().expect("UTF-8");
        let said = self.curl_at(&["-m", "30"], &self.live("/live/cam.jpg")).is(200);
        assert_eq!(said.header("content-type"), Some("image/jpeg"));
        std::fs::write(picture, said.body).expect("written");
        let out = Command::new("ffmpeg")
            .args(["-v", "error", "-i", picture, "-vf", "scale=1:1", "-f", "rawvideo"])
            .args(["-pix_fmt", "rgb24", "-"])
            .output()
            .expect("ffmpeg");
        out.stdout.try_into().unwrap_or_else(|bytes| panic!("{bytes:?}"))
    }

    fn becomes(&self, what: &str, wanted: [u8; 3]) {
        let near = |color: [u8; 3]| (0..3).all(|i| color[i].abs_diff(wanted[i]) < 30);
        wait_for(what, || near(self.color()));
    }
}

/// A red film of a second, below the root.
fn film(shell: &Shell) {
    std::fs::create_dir(shell.path("root")).expect("a folder");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "lavfi", "-i", "color=red:s=160x120:r=25", "-t", "1"]);
    succeed(ffmpeg.args(["-pix_fmt", "yuv420p"]).arg(shell.path("root/film.mp4")));
}

const RED: [u8; 3] = [254, 0, 0];
const CYAN: [u8; 3] = [0, 255, 255];

/// What ffprobe says of three seconds of a stream.
fn probed(url: &str) -> Value {
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-rw_timeout",
        "30000000",
        "-v",
        "error",
        "-read_intervals",
        "%+3",
        "-show_streams",
        "-show_packets",
    ]);
    probe.args(["-of", "json", url]);
    let out = probe.output().expect("ffprobe");
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{url}: {e} {out:?}"))
}

#[test]
fn every_format_is_read_by_ffprobe() {
    let served = Served::with(CAM);
    let _camera = Camera::start(&served, "testsrc2=s=320x240:r=25", "", "/feed1.ffm");
    served.runs();
    for (path, codec) in [
        ("/live/cam.ts", "h264"),
        ("/live/cam.mp4", "h264"),
        ("/live/cam.flv", "h264"),
        ("/live/cam.mpg", "mpeg2video"),
        ("/test1.mpg", "mpeg2video"),
        ("/live/cam.mjpeg", "mjpeg"),
        ("/live/cam.m3u8", "h264"),
    ] {
        if path.ends_with("m3u8") {
            let ready = || served.curl_at(&[], &served.live(path)).status == 200;
            wait_for("a segment", ready);
        }
        let found = probed(&served.live(path));
        let stream = &found["streams"][0];
        assert_eq!(stream["codec_name"], codec, "{path}: {found}");
        assert_eq!((&stream["width"], &stream["height"]), (&json!(320), &json!(240)), "{path}");
        let packets = found["packets"].as_array().expect("packets");
        assert!(packets.len() >= 40, "{path}: {}", packets.len());
        let times = packets.iter().filter_map(|p| p["pts_time"].as_str()?.parse::<f64>().ok());
        let times: Vec<f64> = times.collect();
        assert!(times.is_sorted(), "{path}: {times:?}");
    }
    let info = served.feed();
    assert_eq!((&info["running"], &info["width"]), (&json!(true), &json!(320)), "{info}");
}

#[test]
fn plugins_are_exchanged_while_the_picture_runs() {
    let served = Served::with(CAM);
    let _camera = Camera::red(&served);
    served.runs();
    served.becomes("red", RED);
    let said = served.change(&json!({ "plugins": ["invert"] })).is(200).json();
    assert!(said["frame"].as_u64() > Some(0), "{said}");
    served.becomes("cyan", CYAN);
    let info = served.feed();
    let link = &info["streams"][0]["plugins"][0];
    assert_eq!((&link["given"], &link["path"]), (&json!("invert"), &Value::Null), "{info}");
    for (wrong, words) in [
        (json!({ "plugins": ["inwert"] }), "invert"),
        (json!({ "plugins": ["/bin/sh"] }), "by name"),
        (json!({ "plugins": ["crop:width=100,height=100"] }), "320x240"),
        (json!({ "plugins": ["watermark:picture=/etc/passwd"] }), "below the server"),
        (json!({ "plugin": 3, "parameters": { "a": "b" } }), "no plugin 3"),
        (json!({}), "either"),
    ] {
        let said = served.change(&wrong);
        said.is_problem(400, "request", words);
        served.becomes("cyan still", CYAN);
    }
    served.change(&json!({ "plugins": ["adjust"] })).is(200);
    served.becomes("red again", RED);
    let gray = json!({ "plugin": 0, "parameters": { "saturation": "0" } });
    served.change(&gray).is(200);
    wait_for("gray", || {
        let [r, g, b] = served.color();
        r.abs_diff(g) < 12 && g.abs_diff(b) < 12
    });
    let info = served.feed();
    assert_eq!(info["restarts"], 0, "{info}");
}

#[test]
fn viewers_stay_when_the_source_comes_again() {
    let served = Served::with(CAM);
    let camera = Camera::red(&served);
    served.runs();
    let file = served.path("seen.ts");
    let mut viewer = Command::new("curl");
    viewer.args(["-sS", "-N", "-m", "60", "-o"]).arg(&file).arg(served.live("/live/cam.ts"));
    let mut viewer = viewer.spawn().expect("curl");
    let size = || std::fs::metadata(&file).map_or(0, |facts| facts.len());
    wait_for("the first pictures", || size() > 10_000);
    let mut second = Camera::red(&served);
    wait_for("the second sender's refusal", || second.ends());
    drop(camera);
    wait_for("the end of the source", || served.feed()["running"] == false);
    let before = size();
    let _again = Camera::red(&served);
    wait_for("more pictures", || size() > before + 10_000);
    assert!(viewer.try_wait().expect("a child").is_none(), "the viewer was let go");
    viewer.kill().expect("killed");
    let _ = viewer.wait();
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0"]).arg(&file);
    let text = String::from_utf8_lossy(&succeed(&mut probe)).into_owned();
    let times: Vec<f64> =
        text.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect();
    assert!(times.len() > 20 && times.is_sorted(), "{times:?}");
}

#[test]
fn a_process_that_dies_is_started_again() {
    let served =
        Served::prepared("[[feed]]\nname = \"cam\"\nsource = \"film.mp4\"\nloop = true\n", film);
    served.runs();
    // The film has a second: it is read again and again.
    wait_for("the third round", || served.feed()["streams"][0]["frames"].as_u64() > Some(60));
    let root = std::fs::canonicalize(served.path("root")).expect("a folder");
    let is_worker = |pid: &str| {
        let verb = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd"));
        verb.windows(11).any(|part| part == b"feed-worker") && cwd.is_ok_and(|cwd| cwd == root)
    };
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    let names: Vec<String> = all.filter_map(|e| e.file_name().into_string().ok()).collect();
    let own = names.iter().find(|pid| is_worker(pid)).expect("a process of the feed");
    succeed(Command::new("kill").args(["-9", own]));
    wait_for("the next process", || {
        let feed = served.feed();
        feed["restarts"] == 1 && feed["streams"][0]["frames"].as_u64() > Some(5)
    });
    served.becomes("red", RED);
}

#[test]
fn streams_are_recorded_with_what_came_before() {
    let served = Served::with(CAM);
    let _camera = Camera::red(&served);
    served.runs();
    std::thread::sleep(Duration::from_secs(3));
    let wanted =
        json!({ "task": "t", "device": "cam", "path": "clip.mp4", "seconds": 2, "before": 2 });
    let said = served.post("feeds/cam/record", &wanted, "").is(201).json();
    assert_eq!(said["path"], "clip.mp4");
    let clip = served.path("root/t/cam/clip.mp4");
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets"]);
    let out = succeed(probe.args(["-of", "csv=p=0"]).arg(clip));
    let count: u32 = String::from_utf8_lossy(&out).trim().parse().expect("a number");
    assert!((75..=125).contains(&count), "{count}");
    let wrong = json!({ "task": "t", "device": "cam", "path": "clip.avi", "seconds": 2 });
    served.post("feeds/cam/record", &wrong, "").is_problem(400, "request", ".flv");
}

#[test]
fn sources_on_demand_run_while_somebody_watches() {
    let served = Served::prepared(
        "[[feed]]\nname = \"cam\"\nsource = \"film.mp4\"\nloop = true\non-demand = true\nmax-viewers = 1\n",
        film,
    );
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(served.feed()["running"], false);
    served.becomes("red", RED);
    let mut viewer = Command::new("curl");
    viewer.args(["-sS", "-N", "-m", "30", "-o", "/dev/null"]).arg(served.live("/live/cam.ts"));
    let mut viewer = viewer.spawn().expect("curl");
    wait_for("a viewer", || served.feed()["streams"][0]["viewers"]["ts"] == 1);
    let said = served.curl_at(&[], &served.live("/live/cam.flv"));
    said.is_problem(503, "busy", "1 viewers");
    viewer.kill().expect("killed");
    let _ = viewer.wait();
    wait_for("its end", || served.feed()["running"] == false);
}

#[test]
fn tokens_are_for_feeds_and_streams() {
    let served = Served::with(CAM);
    let token = |name: &str, scope: &str| {
        let mut command = served.shell.command();
        command.args(["serve", "token", "add", name, "--root", "root", "--scope", scope]);
        String::from_utf8_lossy(&succeed(&mut command)).trim().to_owned()
    };
    let (look, send) = (token("look", "read:feeds/cam"), token("send", "write:feeds/cam"));
    let url = |path: &str, token: &str| served.live(&format!("{path}?access_token={token}"));
    served.curl_at(&[], &served.live("/live/cam.jpg")).is(401);
    served.curl_at(&[], &url("/live/cam.m3u8", &send)).is(403);
    served.curl_at(&[], &url("/live/cam.m3u8", &look)).is(503);
    served.curl_at(&["-X", "POST", "-d", "x"], &url("/feeds/cam", &look)).is(403);
    let said = served.curl_at(&["-X", "POST", "-d", "x"], &url("/feeds/cam", &send));
    assert_eq!(said.status, 400, "no video, but the token is right: {said:?}");
}

#[test]
fn pages_of_other_sites_are_kept_out() {
    let served = Served::with(CAM);
    let other = ["-X", "POST", "-d", "x", "-H", "Origin: http://example.org"];
    served.curl_at(&other, &served.live("/feeds/cam")).is(403);
    served.curl_at(&["-H", "Host: example.org"], &served.live("/api/v1/feeds")).is(403);
    served.curl_at(&["-H", "Host: localhost:1"], &served.live("/api/v1/feeds")).is(200);
    let page = served.curl_at(&[], &served.live("/")).is(200);
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    served.curl_at(&[], &served.live("/nothing")).is_problem(404, "not-found", "nothing");
    served.curl_at(&[], &served.live("/live/nothing.ts")).is_problem(404, "not-found", "nothing");
}

#[test]
fn a_configuration_of_ffserver_becomes_settings() {
    let served = Served::new();
    let conf = "HTTPPort 8090\n<Feed feed1.ffm>\nFile /tmp/feed1.ffm\n</Feed>\n<Stream test1.mpg>\n\
                Feed feed1.ffm\nFormat mpeg\nVideoFrameRate 25\nAudioBitRate 32\n</Stream>\n";
    served.shell.write("ffserver.conf", conf);
    let mut command = served.shell.command();
    let out = succeed(command.args(["serve", "import-ffserver", "ffserver.conf"]));
    let text = String::from_utf8_lossy(&out).into_owned();
    assert!(text.contains("#   line 9: AudioBitRate 32: feeds carry no sound"), "{text}");
    assert!(text.contains("paths = [\"/test1.mpg\"]"), "{text}");
    let mut again = Served::with(&text.replace("listen = \"127.0.0.1:8090\"\n", ""));
    let _camera = Camera::start(&again, "testsrc2=s=320x240:r=25", "", "/feed1.ffm");
    let found = probed(&again.live("/test1.mpg"));
    assert_eq!(found["streams"][0]["codec_name"], "mpeg2video", "{found}");
    again.end();
}

#[test]
fn the_page_is_clicked_through_in_a_browser() {
    let Some(browser) = found(&CHROMIUM) else { return };
    let served = Served::with(CAM);
    served.put("task/device/seg1.ts", "x").is(201);
    let _camera = Camera::red(&served);
    served.runs();
    let plugin = built_in("invert");
    let shots = served.path("shots");
    std::fs::create_dir_all(&shots).expect("a folder");
    let page = served.live("/");
    let arguments = [browser.trim().as_ref(), page.as_ref(), plugin.as_os_str(), shots.as_os_str()];
    let said = script(&root().join("tests/serve/browser.py"), &arguments);
    let seen: Value = serde_json::from_str(&said).expect("JSON");
    for transport in ["webcodecs", "mse"] {
        let text = seen[transport]["latency"].as_str().expect("a text");
        assert!(text.ends_with(" ms"), "{seen}");
    }
    assert!(seen["refused"].as_str().expect("a text").contains("broken.wasm is refused"), "{seen}");
    assert!(seen["checked"].as_str().expect("a text").contains("invert"), "{seen}");
    assert_eq!(seen["dark"], "rgb(20, 23, 27)", "{seen}");
    assert_eq!(seen["too_wide"], 0, "{seen}");
    assert_eq!(seen["unnamed"], json!([]), "{seen}");
    assert!(seen["segments"].as_str().expect("a text").contains("seg1.ts"), "{seen}");
    assert_eq!(seen["complaints"], json!([]), "{seen}");
}
