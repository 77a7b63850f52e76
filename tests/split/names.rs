//! How pictures are called, and that no file loses its name to one.

use filmgate_tests::shell::Shell;

use crate::help::{all_names, decoded, film, names, reference, said};

#[test]
fn the_default_is_that_of_multifilesink() {
    let shell = Shell::new();
    said(&shell, film(), "--max-frames 3").done();
    assert_eq!(names(&shell), ["frame000001.jpg", "frame000002.jpg", "frame000003.jpg"]);
}

#[test]
fn a_restart_goes_on_behind_what_is_there_and_overwrites_nothing() {
    let shell = Shell::new();
    said(&shell, film(), "--max-frames 2").done();
    for (name, text) in [("frame000007.jpg", "mine"), ("frame000009.png", "x"), ("zebra.jpg", "z")]
    {
        shell.write(format!("out/{name}"), text);
    }
    let before = std::fs::read(shell.path("out/frame000001.jpg")).expect("read");
    said(&shell, film(), "--max-frames 2 --start 1").done();
    assert_eq!(
        names(&shell),
        [
            "frame000001.jpg",
            "frame000002.jpg",
            "frame000007.jpg",
            "frame000008.jpg",
            "frame000009.jpg",
            "frame000009.png",
            "zebra.jpg"
        ]
    );
    assert_eq!(std::fs::read(shell.path("out/frame000001.jpg")).expect("read"), before);
    assert_eq!(std::fs::read(shell.path("out/frame000007.jpg")).expect("read"), b"mine");
}

#[test]
fn patterns_say_number_and_format() {
    let shell = Shell::new();
    said(&shell, film(), "--names cam-1/100%%-%d.png --max-frames 2").done();
    assert_eq!(all_names(&shell.path("out/cam-1")), ["100%-1.png", "100%-2.png"]);
    said(&shell, film(), "--names cam-1/100%%-%d.png --max-frames 1").done();
    assert_eq!(all_names(&shell.path("out/cam-1")).len(), 3);
    // As the output, which is how others have it.
    let mut command = shell.command();
    command.args(["split", "-i"]).arg(film()).args(["-o", "shots/s%03d.bmp", "--max-frames", "1"]);
    shell.say(&mut command).done();
    assert_eq!(all_names(&shell.path("shots")), ["s001.bmp"]);
}

#[test]
fn policies_put_pictures_by_time_and_into_folders() {
    let shell = Shell::new();
    let pattern = "--names template:pattern={stem}/{position}-{width}.{ext} --every 25";
    said(&shell, shell.copy(&film(), "door.mkv"), pattern).done();
    let wanted = ["00-00-00.000-320.jpg", "00-00-01.000-320.jpg", "00-00-02.000-320.jpg"];
    assert_eq!(all_names(&shell.path("out/door")), wanted);
    // The same names again: the policy has others, and nothing is overwritten.
    said(&shell, shell.path("door.mkv"), pattern).done();
    assert_eq!(all_names(&shell.path("out/door")).len(), 6);
    // Folders of dates, by the clock on the wall for what is no file.
    let shell = Shell::new();
    let pattern = "--names template:zone=utc,pattern={date}/{time}-{number:06}.{ext}";
    let before = today();
    said(&shell, "testsrc2=size=64x64:duration=1", &format!("--input-format lavfi {pattern}"))
        .done();
    let days = all_names(&shell.path("out"));
    assert!(days.contains(&before) || days.contains(&today()), "{days:?}");
    let of_first = all_names(&shell.path("out").join(&days[0]));
    assert!(of_first[0].ends_with("-000001.jpg"), "{of_first:?}");
}

/// By date(1).
fn today() -> String {
    let out =
        filmgate_tests::outside::succeed(std::process::Command::new("date").args(["-u", "+%F"]));
    String::from_utf8(out).expect("text").trim().to_owned()
}

#[test]
fn a_bad_pattern_or_policy_is_told_before_anything_is_written() {
    let shell = Shell::new();
    said(&shell, film(), "--names template:pattern={nonsense}").refused(11, &["nonsense"]);
    said(&shell, film(), "--names emboss").refused(13, &["emboss"]);
    said(&shell, film(), "--names none-such").refused(10, &["none-such"]);
    said(&shell, film(), "--format gif").refused(2, &["gif"]);
    said(&shell, film(), "--names %d.xyz").refused(34, &["%d.xyz", ".xyz", "--format"]);
    assert!(!shell.path("out").exists() || names(&shell).is_empty());
}

#[test]
fn turned_films_give_upright_pictures() {
    let shell = Shell::new();
    filmgate_tests::outside::rotated(&film(), &shell.path("turned.mp4"));
    said(&shell, shell.path("turned.mp4"), "--format png --max-frames 2").done();
    let wanted = reference("", &shell.path("turned.mp4"), r"select=lt(n\,2)", "rgb24");
    assert_eq!(wanted.len(), 2 * 180 * 320 * 3);
    assert!(decoded(&shell, "rgb24") == wanted);
}
