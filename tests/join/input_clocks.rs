//! What an input is like that is no fault of the machine: clocks that step within a file, PCM that
//! containers cut differently, audio frames that share a timestamp, containers that count frames. Each
//! is joined, or refused with the reason; exit code 41 is none of the answers.

use std::path::{Path, PathBuf};

use filmgate_tests::outside::{ffmpeg, made, made_once, output, succeed};
use filmgate_tests::shell::Shell;

use super::cases::{bursts, complaints, pictures, times};

/// Four seconds, each frame of its own gray, with a burst of 1 kHz at 1 s and 3 s.
fn clip(name: &str, first: u8, more: &str) -> PathBuf {
    made(
        name,
        &format!(
            "-f lavfi -i color=black:s=64x64:r=25:d=4,format=gray,geq=lum='{first}+N' \
             -f lavfi -i aevalsrc='if(between(mod(t,2),1,1.05),0.8*sin(2*PI*1000*t),0)':s=44100:d=4 \
             -c:v libx264 -preset ultrafast -qp 4 -g 25 -pix_fmt yuv420p {more}"
        ),
    )
}

/// Two clips in one TS, the second one with a clock that steps back, or forward by 100 s.
fn stepping(name: &str, forward: bool) -> [PathBuf; 3] {
    let (a, b) = (clip("clock-a.ts", 20, "-c:a aac"), clip("clock-b.ts", 130, "-c:a aac"));
    let both = made_once(name, |path| {
        let later = path.with_extension("later");
        let offset = if forward { "100" } else { "0" };
        let mut command = ffmpeg("-i");
        command.arg(&b).args(["-c", "copy", "-output_ts_offset", offset, "-f", "mpegts"]);
        succeed(command.arg(&later));
        let read = |path: &Path| std::fs::read(path).expect("readable");
        std::fs::write(path, [read(&a), read(&later)].concat()).expect("writable");
    });
    [a, b, both]
}

#[test]
fn a_clock_that_steps_within_a_segment_is_continued() {
    for (name, forward) in [("clock-back.ts", false), ("clock-forward.ts", true)] {
        let [a, b, both] = stepping(name, forward);
        for (output, order) in [("o.mp4", [&both, &b]), ("o.ts", [&b, &both])] {
            let shell = Shell::new();
            shell.copy(order[0], "1.ts");
            shell.copy(order[1], "2.ts");
            let said = shell.filmgate(&format!("join 1.ts 2.ts -o {output}")).done();
            assert!(said.stderr.contains("discontinuity"), "{}", said.stderr);
            assert!(said.stderr.contains("1.ts") ^ said.stderr.contains("2.ts"), "{}", said.stderr);
            let out = shell.path(output);
            let (a, b) = (pictures(&a), pictures(&b));
            let wanted = if order[0] == &both { [a, b.clone(), b] } else { [b.clone(), a, b] };
            assert_eq!(pictures(&out), wanted.concat(), "{name} {output}");
            let shown = times(&out, "v:0");
            for (number, time) in shown.iter().enumerate() {
                // The clip's audio ends up to a packet behind its video.
                let off = time - shown[0] - number as f64 / 25.0;
                assert!((-0.005..0.06).contains(&off), "{name} {output}: {number} at {time}");
            }
            let heard = bursts(&out);
            assert_eq!(heard.len(), 6, "{name} {output}: {heard:?}");
            for (number, time) in heard.iter().enumerate() {
                let wanted = 1.0 + 2.0 * number as f64;
                assert!((time - wanted).abs() < 0.1, "{name} {output}: {heard:?}");
            }
            assert_eq!(complaints(&out), "");
        }
    }
}

/// The mean of an image's samples, by ffmpeg.
fn gray(image: &Path) -> u8 {
    let mut command = ffmpeg("-i");
    command.arg(image).args("-vf format=gray,scale=1:1 -f rawvideo -".split(' '));
    succeed(&mut command)[0]
}

#[test]
fn every_verb_finds_the_same_frame_at_a_time_behind_a_step() {
    for (name, forward) in [("clock-back.ts", false), ("clock-forward.ts", true)] {
        let [.., both] = stepping(name, forward);
        let shell = Shell::new();
        shell.copy(&both, "in.ts");
        for number in [12, 90, 110, 137, 190] {
            let time = format!("{:.2}", f64::from(number) / 25.0 + 0.06);
            shell.filmgate(&format!("frame -i in.ts --at {time} -o {number}.png -q")).done();
            let run = format!(
                "run -i in.ts -o {number}.mkv --codec ffv1 --start {time} --max-frames 1 -q"
            );
            shell.filmgate(&run).done();
            let [at, from] = ["png", "mkv"].map(|e| gray(&shell.path(format!("{number}.{e}"))));
            let wanted = if number < 100 { 20 + number } else { 30 + number };
            let off = i32::from(at) - wanted;
            assert!((-3..=3).contains(&off), "{name}: frame {number}: {at}, off by {off}");
            assert!((i32::from(from) - i32::from(at)).abs() <= 3, "{name}: {number}: {from} {at}");
        }
    }
}

#[test]
fn every_verb_finds_the_same_frame_of_avi_whose_frames_are_reordered() {
    for (name, codec) in [
        ("order-4.avi", "-c:v mpeg4 -bf 2 -q:v 1"),
        ("order-2.avi", "-c:v mpeg2video -bf 2 -q:v 1"),
        ("order-h.avi", "-bf 3 -tune film -x264-params b-pyramid=normal"),
    ] {
        let shell = Shell::new();
        shell.copy(&clip(name, 20, &format!("{codec} -c:a libmp3lame")), "in.avi");
        shell.filmgate("run -i in.avi -o all.mkv --codec ffv1 -q").done();
        let shown = times(&shell.path("all.mkv"), "v:0");
        assert!((shown[0] - 0.0).abs() < 0.002 && shown.len() == 100, "{name}: {shown:?}");
        for number in [0, 1, 12, 25, 51, 74, 76, 99] {
            let time = format!("{:.2}", f64::from(number) / 25.0 + 0.01);
            shell.filmgate(&format!("frame -i in.avi --at {time} -o {number}.png -q")).done();
            let start = format!("{:.2}", f64::from(number) / 25.0 - 0.01).replace('-', "");
            let run = format!(
                "run -i in.avi -o {number}.mkv --codec ffv1 --start {start} --max-frames 1 -q"
            );
            shell.filmgate(&run).done();
            for file in ["png", "mkv"] {
                let found = i32::from(gray(&shell.path(format!("{number}.{file}"))));
                assert!((found - 20 - number).abs() <= 3, "{name}: {file} {number}: {found}");
            }
        }
    }
}

/// Joins a file with itself.
fn twice(source: &Path, output: &str) -> Shell {
    let shell = Shell::new();
    let ending = source.extension().and_then(|e| e.to_str()).expect("an ending");
    shell.copy(source, format!("1.{ending}"));
    shell.copy(source, format!("2.{ending}"));
    shell.filmgate(&format!("join 1.{ending} 2.{ending} -o {output}")).done();
    shell
}

/// All samples, by ffmpeg.
fn samples(path: &Path) -> Vec<u8> {
    let mut command = ffmpeg("-i");
    succeed(command.arg(path).args("-map a -f s16le -c:a pcm_s16le -".split(' ')))
}

#[test]
fn pcm_goes_between_containers_that_cut_it_differently() {
    for codec in ["pcm_s16le", "pcm_s24le", "pcm_f32le"] {
        for (from, to) in [
            ("mkv", "mov"),
            ("mov", "mkv"),
            ("mkv", "mkv"),
            ("mov", "mov"),
            ("mkv", "avi"),
            ("mkv", "nut"),
        ] {
            let source = clip(&format!("clock-{codec}.{from}"), 20, &format!("-c:a {codec}"));
            if codec == "pcm_f32le" && to == "avi" {
                continue;
            }
            let shell = twice(&source, &format!("o.{to}"));
            let (once, both) = (samples(&source), samples(&shell.path(format!("o.{to}"))));
            assert!(both.starts_with(&once[..once.len() - 8192]), "{codec} {from} {to}");
            let (own, all) = (once.len() as i64, both.len() as i64);
            assert!((all - 2 * own).abs() < 8192, "{codec} {from} {to}: {own} {all}");
        }
    }
}

#[test]
fn audio_frames_that_share_a_timestamp_are_where_they_belong() {
    for (codec, ending) in
        [("ac3", "ts"), ("ac3", "mkv"), ("mp2", "ts"), ("eac3", "ts"), ("aac", "ts")]
    {
        let more = format!("-c:a {codec} -b:a 64k");
        let source = clip(&format!("clock-{codec}.{ending}"), 20, &more);
        for output in ["o.ts", "o.mkv"] {
            let shell = twice(&source, output);
            assert_eq!(bursts(&shell.path(output)).len(), 4, "{codec} {ending} {output}");
        }
    }
}

#[test]
fn avi_gets_one_chunk_a_frame_or_is_refused() {
    for (ending, codec) in [("mp4", "aac"), ("mkv", "ac3"), ("ts", "mp2"), ("mkv", "libmp3lame")] {
        let more = format!("-c:a {codec}");
        let source = clip(&format!("clock-avi-{codec}.{ending}"), 20, &more);
        let shell = twice(&source, "o.avi");
        let once = pictures(&source);
        assert_eq!(pictures(&shell.path("o.avi")), [once.clone(), once].concat());
        let count = "-v error -count_packets -select_streams v -show_entries \
                     stream=nb_read_packets -of csv=p=0";
        let mut probe = std::process::Command::new("ffprobe");
        let said = output(probe.args(count.split_whitespace()).arg(shell.path("o.avi"))).stdout;
        assert_eq!(String::from_utf8_lossy(&said).trim(), "200", "{ending}");
    }
    let shell = Shell::new();
    let reordered = made(
        "clock-reordered.mp4",
        "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v libx264 -bf 2 -pix_fmt yuv420p",
    );
    let uneven = made(
        "clock-uneven.mkv",
        "-f lavfi -i testsrc2=s=64x64:r=25:d=2,setpts='if(lt(N,25),N,25+(N-25)*1.3)/25/TB' \
         -fps_mode passthrough -c:v libx264 -bf 0 -pix_fmt yuv420p",
    );
    shell.copy(&reordered, "b.mp4");
    shell.copy(&uneven, "u.mkv");
    let said = shell.filmgate("join b.mp4 b.mp4 -o o.avi");
    said.refused(34, &["b.mp4", "B-frames", ".mkv or .mp4"]);
    assert!(!shell.path("o.avi").exists());
    // Frames at uneven times go into a finer clock.
    shell.filmgate("join u.mkv u.mkv -o o.avi").done();
    let once = pictures(&uneven);
    assert_eq!(pictures(&shell.path("o.avi")), [once.clone(), once].concat());
}
