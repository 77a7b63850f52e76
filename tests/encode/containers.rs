//! One encode into every container, several at once.

use filmgate_tests::counted::{numbers, write};
use filmgate_tests::outside::{complaints, ffprobe};
use filmgate_tests::shell::Shell;

use crate::start::{NOW, end, start};

#[test]
fn every_container_holds_the_same_encode() {
    let shell = Shell::new();
    let job = start(
        &shell,
        "-o out.flv -o out.mp4 -o out.mkv -o out.ts -o out.mov -o list/a.m3u8 -o folder/ --also copy.mkv \
         --keyframe-interval 1",
    );
    write(&shell.path("pipe"), 0..80, NOW).join().expect("written");
    let result = end(job).done().json();
    assert_eq!(result["outputs"].as_array().map(Vec::len), Some(8));
    let names = [
        "out.flv",
        "out.mp4",
        "out.mkv",
        "out.ts",
        "out.mov",
        "list/a.m3u8",
        "folder/index.m3u8",
        "copy.mkv",
    ];
    for name in names {
        let path = shell.path(name);
        assert_eq!(numbers(&path), (0..80).collect::<Vec<_>>(), "{name}");
        assert_eq!(complaints(&path), "", "{name}");
        let stream = &ffprobe(&path, "-show_streams")["streams"][0];
        assert_eq!(stream["codec_name"], "h264", "{name}");
        // What browsers and phones can play.
        assert_eq!(stream["pix_fmt"], "yuv420p", "{name}");
        assert_eq!((&stream["width"], &stream["height"]), (&320.into(), &180.into()), "{name}");
        assert_eq!(stream["color_space"], "smpte170m", "{name}");
        assert_eq!(stream["color_range"], "tv", "{name}");
    }
    // Pieces from key frame to key frame.
    let list = std::fs::read_to_string(shell.path("list/a.m3u8")).expect("a playlist");
    assert_eq!(list.matches("#EXTINF:1.0").count(), 3, "{list}");
    assert!(list.contains("#EXT-X-ENDLIST"), "{list}");
}

#[test]
fn fragmented_mp4_can_be_played_while_it_grows() {
    let shell = Shell::new();
    let job = start(&shell, "--fragmented -o out.mp4 -o whole.mkv --keyframe-interval 0.4");
    write(&shell.path("pipe"), 0..50, NOW).join().expect("written");
    end(job).done();
    let path = shell.path("out.mp4");
    assert_eq!(numbers(&path), (0..50).collect::<Vec<_>>());
    let bytes = std::fs::read(&path).expect("there");
    let count = bytes.windows(4).filter(|w| w == b"moof").count();
    assert!(count >= 5, "{count} fragments");
    // What there was half-way can be played.
    let half = shell.write("half.mp4", &bytes[..bytes.len() / 2]);
    let seen = numbers(&half);
    assert!(seen.len() > 10 && seen == (0..seen.len()).collect::<Vec<_>>(), "{seen:?}");
    shell.filmgate("encode -i x --size 2x2 --fragmented -o a.mkv").refused(2, &["--fragmented"]);
}

#[test]
fn the_options_of_the_encoder_reach_it() {
    let shell = Shell::new();
    let more = "-o out.mp4 --preset veryfast --tune film --bitrate 400k --maxrate 500k --bufsize 500k \
                --keyframe-interval 0.2 --profile high -x bf=2";
    let job = start(&shell, more);
    write(&shell.path("pipe"), 0..30, NOW).join().expect("written");
    end(job).done();
    let path = shell.path("out.mp4");
    let stream = &ffprobe(&path, "-show_streams")["streams"][0];
    assert_eq!((&stream["profile"], &stream["has_b_frames"]), (&"High".into(), &2.into()));
    let frames = ffprobe(&path, "-show_entries frame=key_frame");
    let keys = frames["frames"].as_array().expect("frames").iter().filter(|f| f["key_frame"] == 1);
    assert_eq!(keys.count(), 6);
    let bytes = std::fs::read(&path).expect("there");
    let text = String::from_utf8_lossy(&bytes);
    for part in ["vbv_maxrate=500", "vbv_bufsize=500", "bitrate=400", "rc=abr"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn by_default_it_encodes_as_fast_as_it_can() {
    let shell = Shell::new();
    let job = start(&shell, "-o out.mp4");
    write(&shell.path("pipe"), 0..10, NOW).join().expect("written");
    end(job).done();
    let bytes = std::fs::read(shell.path("out.mp4")).expect("there");
    let text = String::from_utf8_lossy(&bytes);
    // ultrafast and zerolatency, a key frame every two seconds
    for part in ["cabac=0", "ref=1", "mbtree=0", "sliced_threads=1", "bframes=0", "keyint=50"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn an_output_that_fails_does_not_stop_the_others() {
    let shell = Shell::new();
    let job = start(&shell, "-o /dev/full -o out.mkv --format flv");
    // It is no file that could appear when it is whole.
    end(job).refused(32, &["/dev/full"]);
    // A file that meets its limit, and one that stays below.
    let mut command = std::process::Command::new("sh");
    shell.settle(&mut command);
    let line = format!(
        "ulimit -f 400; exec \"$0\" {} --bitrate 8M -o big.ts -o small.framemd5 -x nal-hrd=cbr --maxrate 8M",
        crate::start::counted()
    );
    command.args(["-c", &line]).arg(filmgate_tests::hostile::program());
    let job = crate::start::spawn(&mut command);
    write(&shell.path("pipe"), 0..100, NOW).join().expect("written");
    let said = end(job);
    assert_eq!(said.code, Some(33), "{said:?}");
    assert!(said.stderr.contains("big.ts"), "{}", said.stderr);
    assert_eq!(shell.names(), ["small.framemd5"]);
    let sums = std::fs::read_to_string(shell.path("small.framemd5")).expect("there");
    assert_eq!(sums.lines().filter(|l| !l.starts_with('#')).count(), 100);
}

#[test]
fn one_picture_and_several_are_shown_for_a_while() {
    let shell = Shell::new();
    for (name, colour) in [("a.png", "red"), ("b.jpg", "blue")] {
        let mut command = filmgate_tests::outside::ffmpeg("-f lavfi -i");
        command.arg(format!("color={colour}:size=320x180")).arg("-frames:v").arg("1");
        filmgate_tests::outside::succeed(command.arg(shell.path(name)));
    }
    let line =
        "encode --image a.png --image b.jpg --duration 2 --rate 10 -q --audio silence -o out.mp4";
    shell.filmgate(line).done();
    let facts = ffprobe(&shell.path("out.mp4"), "-count_frames -show_streams -show_format");
    assert_eq!(facts["streams"][0]["nb_read_frames"], "40");
    assert_eq!(facts["streams"][1]["codec_name"], "aac");
    let rgb = filmgate_tests::outside::pictures(&shell.path("out.mp4"), "rgb24", 40);
    let at = |picture: usize| &rgb[picture * 320 * 180 * 3..][..3];
    assert!(at(19)[0] > 200 && at(19)[2] < 60, "red: {:?}", at(19));
    assert!(at(20)[2] > 200 && at(20)[0] < 60, "blue: {:?}", at(20));
}

#[test]
fn numbered_pictures_are_a_film() {
    let shell = Shell::new();
    let raw = shell.path("film.raw");
    filmgate_tests::counted::raw_film(&raw, 12);
    let mut command = filmgate_tests::outside::ffmpeg("-f rawvideo -pix_fmt bgr24 -s 320x180 -i");
    filmgate_tests::outside::succeed(command.arg(raw).arg(shell.path("%03d.png")));
    shell.filmgate("encode -i %03d.png --rate 12 -q -o out.mp4").done();
    assert_eq!(numbers(&shell.path("out.mp4")), (0..12).collect::<Vec<_>>());
    let stream = &ffprobe(&shell.path("out.mp4"), "-show_streams")["streams"][0];
    assert_eq!(stream["r_frame_rate"], "12/1");
}

#[test]
fn plugins_are_on_the_way() {
    let shell = Shell::new();
    let job = start(&shell, "-p emboss:planes=luma -o out.mp4");
    write(&shell.path("pipe"), 0..20, NOW).join().expect("written");
    let result = end(job).done().json();
    assert_eq!(result["plugins"][0]["frames"], 20);
    // The pictures become what the encoder takes while they are read, and nothing else after that.
    assert_eq!(result["conversions"], serde_json::json!([]));
    let gray = filmgate_tests::outside::pictures(&shell.path("out.mp4"), "gray", 1);
    // A relief is gray where nothing changes.
    assert!(gray[170 * 320 + 100].abs_diff(128) < 12, "{}", gray[170 * 320 + 100]);
    // A plugin that takes RGB alone gets it without a detour.
    let shell = Shell::new();
    let lut = shell.write(
        "same.cube",
        "LUT_3D_SIZE 2\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n",
    );
    let job = start(&shell, &format!("-p lut3d:file={} -o out.mp4", lut.display()));
    write(&shell.path("pipe"), 0..20, NOW).join().expect("written");
    let result = end(job).done().json();
    assert_eq!(result["read"]["format"], "rgb24");
    assert_eq!(numbers(&shell.path("out.mp4")), (0..20).collect::<Vec<_>>());
}
