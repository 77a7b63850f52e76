//! Names, folders, lists, and outputs that stand in the way.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use filmgate_tests::outside::succeed;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace::possible;

use super::cases::{all_pictures, bursts, pictures, segments};

/// A folder with the three good segments under these names.
fn with(names: &[&OsStr]) -> Shell {
    let shell = Shell::new();
    for (name, source) in names.iter().zip(segments("good")) {
        shell.copy(&source, name);
    }
    shell
}

fn plain(names: [&str; 3]) -> Shell {
    with(&names.map(OsStr::new))
}

fn wanted() -> Vec<String> {
    all_pictures(&segments("good"))
}

#[test]
fn odd_names_are_only_names() {
    for names in [
        ["a 1.mp4", "a 2.mp4", "a 3.mp4"],
        ["it's \"1\".mp4", "it's \"2\".mp4", "it's \"3\".mp4"],
        ["$(touch x)1.mp4", "$(touch x)2.mp4", "$(touch x);3.mp4"],
        ["line\n1.mp4", "line\n2.mp4", "line\n3.mp4"],
        ["größe1 ☃.mp4", "größe2 ☃.mp4", "größe3 ☃.mp4"],
        ["cam.1.2018.mp4", "cam.2.2018.mp4", "cam.3.2018.mp4"],
        ["-1.mp4", "-2.mp4", "-3.mp4"],
        ["%d1.mp4", "%d2.mp4", "%d3.mp4"],
    ] {
        let shell = plain(names);
        shell.filmgate("join . -o out.mkv").done();
        assert_eq!(pictures(&shell.path("out.mkv")), wanted(), "{names:?}");
        assert_eq!(shell.names().len(), 4, "{:?}", shell.names());
    }
}

#[test]
fn names_need_not_be_utf_8() {
    let names = [&b"\xff1.mp4"[..], b"\xff2.mp4", b"\xff3.mp4"].map(OsStr::from_bytes);
    let shell = with(&names);
    shell.filmgate("join . -o out.mp4 --delete-sources").done();
    assert_eq!(pictures(&shell.path("out.mp4")), wanted());
    assert_eq!(shell.names(), ["out.mp4"]);
}

#[test]
fn two_comes_before_ten() {
    let shell = plain(["seg1.mp4", "seg2.mp4", "seg10.mp4"]);
    shell.filmgate("join . -o out.mp4").done();
    assert_eq!(pictures(&shell.path("out.mp4")), wanted());
}

#[test]
fn one_stem_with_two_endings_is_two_segments() {
    let shell = Shell::new();
    shell.copy(&segments("good")[0], "1.mp4");
    shell.copy(&segments("ts")[1], "1.ts");
    shell.copy(&segments("good")[2], "2.mp4");
    shell.filmgate("join 1.mp4 1.ts 2.mp4 --order given -o out.mp4").done();
    assert_eq!(pictures(&shell.path("out.mp4")), wanted());
    assert_eq!(bursts(&shell.path("out.mp4")).len(), 3);
}

#[test]
fn links_are_followed_and_only_they_are_removed() {
    let shell = Shell::new();
    std::fs::create_dir(shell.path("in")).expect("made");
    for (number, source) in segments("good").iter().enumerate() {
        shell.copy(source, format!("real{number}.mp4"));
        symlink(shell.path(format!("real{number}.mp4")), shell.path(format!("in/{number}.mp4")))
            .expect("linked");
    }
    shell.filmgate("join in -o out.mp4 --delete-sources").done();
    assert_eq!(pictures(&shell.path("out.mp4")), wanted());
    assert_eq!(shell.names(), ["in", "out.mp4", "real0.mp4", "real1.mp4", "real2.mp4"]);
    assert_eq!(std::fs::read_dir(shell.path("in")).expect("readable").count(), 0);
}

#[test]
fn an_output_in_the_folder_is_not_joined_again() {
    let shell = plain(["1.mp4", "2.mp4", "3.mp4"]);
    for _ in 0..2 {
        shell.filmgate("join . -o video.mp4 -y").done();
        assert_eq!(pictures(&shell.path("video.mp4")), wanted());
    }
    shell.filmgate("join . -o video.mp4").refused(30, &["video.mp4", "-y"]);
}

#[test]
fn a_folder_of_a_camera_is_joined() {
    let shell = plain(["1.360", "2.INSV", "3.osv"]);
    shell.filmgate("join . -o video.mp4").done();
    assert_eq!(pictures(&shell.path("video.mp4")), wanted());
}

#[test]
fn an_output_that_is_an_input_is_refused() {
    let shell = plain(["1.mp4", "2.mp4", "3.mp4"]);
    shell.filmgate("join 1.mp4 2.mp4 -o 2.mp4 -y").refused(31, &["2.mp4"]);
    symlink(shell.path("2.mp4"), shell.path("link.mp4")).expect("linked");
    shell.filmgate("join 1.mp4 2.mp4 -o link.mp4 -y").refused(31, &["link.mp4"]);
    assert_eq!(pictures(&shell.path("2.mp4")), pictures(&segments("good")[1]));
}

#[test]
fn nothing_to_join_is_no_fault_unless_it_is() {
    let shell = Shell::new();
    let said = shell.filmgate("join . -o out.mp4").done();
    assert!(said.stderr.contains("nothing to join"), "{said:?}");
    assert_eq!(shell.filmgate("join . -o out.mp4 --json").done().json()["status"], "nothing");
    shell.filmgate("join . -o out.mp4 --require").refused(43, &["nothing to join"]);
    shell.filmgate("join missing -o out.mp4").refused(20, &["missing"]);
    shell.filmgate("join -o out.mp4").refused(2, &["nothing was given"]);
    assert!(shell.names().is_empty());
}

#[test]
fn lists_name_files_by_line_or_by_zero_byte() {
    let shell = plain(["c.mp4", "b\n.mp4", "a.mp4"]);
    std::fs::create_dir(shell.path("lists")).expect("made");
    shell.write("lists/plain", "../c.mp4\n\n../a.mp4\r\n");
    let said = shell.filmgate("join --list lists/plain --order given -o two.mp4 --json").done();
    assert_eq!(said.json()["segments"][1]["reason"], "given 2");
    let mut command = shell.command();
    command.args(["join", "-0", "-", "--order", "given", "-o", "three.mp4"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, b"c.mp4\0b\n.mp4\0a.mp4\0").expect("written");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(pictures(&shell.path("three.mp4")), wanted());
}

#[test]
fn patterns_choose_files_below_the_folder() {
    let shell = Shell::new();
    std::fs::create_dir_all(shell.path("up/task7/cam2")).expect("made");
    for (number, source) in segments("good").iter().enumerate() {
        shell.copy(source, format!("up/task7/cam2/seg{number}.mp4"));
    }
    shell.write("up/task7/cam2/notes.mp4.txt", "no film");
    let said =
        shell.filmgate("join up --glob task7/*/*.mp4 --into films --name-plugin template:pattern={task}/{device}/all -q");
    said.done();
    assert_eq!(pictures(&shell.path("films/task7/cam2/all.mp4")), wanted());
}

#[test]
fn names_end_as_their_container_does() {
    let shell = plain(["1.mp4", "2.mp4", "3.mp4"]);
    shell.filmgate("join . --into out --dest-name film.mkv").refused(2, &["film.mkv", ".mp4"]);
    shell.filmgate("join . --into out --dest-name film").refused(2, &["film", ".mp4"]);
    shell.filmgate("join . --into out --dest-name ../film.mp4").refused(2, &["../film.mp4"]);
    shell.filmgate("join . --into out --dest-name film.mkv --format mkv").done();
    assert_eq!(pictures(&shell.path("out/film.mkv")), wanted());
}

#[test]
fn a_segment_that_grows_is_noticed_and_nothing_is_removed() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    for (number, source) in segments("ts").iter().enumerate() {
        shell.copy(source, format!("{number}.ts"));
    }
    // It is written to by the time the first segments are read.
    let trace = shell.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=rename,renameat2,unlink", "-o"]).arg(&trace);
    command.args(["-e", "inject=lseek:delay_enter=20000:when=1..40"]);
    command.arg(filmgate_tests::hostile::program());
    shell.settle(&mut command);
    command.args(["join", ".", "-o", "out.mp4", "--delete-sources"]);
    let mut child = Running::start(command.stderr(Stdio::null()));
    let path = shell.path("1.ts");
    let mut grown = false;
    while child.try_wait().expect("it can be asked").is_none() {
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("writable");
        std::io::Write::write_all(&mut file, &[0x47; 188]).expect("written");
        grown = true;
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(grown);
    let code = child.wait().expect("it has ended").code();
    assert!(matches!(code, Some(42 | 22 | 21)), "{code:?}");
    assert!(!shell.path("out.mp4").exists());
    assert!((0..3).all(|i| shell.path(format!("{i}.ts")).exists()));
}

#[test]
fn playlists_in_disguise_open_nothing() {
    if !possible() {
        return;
    }
    let shell = plain(["1.mp4", "2.mp4", "3.mp4"]);
    for (name, text) in [
        ("hls.mp4", "#EXTM3U\n#EXTINF:2,\n1.mp4\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile 1.mp4\n"),
        ("dash.mp4", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>"),
        ("sdp.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
    ] {
        shell.write(name, text);
        let trace = shell.path("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-e", "trace=openat,connect,socket", "-o"]).arg(&trace);
        command.arg(filmgate_tests::hostile::program());
        shell.settle(&mut command);
        command.args(["join", name, "-o", "out.mp4"]);
        let out = filmgate_tests::outside::output(&mut command);
        assert!(matches!(out.status.code(), Some(21 | 24)), "{name}: {out:?}");
        let trace = std::fs::read_to_string(&trace).expect("a trace");
        assert!(trace.contains(name), "{trace}");
        assert!(!trace.contains("1.mp4\"") && !trace.contains("connect("), "{name}: {trace}");
        assert!(!shell.path("out.mp4").exists());
    }
}

#[test]
fn headers_of_absurd_sizes_are_refused() {
    // An mp4 whose film is to have 65535 by 65535 samples.
    let shell = Shell::new();
    let mut bytes = std::fs::read(&segments("good")[0]).expect("readable");
    let at = bytes.windows(4).rposition(|w| w == b"avc1").expect("a sample entry");
    bytes[at + 28..at + 32].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    shell.write("huge.mp4", &bytes);
    let said = shell.filmgate("join huge.mp4 -o out.mp4");
    assert_eq!(said.code, Some(24), "{said:?}");
    assert!(said.stderr.contains("65535"), "{said:?}");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    let shell = plain(["1.mp4", "2.mp4", "3.mp4"]);
    shell.filmgate("join . -o /proc/out.mp4").refused(32, &["/proc"]);
    shell.filmgate("join . -o none/out.mp4").refused(32, &["none"]);
    assert_eq!(shell.names().len(), 3);
}

#[test]
fn a_thousand_segments_need_few_descriptors() {
    let shell = Shell::new();
    let mut list = String::new();
    for number in 0..1000 {
        list += &format!("{}\n", segments("good")[number % 3].display());
    }
    let list = shell.write("list", list);
    let mut command = Command::new("bash");
    shell.settle(&mut command);
    command.args(["-c", "ulimit -n 64; exec \"$@\"", "bash"]);
    command.arg(filmgate_tests::hostile::program());
    command.args(["join", "--order", "given", "-o", "out.mp4", "--json", "--list"]).arg(list);
    let out = succeed(&mut command);
    let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(json["proof"]["tracks"][0]["packets"], 50_000);
    assert_eq!(json["proof"]["seams"], 1000);
}
