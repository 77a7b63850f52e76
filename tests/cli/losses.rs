//! What of an input is not in the output: each kind of loss in each container, by `run` and by `join`, tried
//! and judged by ffprobe. The table is docs/losses.md; nothing in it is lost without a word.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use filmgate_tests::hostile::root;
use filmgate_tests::outside::{
    ffmpeg, ffprobe, made, made_once, pictures, rotated, succeed, workshop,
};
use filmgate_tests::shell::Shell;
use serde_json::Value;

/// Something that an input has, and how to see that an output has it.
struct Kind {
    name: &'static str,
    source: fn() -> PathBuf,
    kept: fn(&Path, &Value) -> bool,
}

const FILM: &str =
    "-f lavfi -i testsrc2=s=96x64:r=25:d=0.4 -c:v libx264 -pix_fmt yuv420p -g 5 -bf 0";
const SOUND: &str = "-f lavfi -i testsrc2=s=96x64:r=25:d=0.4 -f lavfi -i sine=d=0.4:r=48000 \
                     -c:v libx264 -pix_fmt yuv420p -g 5 -bf 0";

/// A film with what is in a text beside it.
fn beside(name: &str, text: (&str, &str), options: &str) -> PathBuf {
    made_once(name, |path| {
        let aside = tempfile::tempdir_in(workshop()).expect("a folder");
        let file = aside.path().join(text.0);
        std::fs::write(&file, text.1).expect("written");
        let options = options.replace("FILE", &file.display().to_string());
        succeed(ffmpeg(&format!("-f lavfi -i testsrc2=s=96x64:r=25:d=0.4 {options}")).arg(path));
    })
}

const CODEC: &str = "-c:v libx264 -pix_fmt yuv420p -g 5 -bf 0";

fn telemetry() -> PathBuf {
    let texts = (
        "t.srt",
        "1\n00:00:00,000 --> 00:00:00,200\none\n\n2\n00:00:00,200 --> 00:00:00,400\ntwo\n",
    );
    let options = format!("-i FILE -map 0 -map 1 {CODEC} -c:s mov_text");
    let source = beside("loss-texts.mp4", texts, &options);
    made_once("loss-telemetry.mp4", |path| {
        let mut bytes = std::fs::read(source).expect("readable");
        for (old, new) in [(b"tx3g", b"gpmd"), (b"sbtl", b"meta")] {
            let at = bytes.windows(4).position(|w| w == old).expect("there is one");
            bytes[at..at + 4].copy_from_slice(new);
        }
        std::fs::write(path, bytes).expect("written");
    })
}

fn has_stream(probe: &Value, key: &str, value: &str) -> bool {
    probe["streams"].as_array().is_some_and(|all| all.iter().any(|s| s[key] == value))
}

fn says(probe: &Value, text: &str) -> bool {
    probe.to_string().to_lowercase().contains(text)
}

const KINDS: &[Kind] = &[
    Kind {
        name: "audio (AAC)",
        source: || made("loss-aac.mp4", &format!("{SOUND} -c:a aac")),
        kept: |_, probe| has_stream(probe, "codec_type", "audio"),
    },
    Kind {
        name: "audio (PCM)",
        source: || made("loss-pcm.mov", &format!("{SOUND} -c:a pcm_s16le")),
        kept: |_, probe| has_stream(probe, "codec_type", "audio"),
    },
    Kind {
        name: "subtitles (SubRip)",
        source: || {
            let text = "1\n00:00:00,000 --> 00:00:00,200\none\n";
            beside("loss-srt.mkv", ("t.srt", text), &format!("-i FILE {CODEC} -c:s srt"))
        },
        kept: |_, probe| has_stream(probe, "codec_type", "subtitle"),
    },
    Kind {
        name: "chapters",
        source: || {
            let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=a\n\
                        [CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=b\n";
            beside(
                "loss-chapters.mkv",
                ("t.txt", text),
                &format!("-i FILE -map_chapters 1 {CODEC}"),
            )
        },
        kept: |_, probe| probe["chapters"].as_array().is_some_and(|c| c.len() >= 2),
    },
    Kind {
        name: "attached files",
        source: || {
            let options = format!("{CODEC} -attach FILE -metadata:s:t mimetype=font/ttf");
            beside("loss-attached.mkv", ("f.ttf", "a font"), &options)
        },
        kept: |_, probe| has_stream(probe, "codec_type", "attachment"),
    },
    Kind {
        name: "telemetry (GoPro)",
        source: telemetry,
        kept: |_, probe| has_stream(probe, "codec_tag_string", "gpmd"),
    },
    Kind {
        name: "time code",
        source: || made("loss-timecode.mov", &format!("{FILM} -timecode 01:00:00:00")),
        kept: |_, probe| says(probe, "\"timecode\":\"01:00:00:00"),
    },
    Kind {
        name: "cover picture",
        source: || {
            let film = made("loss-plain.mp4", FILM);
            made_once("loss-cover.mp4", |path| {
                let mut command = ffmpeg("-i");
                command
                    .arg(&film)
                    .args("-f lavfi -i color=red:s=32x32:d=0.04 -map 0 -map 1".split(' '));
                command.args("-c:v:0 copy -c:v:1 mjpeg -frames:v:1 1".split(' '));
                succeed(command.args(["-disposition:v:1", "attached_pic"]).arg(path));
            })
        },
        kept: |_, probe| says(probe, "\"attached_pic\":1"),
    },
    Kind {
        name: "rotation",
        source: || {
            let film = made("loss-plain.mp4", FILM);
            made_once("loss-rotated.mp4", |path| rotated(&film, path))
        },
        kept: |_, probe| says(probe, "\"rotation\":"),
    },
    Kind {
        name: "stereoscopic (3D)",
        source: || made("loss-stereo.mkv", &format!("{FILM} -metadata:s:v stereo_mode=left_right")),
        kept: |_, probe| says(probe, "stereo 3d"),
    },
    Kind {
        name: "transparency",
        source: || {
            let clear =
                "-f lavfi -i testsrc2=s=96x64:r=25:d=0.4,format=rgba,colorchannelmixer=aa=0.5";
            made("loss-clear.mov", &format!("{clear} -c:v png"))
        },
        kept: |path, _| pictures(path, "rgba", 1).chunks(4).any(|pixel| pixel[3] < 255),
    },
    Kind {
        name: "interlacing",
        source: || made("loss-fields.mkv", &format!("{FILM} -flags +ilme+ildct -top 1")),
        kept: |_, probe| says(probe, "\"interlaced_frame\":1"),
    },
    Kind {
        name: "color (BT.2020, PQ)",
        source: || {
            let color = "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc";
            made("loss-color.mp4", &format!("{FILM} {color}"))
        },
        kept: |_, probe| has_stream(probe, "color_transfer", "smpte2084"),
    },
    Kind {
        name: "sample aspect ratio",
        source: || made("loss-aspect.mp4", &FILM.replace("d=0.4", "d=0.4,setsar=2")),
        kept: |_, probe| has_stream(probe, "sample_aspect_ratio", "2:1"),
    },
    Kind {
        name: "title",
        source: || made("loss-title.mp4", &format!("{FILM} -metadata title=Sentinel")),
        kept: |_, probe| says(probe, "sentinel"),
    },
    Kind {
        name: "language of audio",
        source: || {
            made("loss-language.mp4", &format!("{SOUND} -c:a mp3 -metadata:s:a language=fin"))
        },
        kept: |_, probe| says(probe, "\"language\":\"fin\""),
    },
];

/// What became of a kind in a container; `Err` where it is lost without a word.
fn fate(kind: &Kind, verb: &str, container: &str) -> Result<&'static str, String> {
    let (shell, source) = (Shell::new(), (kind.source)());
    let ending = source.extension().and_then(|e| e.to_str()).expect("an ending");
    shell.copy(&source, format!("1.{ending}"));
    shell.copy(&source, format!("2.{ending}"));
    let output = if container == "png" { "o%d.png".to_owned() } else { format!("o.{container}") };
    let line = match verb {
        "run" => format!("run -i 1.{ending} -o {output} --json"),
        _ => format!("join 1.{ending} 2.{ending} -o {output} --json"),
    };
    let said = shell.filmgate(&line);
    if matches!(said.code, Some(34 | 40)) {
        return Ok("refused");
    }
    if !matches!(said.code, Some(0 | 3)) {
        return Err(format!("{line}: {said:?}"));
    }
    // The demuxer of playlists does not pass on all that is in their segments.
    let path = shell.path(output.replace("%d", "1").replace(".m3u8", "0.ts"));
    let all = "-show_streams -show_format -show_chapters -show_frames -read_intervals %+#2";
    let kept = (kind.kept)(&path, &ffprobe(&path, all));
    let report = said.json();
    let lists = ["left_out", "missing"].map(|key| report[key].as_array().map_or(0, Vec::len));
    match (kept, said.code) {
        (true, Some(0)) => Ok("kept"),
        (false, Some(3)) => Ok("reported (3)"),
        (false, Some(0)) if lists[0] > 0 && !said.stderr.is_empty() => Ok("reported"),
        _ => Err(format!("{line}: kept {kept}, {said:?}")),
    }
}

/// The table of a verb, and what is lost without a word.
fn table(verb: &str, containers: &[&str]) -> (String, Vec<String>) {
    let (mut text, mut lost) = (String::new(), Vec::new());
    let _ = writeln!(text, "| | {} |", containers.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(containers.len()));
    for kind in KINDS {
        let _ = write!(text, "| {} |", kind.name);
        for container in containers {
            let cell = fate(kind, verb, container).unwrap_or_else(|why| {
                lost.push(format!("{}: {why}", kind.name));
                "lost"
            });
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    (text, lost)
}

/// Compares a table with the one in docs/losses.md. `FILMGATE_WRITE_DOCS=1` writes it there.
fn check(verb: &str, containers: &[&str]) {
    let (table, lost) = table(verb, containers);
    assert!(lost.is_empty(), "lost without a word:\n{}\n{table}", lost.join("\n"));
    let path = root().join("docs/losses.md");
    let text = std::fs::read_to_string(&path).expect("docs/losses.md");
    let (begin, end) = (format!("<!-- {verb} -->\n\n"), format!("\n<!-- end of {verb} -->"));
    let (before, rest) = text.split_once(&begin).expect("a place for the table");
    let (committed, behind) = rest.split_once(&end).expect("the end of the table");
    if std::env::var_os("FILMGATE_WRITE_DOCS").is_some() {
        std::fs::write(&path, [before, &begin, &table, &end, behind].concat()).expect("written");
    } else if is_the_ffmpeg_of_the_table() {
        assert_eq!(committed, table, "FILMGATE_WRITE_DOCS=1 writes docs/losses.md anew");
    }
}

/// Later lines of FFmpeg hold more.
fn is_the_ffmpeg_of_the_table() -> bool {
    String::from_utf8_lossy(&succeed(&mut ffmpeg("-version"))).starts_with("ffmpeg version 5.1")
}

#[test]
fn run_loses_nothing_without_a_word() {
    check("run", &["mp4", "mov", "mkv", "webm", "ts", "avi", "flv", "ogv", "gif", "png", "m3u8"]);
}

#[test]
fn join_loses_nothing_without_a_word() {
    check("join", &["mp4", "mov", "mkv", "ts", "avi", "flv"]);
}
