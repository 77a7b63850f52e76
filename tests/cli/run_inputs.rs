//! What `run` reads: parts, several inputs, chosen streams, pipes, URLs and what they may open.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use filmgate_tests::outside::{ffmpeg, ffprobe, made, pictures, small, succeed};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use serde_json::Value;

/// Six seconds at 25 a second with two sounds, and a key frame every two seconds.
fn film(name: &str) -> PathBuf {
    made(
        name,
        "-f lavfi -i testsrc2=size=192x108:rate=25:duration=6 \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration=6 \
         -f lavfi -i sine=frequency=880:sample_rate=48000:duration=6 \
         -map 0 -map 1 -map 2 -c:v libx264 -preset veryfast -g 50 -c:a aac",
    )
}

fn streams(path: &Path) -> Vec<Value> {
    let all = ffprobe(path, "-count_packets -show_streams");
    all["streams"].as_array().expect("a list").clone()
}

fn packets(stream: &Value) -> u64 {
    stream["nb_read_packets"].as_str().and_then(|n| n.parse().ok()).expect("a number")
}

fn begins(stream: &Value) -> f64 {
    stream["start_time"].as_str().and_then(|n| n.parse().ok()).expect("a time")
}

#[test]
fn a_part_is_cut_to_the_picture() {
    let shell = Shell::new();
    for name in ["part.mp4", "part.mkv", "part.ts"] {
        let (input, first) = (film(name), 65);
        let to = format!("out-{name}.mkv");
        let more = "--start 2.6 --max-frames 7 --codec ffv1 --map v --map a";
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(&input).args(["-o", &to]);
        shell.say(command.args(more.split_whitespace())).done();
        let output = shell.path(&to);
        let all = streams(&output);
        assert_eq!(packets(&all[0]), 7, "{name}");
        // AAC has 21 or 23 ms in a packet; 7 pictures are 280 ms.
        for sound in &all[1..] {
            assert!((11..=14).contains(&packets(sound)), "{name}: {}", packets(sound));
            assert!((begins(sound) - begins(&all[0])).abs() < 0.03, "{name}");
        }
        let (whole, part) = (pictures(&input, "yuv420p", 100), pictures(&output, "yuv420p", 100));
        let size = part.len() / 7;
        assert!(whole[first * size..(first + 7) * size] == part[..], "{name}: other pictures");
    }
}

#[test]
fn times_beside_the_film_are_refused() {
    let shell = Shell::new();
    let input = small("plain.mp4", "-bf 2");
    shell.run(&input, "out.mp4", "--start 60").refused(2, &["--start 60", "ends at 1.0"]);
    shell.run(&input, "out.mp4", "--start 1:75").refused(2, &["1:75", "12.5 or 1:02:03.5"]);
    shell.run(&input, "out.mp4", "--max-frames 0").refused(2, &["0"]);
    assert!(shell.names().is_empty());
}

#[test]
fn inputs_follow_each_other() {
    let shell = Shell::new();
    let input = film("part.mp4");
    let two = format!("-i {} --start 5 --duration 2", input.display());
    shell.run(&input, "two.mkv", &two).done();
    let all = streams(&shell.path("two.mkv"));
    assert_eq!(packets(&all[0]), 50);
    for sound in &all[1..] {
        assert!((92..=97).contains(&packets(sound)), "{}", packets(sound));
    }
    let times = ffprobe(&shell.path("two.mkv"), "-select_streams v -show_entries packet=pts_time");
    let mut times: Vec<f64> = times["packets"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["pts_time"].as_str()?.parse().ok())
        .collect();
    times.sort_by(f64::total_cmp);
    assert!(times.windows(2).all(|t| t[1] - t[0] < 0.08), "no gap: {times:?}");
}

#[test]
fn an_input_of_another_kind_is_made_to_fit() {
    let shell = Shell::new();
    let other = made("silent.mkv", "-f lavfi -i testsrc=size=64x48:rate=30:duration=1 -c:v ffv1");
    let said = shell.run(&film("part.mp4"), "two.mp4", &format!("-i {} --json", other.display()));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("audio is missing: the first input has it"), "{said:?}");
    assert!(said.stderr.contains("scaled to 192x108"), "{said:?}");
    assert_eq!(said.json()["frames_out"], 180);
    assert_eq!(said.json()["missing"].as_array().map(Vec::len), Some(2));
}

#[test]
fn streams_are_chosen() {
    let shell = Shell::new();
    let input = film("part.mp4");
    for (arguments, count) in [
        ("--map v --map a:1", 2),
        ("--map 0:2", 2),
        ("--map 0 --map 0:a:0", 2),
        ("--map -a:0", 2),
        ("--no-audio", 1),
        ("--map v", 1),
        ("", 3),
    ] {
        shell.run(&input, "out.mkv", &format!("-y --max-frames 3 {arguments}")).done();
        assert_eq!(streams(&shell.path("out.mkv")).len(), count, "{arguments}");
    }
    let said = shell.run(&input, "none.mkv", "--map a:2");
    said.refused(2, &["--map a:2", "no such stream", "2 audio (aac)"]);
    shell.run(&input, "none.mkv", "--map x").refused(2, &["\"x\" names no streams"]);
}

#[test]
fn standard_input_is_read_from_pipes_and_files() {
    let shell = Shell::new();
    let (mkv, mp4) = (film("part.mkv"), film("part.mp4"));
    let mut command = shell.command();
    command.args("run -i - -o piped.mkv --max-frames 20 --start 1 --codec ffv1".split(' '));
    let mut child = Running::start(command.stdin(Stdio::piped()));
    let mut stdin = child.stdin.take().expect("a pipe");
    let bytes = fs::read(&mkv).expect("it is there");
    // It may end before it has read all.
    let _ = stdin.write_all(&bytes);
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(packets(&streams(&shell.path("piped.mkv"))[0]), 20);
    // The index of this one stands at its end.
    let mut command = shell.command();
    command.args("run -i - -o file.mkv --max-frames 5 --codec ffv1".split(' '));
    command.stdin(File::open(&mp4).expect("it is there"));
    assert!(command.status().expect("it ends").success());
    assert_eq!(packets(&streams(&shell.path("file.mkv"))[0]), 5);
    // A named pipe that nobody writes to.
    succeed(Command::new("mkfifo").arg(shell.path("pipe")));
    let said = shell.filmgate("run -i pipe -o no.mkv --open-timeout 300ms");
    said.refused(24, &["pipe", "0.3 s"]);
    shell.filmgate("run -i - -i - -o no.mkv").refused(2, &["once only"]);
}

#[test]
fn test_sources_raw_video_and_numbered_pictures() {
    let shell = Shell::new();
    let lavfi = "run --input-format lavfi -i testsrc2=size=64x48:rate=10 --max-frames 12";
    shell.filmgate(&format!("{lavfi} -o f/%03d.png")).done();
    assert_eq!(fs::read_dir(shell.path("f")).expect("a folder").count(), 12);
    shell.filmgate("run -i f/%03d.png -o numbered.mkv --input-option framerate=10").done();
    let all = streams(&shell.path("numbered.mkv"));
    assert_eq!((packets(&all[0]), &all[0]["avg_frame_rate"]), (12, &Value::from("10/1")));
    shell.filmgate(&format!("{lavfi} -o raw.yuv --pix-fmt gray8")).done();
    assert_eq!(fs::metadata(shell.path("raw.yuv")).expect("there").len(), 64 * 48 * 12);
    let raw = "run --input-format rawvideo --input-option video_size=64x48 \
               --input-option pixel_format=gray -i raw.yuv -o raw.mkv --codec ffv1";
    shell.filmgate(raw).done();
    assert_eq!(packets(&streams(&shell.path("raw.mkv"))[0]), 12);
    let said = shell.filmgate("run --input-format rawvidio -i raw.yuv -o no.mkv");
    said.refused(2, &["rawvidio", "did you mean rawvideo"]);
    let said = shell.filmgate("run --input-option video_sise=1x1 -i numbered.mkv -o no.mkv");
    said.refused(2, &["video_sise"]);
}

/// Serves files of a folder over HTTP, one request after the other; what was asked for.
fn serve(folder: &Path) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let folder = folder.to_owned();
    let served = thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0u8; 4096];
            let count = stream.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..count]).into_owned();
            let name = text.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            let answer = match (name.as_str(), fs::read(folder.join(&name))) {
                ("end", _) => return,
                // Never an answer.
                ("slow", _) => {
                    thread::spawn(move || {
                        let _ = stream.read(&mut [0; 1]);
                    });
                    continue;
                }
                (_, Ok(body)) => {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    [head.into_bytes(), body].concat()
                }
                _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            let _ = stream.write_all(&answer);
        }
    });
    (url, served)
}

#[test]
fn urls_are_read_and_lead_to_no_file() {
    let shell = Shell::new();
    let film = fs::copy(film("part.ts"), shell.path("film.ts")).map(|_| "film.ts");
    let film = film.expect("copied");
    let secret = shell.path(film);
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n";
    shell.write("good.m3u8", format!("{head}{film}\n#EXT-X-ENDLIST\n"));
    shell.write("bad.m3u8", format!("{head}file://{}\n#EXT-X-ENDLIST\n", secret.display()));
    let (url, server) = serve(shell.folder());
    for name in ["film.ts", "good.m3u8"] {
        let line = format!("run -i {url}/{name} -y -o got.mkv --max-frames 5");
        shell.filmgate(&line).done();
        assert_eq!(packets(&streams(&shell.path("got.mkv"))[0]), 5, "{name}");
    }
    let said = shell.filmgate(&format!("run -i {url}/bad.m3u8 -o no.mkv --open-timeout 5"));
    assert!(matches!(said.code, Some(20..=24)), "{said:?}");
    let said = shell.filmgate(&format!("run -i {url}/none.ts -o no.mkv"));
    said.refused(20, &["none.ts", "404"]);
    let said = shell.filmgate(&format!("run -i {url}/slow -o no.mkv --open-timeout 0.5"));
    said.refused(24, &["slow", "0.5 s"]);
    // A playlist in a file opens nothing, unless its format is named; and then no server.
    shell.run(Path::new("good.m3u8"), "no.mkv", "").refused(24, &["hls"]);
    shell.filmgate("run --input-format hls -i good.m3u8 -o local.mkv --max-frames 5").done();
    shell.write("far.m3u8", format!("{head}{url}/film.ts\n#EXT-X-ENDLIST\n"));
    let said = shell.filmgate("run --input-format hls -i far.m3u8 -o no.mkv");
    assert!(matches!(said.code, Some(20..=24)), "{said:?}");
    let said = shell.filmgate("run -i concat://a|b -o no.mkv");
    said.refused(24, &["\"concat\"", "https"]);
    assert!(!shell.path("no.mkv").exists());
    let _ = shell.filmgate(&format!("run -i {url}/end -o no.mkv --open-timeout 2"));
    server.join().expect("the server ends");
}

/// A folder of images and a pattern are read in natural order, at the rate that is asked for.
#[test]
fn a_folder_and_a_pattern_are_images_in_natural_order() {
    let shell = Shell::new();
    fs::create_dir(shell.path("f")).expect("made");
    // Each image is one gray: 8 before 10, whatever the bytes say.
    for number in 1..=12 {
        let level = format!("color=c=0x{0:02x}{0:02x}{0:02x}:s=64x48", number * 20);
        let mut command = ffmpeg("-f lavfi -i");
        command.arg(level).args(["-frames:v", "1", "-update", "1"]);
        succeed(command.arg(shell.path(format!("f/scan {number}.png"))));
    }
    let names =
        Command::new("sh").arg("-c").arg("ls | sort -V").current_dir(shell.path("f")).output();
    let names = String::from_utf8(names.expect("coreutils").stdout).expect("UTF-8");
    assert!(names.starts_with("scan 1.png\nscan 2.png"), "{names}");
    let levels = |film: &str| -> Vec<u8> {
        let film = shell.path(film);
        pictures(&film, "gray", 99).chunks(64 * 48).map(|frame| frame[0]).collect()
    };
    for (number, input) in ["f", "f/", "f/*.png", "f/scan*"].iter().enumerate() {
        let film = format!("{number}.mkv");
        let said = shell.say(
            shell.command().args(["run", "-i", input, "-o", &film, "--codec", "ffv1", "--json"]),
        );
        assert_eq!(said.done().json()["frames_in"], 12, "{input}");
        let levels = levels(&film);
        assert!(levels.is_sorted() && levels.len() == 12, "{input}: {levels:?}");
    }
    let rate = |film: &str| {
        ffprobe(&shell.path(film), "-show_streams")["streams"][0]["r_frame_rate"].clone()
    };
    shell
        .say(shell.command().args("run -i f -o r.mkv --input-option framerate=5".split(' ')))
        .done();
    assert_eq!(rate("r.mkv"), "5/1");
    shell.say(shell.command().args("encode -i f/*.png -o e.mkv --rate 4".split(' '))).done();
    assert_eq!(rate("e.mkv"), "4/1");
    shell.say(shell.command().args("frame -i f --at 50% -o half.png".split(' '))).done();
    // What is wrong is said with the way out, and no image is overwritten.
    shell.write("f/other.jpg", "");
    shell.filmgate("run -i f -o x.mkv").refused(21, &["several kinds", "*.png"]);
    shell.filmgate("run -i f/*.gif -o x.mkv").refused(20, &["f/*.gif"]);
    fs::create_dir(shell.path("empty")).expect("made");
    shell.filmgate("run -i empty -o x.mkv").refused(21, &["holds no images"]);
    let own = ["run", "-i", "f/*.png", "-o", "f/scan %d.png", "-y"];
    shell.say(shell.command().args(own)).refused(31, &["scan"]);
    assert!(!shell.path("x.mkv").exists());
}
