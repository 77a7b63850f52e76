//! `--reencode-odd`: what does not fit is encoded anew, and nothing else is.

use filmgate_tests::outside::ffprobe;
use filmgate_tests::shell::Shell;

use super::cases::{bursts, complaints, join, pictures, segments, times};

/// The odd segment is in the output, as many pictures as it shows, and the others are bit for bit
/// what they were.
fn mended(name: &str, shown: usize, length: f64) {
    let shell = Shell::new();
    let said = join(&shell, name, "out.mp4", "--reencode-odd").done();
    let out = shell.path("out.mp4");
    assert_eq!(said.json()["segments"][1]["action"], "reencode", "{said:?}");
    assert_eq!(complaints(&out), "", "{name}");
    let found = pictures(&out);
    let (first, last) = (pictures(&segments(name)[0]), pictures(&segments(name)[2]));
    assert_eq!(found.len(), first.len() + shown + last.len(), "{name}");
    assert_eq!(found[..first.len()], first, "{name}: the first is as it was");
    assert_eq!(found[found.len() - last.len()..], last, "{name}: the last is as it was");
    let streams =
        ffprobe(&out, "-show_entries stream=codec_name,width,height,sample_rate,channels");
    let film = &streams["streams"][0];
    assert_eq!(
        (&film["codec_name"], &film["width"], &film["height"]),
        (&"h264".into(), &192.into(), &108.into())
    );
    let sound = &streams["streams"][1];
    assert_eq!(
        (&sound["codec_name"], &sound["sample_rate"], &sound["channels"]),
        (&"aac".into(), &"44100".into(), &2.into())
    );
    let end = times(&out, "v:0").last().copied().unwrap_or(0.0);
    assert!((end - (4.0 + length - 0.04)).abs() < 0.05, "{name}: {end}");
    // The third burst is one second into the third segment.
    let heard = bursts(&out);
    let last = heard.last().copied().unwrap_or(0.0);
    assert!((last - (3.0 + length)).abs() < 0.03, "{name}: {heard:?}");
}

macro_rules! mended_cases {
    ($($name:ident $case:literal;)*) => {
        $(#[test]
        fn $name() {
            mended($case, 50, 2.0);
        })*
    };
}

mended_cases! {
    another_resolution_is_scaled "resolution";
    another_codec_is_encoded_anew "codec_hevc";
    an_old_codec_is_encoded_anew "codec_mpeg4";
    another_sample_rate_is_resampled "audio_48k";
    one_channel_becomes_two "audio_mono";
    another_audio_codec_is_encoded_anew "audio_mp3";
    another_rotation_is_turned "rotation";
    ten_bits_become_eight "ten_bits";
}

#[test]
fn a_cut_shows_what_its_edit_list_shows() {
    // Cut at 0.9 s, in front of which a key frame stands at 0.
    let shown = pictures(&segments("cut")[1]).len();
    assert!((25..30).contains(&shown), "{shown}");
    let length = shown as f64 / 25.0;
    mended("cut", shown, length);
}

#[test]
fn sound_alone_is_encoded_anew_where_the_film_fits() {
    let shell = Shell::new();
    join(&shell, "audio_48k", "out.mp4", "--reencode-odd").done();
    let all = super::cases::all_pictures(&segments("audio_48k"));
    assert_eq!(pictures(&shell.path("out.mp4")), all);
}
