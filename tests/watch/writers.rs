//! Real programs that write into the folder: each file is taken when it is whole, once, and never
//! before.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use filmgate_tests::hostile::program;
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::{ED, GSTREAMER, RSYNC, VIM, available, found};
use filmgate_tests::trace::possible;

use crate::desk::{Watch, done, files, frames, kinds, pillow};

/// Runs a line of shell in the test's folder, with `$PICTURE` and `$OTHER` to write.
fn sh(shell: &Shell, line: &str) {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", line]).current_dir(shell.folder());
    command.env("PICTURE", kinds().join("rgb.jpg")).env("OTHER", kinds().join("full.jpg"));
    succeed(&mut command);
}

fn is_embossed(source: &Path, output: &Path) {
    assert_eq!(pillow("emboss", &[source, output]), "equal\n");
}

#[test]
fn copied_moved_linked_fetched_and_edited_files_are_each_done_once() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --format png");
    let mut wanted = vec!["copied", "moved", "linked", "soft", "fetched", "sub/new", "sub/in/old"];
    sh(&shell, "cp $PICTURE in/copied.jpg");
    sh(&shell, "cp $PICTURE aside.jpg && mv aside.jpg in/moved.jpg");
    sh(&shell, "cp $PICTURE other.jpg && ln other.jpg in/linked.jpg");
    sh(&shell, "cp $PICTURE third.jpg && ln -s ../third.jpg in/soft.jpg");
    sh(&shell, "curl -sS -o in/fetched.jpg file://$PICTURE");
    sh(&shell, "mkdir in/sub && cp $PICTURE in/sub/new.jpg");
    sh(&shell, "mkdir -p tree/in && cp $PICTURE tree/in/old.jpg && mv tree/in in/sub/");
    if available(&RSYNC) {
        wanted.push("synced");
        sh(&shell, "cp $PICTURE synced.jpg && rsync -a synced.jpg in/");
    }
    watch.wait_done(wanted.len());
    // An editor's save: a file beside it, renamed over the old one; and a save in place.
    fs::write(shell.path("in/text.ppm"), "P3\n2 2\n9\n1 2 3  4 5 6\n7 8 9  1 2 3\n")
        .expect("written");
    watch.wait_done(wanted.len() + 1);
    sh(&shell, "sed -i 's/7 8 9/9 8 7/' in/text.ppm");
    watch.wait_done(wanted.len() + 2);
    let mut edits = 2;
    for (tool, line) in [
        (&ED, "printf '%%s/9 8 7/6 6 6/\\nw\\nq\\n' | EDITOR -s in/text.ppm"),
        (&VIM, "EDITOR -es -N -u NONE -c '%s/1 2 3/5 5 5/|wq' in/text.ppm"),
    ] {
        if let Some(editor) = found(tool) {
            edits += 1;
            sh(&shell, &line.replace("EDITOR", &editor));
            watch.wait_done(wanted.len() + edits);
        }
    }
    // A touch changes nothing.
    sh(
        &shell,
        "touch in/copied.jpg in/text.ppm; chmod 600 in/moved.jpg; mv in/fetched.jpg in/renamed.jpg",
    );
    sleep(Duration::from_millis(500));
    let over = watch.stop().fine();
    let done = done(&over.told);
    assert_eq!(done.len(), wanted.len() + edits, "{done:?}");
    for name in wanted {
        is_embossed(&kinds().join("rgb.jpg"), &shell.path(format!("out/{name}.png")));
        assert_eq!(done.iter().filter(|(s, _)| *s == format!("{name}.jpg")).count(), 1, "{name}");
    }
    is_embossed(&shell.path("in/text.ppm"), &shell.path("out/text.png"));
    assert_eq!(files(&shell.path("out")).iter().filter(|f| f.starts_with("text")).count(), 1);
}

#[test]
fn numbered_pictures_of_ffmpeg_are_each_done_once() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --format png");
    let mut command = ffmpeg("-f lavfi -i testsrc2=size=96x64:rate=50:duration=1 -f image2");
    succeed(command.arg(shell.path("in/frame%06d.ppm")));
    watch.wait_done(50);
    let over = watch.stop().fine();
    assert_eq!(done(&over.told).len(), 50);
    let pairs: Vec<_> = (1..=50)
        .flat_map(|n| {
            let name = format!("frame{n:06}");
            [shell.path(format!("in/{name}.ppm")), shell.path(format!("out/{name}.png"))]
        })
        .collect();
    assert_eq!(pillow("emboss", &pairs), "equal\n");
}

/// It writes `frame000001.jpg.X4bQ1z`, closes that, and only then renames it.
#[test]
fn pictures_of_gstreamer_are_each_done_once() {
    if !available(&GSTREAMER) {
        return;
    }
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --originals delete");
    let line = "gst-launch-1.0 -q videotestsrc num-buffers=60 ! video/x-raw,width=96,height=64 \
                ! jpegenc ! multifilesink location=in/frame%06d.jpg";
    sh(&shell, line);
    watch.wait_done(60);
    let over = watch.stop().fine();
    assert_eq!(done(&over.told).len(), 60);
    assert_eq!(files(&shell.path("in")), [""; 0]);
    assert_eq!(files(&shell.path("out")).len(), 60);
}

/// What is in the file at first is a whole picture already; whoever looked too early would take it.
#[test]
fn a_file_that_is_being_written_is_not_touched() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    let [first, last] = ["full.jpg", "gray.jpg"].map(|n| fs::read(kinds().join(n)).expect("there"));
    let begin = |name: &str| -> File {
        let path = shell.path(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("made");
        file.write_all(&first).expect("written");
        file
    };
    // One is open before the watch begins, one is made while it looks, and two are moved and
    // linked in by a writer that goes on.
    let mut open = vec![begin("in/before.jpg")];
    let watch = Watch::start(&shell, "-p emboss --format png");
    open.push(begin("in/during.jpg"));
    open.push(begin("moved.jpg"));
    sh(&shell, "mv moved.jpg in/moved.jpg");
    open.push(begin("linked.jpg"));
    sh(&shell, "ln linked.jpg in/linked.jpg");
    // Somebody else closes the same file meanwhile.
    drop(OpenOptions::new().append(true).open(shell.path("in/during.jpg")).expect("opened"));
    sleep(Duration::from_millis(800));
    for file in &mut open {
        file.set_len(0).expect("cut");
        file.write_all(&last[..last.len() / 2]).expect("written");
        sleep(Duration::from_millis(50));
        file.write_all(&last[last.len() / 2..]).expect("written");
    }
    drop(open);
    watch.wait_done(4);
    sleep(Duration::from_millis(500));
    let over = watch.stop().fine();
    let mut done: Vec<String> = done(&over.told).into_iter().map(|(source, _)| source).collect();
    done.sort();
    assert_eq!(done, ["before.jpg", "during.jpg", "linked.jpg", "moved.jpg"]);
    for name in ["before", "during", "linked", "moved"] {
        is_embossed(&kinds().join("gray.jpg"), &shell.path(format!("out/{name}.png")));
    }
}

#[test]
fn once_leaves_what_is_being_written_and_says_so() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    shell.copy(&kinds().join("rgb.jpg"), "in/whole.jpg");
    let mut open = File::create(shell.path("in/half.jpg")).expect("made");
    open.write_all(&fs::read(kinds().join("rgb.jpg")).expect("there")).expect("written");
    let over = Watch::spawn(&shell, "--once -p emboss").end();
    assert_eq!(over.code, Some(3), "{}", over.stderr);
    assert!(over.stderr.contains("half.jpg: is being written"), "{}", over.stderr);
    assert_eq!(files(&shell.path("out")), ["whole.jpg"]);
}

/// Written anew in place and by renaming, at any moment: outputs are whole, and the last one is of
/// the last content.
#[test]
fn a_file_that_is_replaced_while_it_is_read_is_noticed() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --format png");
    let [one, two] = ["big1.ppm", "big2.ppm"].map(|name| {
        let (path, hue) = (shell.path(name), if name == "big1.ppm" { 90 } else { 200 });
        let source = format!("color=0x{hue:02x}4020:size=1600x1200,noise=alls=20:all_seed=7");
        let mut command = ffmpeg("-f lavfi");
        succeed(command.arg("-i").arg(source).args(["-frames:v", "1"]).arg(&path));
        path
    });
    for round in 0..20_u64 {
        let source = if round % 2 == 0 { &one } else { &two };
        match round % 3 {
            0 => drop(fs::copy(source, shell.path("in/a.ppm")).expect("copied")),
            1 => {
                fs::copy(source, shell.path("aside")).expect("copied");
                fs::rename(shell.path("aside"), shell.path("in/a.ppm")).expect("renamed");
            }
            _ => {
                fs::write(shell.path("in/a.ppm"), fs::read(source).expect("read")).expect("written")
            }
        }
        sleep(Duration::from_millis(5 + round * 13 % 90));
    }
    // The last one is the second.
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let settled = || {
        let status = shell.filmgate("watch --status in --json");
        status.code == Some(0) && status.json()["pending"] == serde_json::json!([])
    };
    while !settled() {
        assert!(std::time::Instant::now() < end, "{}", watch.said());
        sleep(Duration::from_millis(100));
    }
    let over = watch.stop().fine();
    assert_eq!(files(&shell.path("out")), ["a.png"], "each version takes the place of the last");
    is_embossed(&two, &shell.path("out/a.png"));
    assert!(!done(&over.told).is_empty());
}

/// Replaced between reading and publishing, which a slow system call makes long: what was read is
/// not published, and what lies there now is.
#[test]
fn what_was_replaced_before_it_was_published_is_not_published() {
    if !possible() {
        return;
    }
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in")).expect("a folder");
    fs::create_dir_all(shell.path("out")).expect("a folder");
    shell.copy(&kinds().join("rgb.jpg"), "in/a.jpg");
    let mut strace = Command::new("strace");
    // The lock on the file aside is taken after the picture was read and embossed.
    strace.args(["-qq", "-f", "-o", "/dev/null", "-e", "trace=flock"]);
    strace.args(["-e", "inject=flock:delay_enter=1500000:when=1", "--"]).arg(program());
    strace.args(["watch", "in", "-o", "out", "--once", "--json", "-j", "1", "-p", "emboss"]);
    strace.args(["--format", "png", "--originals", "delete"]);
    shell.settle(&mut strace);
    let child = Running::start(strace.stdout(Stdio::piped()));
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let aside = || fs::read_dir(shell.path("out")).is_ok_and(|d| d.count() > 0);
    while !aside() {
        assert!(std::time::Instant::now() < end, "nothing is written aside");
        sleep(Duration::from_millis(5));
    }
    shell.copy(&kinds().join("gray.jpg"), "b.jpg");
    fs::rename(shell.path("b.jpg"), shell.path("in/a.jpg")).expect("renamed");
    let out = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("\"event\":\"done\"").count(), 1, "{said}");
    is_embossed(&kinds().join("gray.jpg"), &shell.path("out/a.png"));
    assert_eq!(files(&shell.path("in")), [""; 0]);
}

#[test]
fn a_folder_can_be_looked_through_instead() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss --format png --poll 0.1 --settle 0.3");
    sh(&shell, "mkdir in/sub && cp $PICTURE in/sub/a.jpg");
    let mut open = File::create(shell.path("in/slow.jpg")).expect("made");
    let whole = fs::read(kinds().join("rgb.jpg")).expect("there");
    for part in whole.chunks(whole.len() / 8 + 1) {
        open.write_all(part).expect("written");
        sleep(Duration::from_millis(100));
    }
    drop(open);
    watch.wait_done(2);
    let over = watch.stop().fine();
    assert_eq!(done(&over.told).len(), 2);
    for name in ["sub/a", "slow"] {
        is_embossed(&kinds().join("rgb.jpg"), &shell.path(format!("out/{name}.png")));
    }
}

#[test]
fn globs_choose_and_the_output_folder_may_lie_inside() {
    let shell = Shell::new();
    fs::create_dir_all(shell.path("in/cam1/deep")).expect("folders");
    let picture = &frames(3).join("frame000001.jpg");
    for name in ["cam1/a.jpg", "cam1/deep/b.jpg", "cam1/small.jpg", "a.txt", ".hidden.jpg"] {
        shell.copy(picture, format!("in/{name}"));
    }
    let mut command = shell.command();
    command.args(["watch", "in", "-o", "in/out", "--once", "--json", "-p", "emboss"]);
    command.args(["--include", "*.jpg", "--exclude", "cam*/deep/*", "--exclude", "small*"]);
    shell.say(&mut command).done();
    assert_eq!(files(&shell.path("in/out")), ["cam1/a.jpg"]);
    // Nothing comes out of what came out.
    shell.say(&mut command).done();
    assert_eq!(files(&shell.path("in/out")), ["cam1/a.jpg"]);
    shell.filmgate("watch in -o in").refused(31, &["would be watched"]);
}
