//! `--skip-bad` among segments that are found to be cut off only when they are read: however many,
//! the others are read as often as for one of them.

use filmgate_tests::shell::Shell;
use filmgate_tests::trace;

use super::cases::{all_pictures, pictures, segments};

/// Joins six segments of which the ones with these numbers are cut off; how often the first one was
/// opened, and how many bytes were written aside.
fn opened(cut: &[usize]) -> (usize, u64) {
    let shell = Shell::new();
    let sources = segments("mkv");
    for number in 0..6 {
        let mut bytes = std::fs::read(&sources[number % 3]).expect("readable");
        if cut.contains(&number) {
            bytes.truncate(bytes.len() * 2 / 3);
        }
        shell.write(format!("{number}.mkv"), bytes);
    }
    let mut command = shell.command();
    command.args(["join", ".", "-o", "out.mkv", "--skip-bad", "--delete-sources"]);
    let (said, calls) = trace::seen(&shell, "openat,write", &command);
    assert_eq!(said.code, Some(3), "{said:?}");
    let good: Vec<_> =
        (0..6).filter(|n| !cut.contains(n)).map(|n| sources[n % 3].clone()).collect();
    assert_eq!(pictures(&shell.path("out.mkv")), all_pictures(&good));
    let left: Vec<String> = cut.iter().map(|n| format!("{n}.mkv")).collect();
    assert_eq!(shell.names(), [&left[..], &["out.mkv".to_owned()]].concat());
    for name in &left {
        assert!(said.stderr.contains(name.as_str()), "{said:?}");
    }
    let opens = calls.iter().filter(|c| c.contains("openat(") && c.contains("/0.mkv\""));
    let written = calls.iter().filter(|c| c.contains("write(") && c.contains(".partial"));
    let size = |c: &String| c.rsplit("= ").next().and_then(|n| n.trim().parse::<u64>().ok());
    (opens.count(), written.filter_map(size).sum())
}

#[test]
fn segments_that_are_cut_off_are_left_out_at_once() {
    let (once, written) = opened(&[1]);
    assert!(once > 0);
    for cut in [&[1, 2][..], &[1, 3, 4, 5], &[1, 2, 3, 4, 5]] {
        let (more, bytes) = opened(cut);
        assert!(more <= once, "{cut:?}: opened {more} times, and {once} times for one");
        // How much of the first damaged segment is written before its damage is read depends on the
        // threads; a start for each damaged segment would write the first one again and again.
        let segment = std::fs::metadata(&segments("mkv")[0]).expect("there").len();
        let most = written + segment;
        assert!(bytes <= most, "{cut:?}: {bytes} bytes written, and {written} for one");
    }
}
