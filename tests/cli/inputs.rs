//! Inputs that are not what they should be.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use filmgate_tests::outside::{complaints, ffmpeg, ffprobe, made, small, succeed};
use filmgate_tests::shell::Shell;

/// Runs on a file of the shell's folder, and checks that nothing came of it.
fn refused(shell: &Shell, input: &str, code: i32, parts: &[&str]) {
    let before = shell.names();
    let said = shell.run(&PathBuf::from(input), "out.mp4", "-p emboss");
    said.refused(code, parts);
    assert!(said.stderr.contains(input), "the file is not named: {}", said.stderr);
    assert_eq!(shell.names(), before);
}

#[test]
fn what_is_no_media_file() {
    let shell = Shell::new();
    refused(&shell, "missing.mp4", 20, &["No such file"]);
    std::fs::create_dir(shell.path("folder.mp4")).expect("a folder");
    refused(&shell, "folder.mp4", 21, &["directory"]);
    shell.write("empty.mp4", "");
    refused(&shell, "empty.mp4", 21, &["empty"]);
    shell.write("text.mp4", "This is a text and no film.\n".repeat(200));
    refused(&shell, "text.mp4", 21, &[]);
    shell.write("text.bin", "This is a text and no film.\n".repeat(200));
    refused(&shell, "text.bin", 21, &["not a media file"]);
    symlink("nowhere", shell.path("dangling.mp4")).expect("a link");
    refused(&shell, "dangling.mp4", 20, &["No such file"]);
}

#[test]
fn what_would_open_other_files() {
    let shell = Shell::new();
    shell.copy(&small("in.ts", "-bf 2"), "secret.ts");
    let hls = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n";
    shell.write("list.m3u8", hls);
    refused(&shell, "list.m3u8", 24, &["hls", "refer to no other files"]);
    // By another name libav takes it for a playlist, or for no media since FFmpeg 7.1.1.
    shell.write("list.mp4", hls);
    let said = shell.run(&PathBuf::from("list.mp4"), "out.mp4", "");
    assert!(matches!(said.code, Some(21 | 24)), "{said:?}");
    shell.write("concat.mp4", "ffconcat version 1.0\nfile secret.ts\n");
    refused(&shell, "concat.mp4", 24, &["concat", "refer to no other files"]);
    let dash = "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
        profiles=\"urn:mpeg:dash:profile:isoff-main:2011\"><Period/></MPD>";
    shell.write("dash.mp4", dash);
    let said = shell.run(&PathBuf::from("dash.mp4"), "out.mp4", "");
    assert!(matches!(said.code, Some(21 | 24)), "{said:?}");
}

#[test]
fn sound_alone() {
    let shell = Shell::new();
    let input = small("plain.mp4", "-bf 2");
    for name in ["sound.mp4", "sound.mkv"] {
        succeed(ffmpeg("").arg("-i").arg(&input).args(["-vn", "-c", "copy"]).arg(shell.path(name)));
        refused(&shell, name, 23, &["no video stream", "audio (aac)"]);
    }
}

#[test]
fn a_codec_that_nobody_can_decode() {
    let shell = Shell::new();
    let mut bytes = std::fs::read(small("in.mkv", "-bf 2")).expect("a clip");
    let name = b"V_MPEG4/ISO/AVC";
    let at = bytes.windows(name.len()).position(|w| w == name).expect("the codec's name");
    bytes[at..at + name.len()].copy_from_slice(b"V_XYZZY/NOBODY0");
    shell.write("strange.mkv", bytes);
    refused(&shell, "strange.mkv", 21, &["stream 0", "no picture could be decoded"]);
}

#[test]
fn truncated_files_are_refused_unless_accepted() {
    let shell = Shell::new();
    for (name, more) in [("cut.mp4", "-movflags +faststart"), ("cut.mkv", ""), ("cut.flv", "")] {
        let input = small(&format!("whole-{name}"), &format!("-bf 2 {more}"));
        let bytes = std::fs::read(&input).expect("a clip");
        shell.write(name, &bytes[..bytes.len() / 2]);
        refused(&shell, name, 22, &["cut off"]);
        let output = format!("rest-of-{name}.mkv");
        let said = shell.run(&PathBuf::from(name), &output, "-p emboss --accept-truncated --json");
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.json()["truncated"].as_str().is_some_and(|t| t.contains("cut off")));
        let frames = said.json()["frames_out"].as_u64().expect("a number");
        assert!((5..25).contains(&frames), "{frames} frames of half of {name}");
        let path = shell.path(&output);
        let found = ffprobe(&path, "-count_packets -select_streams v -show_streams");
        assert_eq!(found["streams"][0]["nb_read_packets"], frames.to_string());
        assert_eq!(complaints(&path), "");
    }
}

#[test]
fn an_index_that_is_cut_away_is_nothing_to_work_with() {
    let shell = Shell::new();
    let bytes = std::fs::read(small("plain.mp4", "-bf 2")).expect("a clip");
    shell.write("headless.mp4", &bytes[..bytes.len() / 2]);
    refused(&shell, "headless.mp4", 21, &["moov"]);
}

#[test]
fn damage_in_the_middle_is_not_passed_over_in_silence() {
    let shell = Shell::new();
    let mut bytes = std::fs::read(small("damaged.mp4", "-an -bf 0 -g 5 -x264-params slices=1"))
        .expect("a clip");
    let start = bytes.windows(4).position(|w| w == b"mdat").expect("media data");
    let (from, to) = (start + 8000, start + 14000);
    bytes[from..to].fill(0xff);
    shell.write("damaged.mp4", bytes);
    let said = shell.run(&PathBuf::from("damaged.mp4"), "out.mp4", "-p emboss --json");
    assert_eq!(said.code, Some(3), "{said:?}");
    let json = said.json();
    assert!(json["damaged_packets"].as_u64().is_some_and(|d| d > 0), "{json}");
    assert!(json["frames_out"].as_u64().is_some_and(|f| (5..25).contains(&f)), "{json}");
    assert!(said.stderr.contains("are damaged and missing in the output"), "{said:?}");
    assert_eq!(complaints(&shell.path("out.mp4")), "");
}

#[test]
fn a_recording_that_starts_inside_a_group_of_pictures_says_what_is_missing() {
    let whole = made(
        "groups.ts",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -c:v libx264 -preset ultrafast -g 20",
    );
    let bytes = std::fs::read(whole).expect("a stream");
    // The tables in the first packets, and what follows a fifth of the way.
    let from = bytes.len() / 188 / 5 * 188;
    let shell = Shell::new();
    shell.write("mid.ts", [&bytes[..188 * 3], &bytes[from..]].concat());
    let said = shell.run(&PathBuf::from("mid.ts"), "out.mp4", "--json").done();
    let (lead, frames) = (&said.json()["undecodable_lead"], &said.json()["frames_out"]);
    let (lead, frames) = (lead.as_u64().expect("a count"), frames.as_u64().expect("a count"));
    assert!(lead > 0 && said.stderr.contains(&format!("{lead} pictures before")), "{said:?}");
    let packets =
        ffprobe(&shell.path("mid.ts"), "-count_packets -show_entries stream=nb_read_packets");
    let all = packets["streams"][0]["nb_read_packets"].as_str().expect("a count").to_owned();
    assert_eq!((lead + frames).to_string(), all, "shown or named");
}

/// Formats of which libav does not look whether the end is there.
#[test]
fn a_cut_is_seen_where_a_format_says_where_it_ends() {
    let shell = Shell::new();
    let film = "-f lavfi -i testsrc2=size=160x120:rate=10:duration=2";
    for (name, more) in [("end.gif", ""), ("end.y4m", ""), ("end.ogv", "-c:v libtheora")] {
        let whole = made(name, &format!("{film} {more}"));
        shell.copy(&whole, name);
        shell.filmgate(&format!("run -i {name} -o /dev/null")).done();
        let bytes = std::fs::read(&whole).expect("read");
        // Nowhere between two frames or pages.
        for percent in [41, 67, 93] {
            shell.write(name, &bytes[..bytes.len() * percent / 100]);
            let line = format!("run -i {name} -o /dev/null");
            shell.filmgate(&line).refused(22, &[name, "cut off"]);
            let said = shell.filmgate(&format!("{line} --accept-truncated"));
            assert_eq!(said.code, Some(3), "{name}: {said:?}");
        }
    }
}
