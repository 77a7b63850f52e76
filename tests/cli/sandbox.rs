//! The sandbox around the media work of each verb. What it keeps from a decoder that was taken over:
//! `host/cli/tests/locked.rs`.

use std::fs;
use std::time::{Duration, Instant};

use filmgate_tests::outside::small;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use filmgate_tests::trace;

/// Whether this kernel has every layer.
fn is_whole(shell: &Shell) -> bool {
    shell.filmgate("doctor --json").done().json()["sandbox"]["whole"] == true
}

fn shell() -> Shell {
    let shell = Shell::new();
    shell.copy(&small("plain.mp4", "-bf 2"), "in.mp4");
    shell
}

/// Jobs of every verb; `DIR` is where they write.
const JOBS: [&str; 9] = [
    "run -i in.mp4 -p emboss -o DIR/film.mp4 --tags DIR/tags.jsonl --preset ultrafast",
    "run -i in.mp4 -o DIR/numbered/%03d.png --max-frames 3",
    "run -i in.mp4 -o DIR/live.m3u8 --preset ultrafast --max-frames 30",
    "encode --image DIR/numbered/001.png --duration 1 -o DIR/still.mp4",
    "split -i in.mp4 -o DIR/pictures --once --scene --keep 5",
    "frame -i in.mp4 --at 0.5 -o DIR/frame.png",
    "frame -i in.mp4 --every 1s -o DIR/shot%02d.png",
    "join in.mp4 in.mp4 -o DIR/joined.mp4",
    "join in.mp4 in.mp4 --into DIR/deep/er --name-plugin template:pattern=both -p grayscale",
];

/// Without a cache, so that plugins have to be compiled first.
#[test]
fn each_verb_makes_the_same_locked_in() {
    let shell = shell();
    if !is_whole(&shell) {
        shell.filmgate("frame -i in.mp4 -o f.png --sandbox require").refused(1, &["kernel"]);
        return;
    }
    for mode in ["off", "require"] {
        fs::create_dir(shell.path(mode)).expect("a folder");
        for job in JOBS {
            let job = job.replace("DIR", mode);
            let mut command = shell.command();
            command.args(job.split(' ')).args(["-q", "--sandbox", mode]);
            let said = shell.say(command.env("FILMGATE_CACHE_DIR", ""));
            assert_eq!(said.code, Some(0), "{job}: {said:?}");
        }
    }
    let content = |mode: &str| {
        let mut all = Vec::new();
        let mut folders = vec![shell.path(mode)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if path.is_dir() {
                    folders.push(path);
                } else if name != ".filmgate-split.jsonl" {
                    all.push((name, fs::read(path).expect("a file")));
                }
            }
        }
        all.sort();
        all
    };
    let (off, require) = (content("off"), content("require"));
    let names = |all: &[(std::ffi::OsString, Vec<u8>)]| -> Vec<_> {
        all.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect()
    };
    assert_eq!(names(&off), names(&require));
    assert!(off == require && off.len() > 12);
}

/// What libraries open late has to be within reach, or read before.
#[test]
fn nothing_that_a_job_needs_is_refused() {
    let shell = shell();
    if !is_whole(&shell) || !trace::possible() {
        return;
    }
    for codec in ["h264", "hevc", "mpeg4"] {
        let mut command = shell.command();
        let job = format!("run -y -i in.mp4 -p emboss --codec {codec} -o o.mkv --receipt r.json");
        command.args(job.split(' ')).args(["--sandbox", "require"]);
        let set = "landlock_restrict_self,openat,open,rename,renameat2,unlink,socket,execve";
        let (said, calls) = trace::seen(&shell, set, &command);
        said.done();
        let from = calls.iter().rposition(|c| c.contains("landlock_restrict_self("));
        let later = &calls[from.expect("locked in")..];
        assert!(later.iter().any(|c| c.contains("in.mp4")), "{codec}: the film is read behind it");
        let refused: Vec<_> = later.iter().filter(|c| c.contains("EACCES")).collect();
        assert!(refused.is_empty(), "{codec}: {refused:?}");
    }
}

/// proc(5) says it, not filmgate. The job waits for a writer meanwhile.
#[test]
fn a_job_is_locked_in_while_it_works_and_a_kill_leaves_nothing() {
    let shell = Shell::new();
    let whole = is_whole(&shell);
    for (mode, seccomp) in [("off", "Seccomp:\t0"), ("auto", "Seccomp:\t2")] {
        let mut command = shell.command();
        let job = "encode --fifo pipe --size 64x48 --rate 25 -o film.mp4 -q --sandbox";
        let mut job = Running::start(command.args(job.split(' ')).arg(mode));
        let until = Instant::now() + Duration::from_secs(30);
        while shell.names().len() < 2 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let [partial, pipe] = &shell.names()[..] else { panic!("{:?}", shell.names()) };
        assert!(partial.ends_with(".partial") && pipe == "pipe", "{partial} {pipe}");
        // What is begun is there a moment before the layers are.
        let status = || fs::read_to_string(format!("/proc/{}/status", job.id())).expect("it runs");
        while whole && !status().contains(seccomp) {
            assert!(Instant::now() < until, "{mode}: {}", status());
            std::thread::sleep(Duration::from_millis(20));
        }
        job.signal("KILL");
        job.wait().expect("over");
        // A process that is not locked in has nobody who clears up behind it.
        while mode == "auto" && whole && !shell.names().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(mode == "off" || !whole || shell.names().is_empty(), "{:?}", shell.names());
        shell.names().iter().for_each(|name| fs::remove_file(shell.path(name)).expect("gone"));
    }
}

#[test]
fn a_job_that_fails_leaves_nothing() {
    let shell = shell();
    let before = shell.names();
    for (job, code) in [
        ("run -i none.mp4 -o film.mp4 --receipt r.json --tags t.jsonl", 20),
        ("run -i none.mp4 -o numbered/%03d.png", 20),
        ("run -i in.mp4 -p nothing-of-the-kind -o film.mp4", 2),
        ("join in.mp4 none.mp4 --into deep/er --dest-name x.mp4", 20),
        ("frame -i in.mp4 --at 100 -o f.png", 2),
    ] {
        let said = shell.filmgate(job);
        assert_ne!(said.code, Some(0), "{job}");
        assert!(code == 2 || said.code == Some(code), "{job}: {said:?}");
        assert_eq!(shell.names(), before, "{job}");
    }
}

#[test]
fn the_plan_says_how_it_is_locked_in() {
    let shell = shell();
    let whole = is_whole(&shell);
    let sandbox = |mut job: Vec<&str>, config: &str, env: Option<&str>| {
        shell.write("job.toml", config);
        job.extend(["--dry-run", "--json", "--config", "job.toml"]);
        let mut command = shell.command();
        command.args(job);
        env.map(|mode| command.env("FILMGATE_SANDBOX", mode));
        shell.say(&mut command).done().json()["sandbox"].clone()
    };
    let run = || vec!["run", "-i", "in.mp4", "-o", "o.mp4"];
    let join = || vec!["join", "in.mp4", "in.mp4", "-o", "o.mp4"];
    for job in [run, join] {
        let plan = sandbox(job(), "", None);
        assert_eq!(plan["mode"], "auto");
        assert_eq!(plan["seccomp"], whole);
        let off = sandbox(job(), "sandbox = 'off'", None);
        assert_eq!((&off["mode"], &off["landlock"]), (&"off".into(), &0.into()));
        assert_eq!(sandbox(job(), "sandbox = 'off'", Some("auto"))["mode"], "auto");
        let typed = [job(), vec!["--sandbox", "off"]].concat();
        assert_eq!(sandbox(typed, "", Some("auto"))["mode"], "off");
    }
    let text = shell.filmgate("run -i in.mp4 -o o.mp4 --dry-run --sandbox off").done().stdout;
    assert!(text.contains("sandbox   off"), "{text}");
}

#[test]
fn a_device_is_read_unlocked_or_not_at_all() {
    let shell = shell();
    let job = "run -i testsrc=d=0.2 --input-format lavfi -o o.mp4 --preset ultrafast";
    let refused = shell.filmgate(&format!("{job} --sandbox require"));
    refused.refused(1, &["device", "--sandbox auto"]);
    let plan = shell.filmgate(&format!("{job} --dry-run")).done().stdout;
    assert!(plan.contains("not locked in"), "{plan}");
    shell.filmgate(job).done();
}
