//! Worker processes that die in the middle of a file: killed from outside, as a crash would, while
//! they work on a picture that takes long. A SIGSEGV from outside is taken for one of its own by the
//! handler of Rust or wasmtime, which waits for the next: the pool's own tests have that one.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use filmgate_tests::shell::Shell;

use crate::desk::{Over, Watch, done, failed, files, frames, once, pillow};

/// Processor time of a worker that has begun to work: starting takes a tenth of it. In hundredths of
/// a second.
const AT_WORK: u64 = 40;

/// A picture that takes a second or more.
fn large(shell: &Shell, name: &str) -> Vec<u8> {
    let _ = fs::create_dir(shell.path("in"));
    let path = shell.path("in").join(name);
    let aside = shell.path(name);
    pillow("large", &[aside.as_os_str()]);
    fs::rename(&aside, &path).expect("moved in");
    fs::read(path).expect("read")
}

/// Worker processes of a watch, with the processor time that each has used.
fn workers(watch: &Watch) -> Vec<(u32, u64)> {
    let children = fs::read_dir(format!("/proc/{}/task", watch.id())).into_iter().flatten();
    let children = children.flatten().flat_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()
    });
    let time = |id: u32| {
        let line = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let used = |field: usize| fields.get(field)?.parse::<u64>().ok();
        line.contains("media-worker").then_some((id, used(11)? + used(12)?))
    };
    children.filter_map(time).collect()
}

/// Waits for a worker that is in the middle of a file, and has not been seen before.
fn busy(watch: &Watch, before: &[u32]) -> u32 {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let found =
            workers(watch).into_iter().find(|(id, t)| *t >= AT_WORK && !before.contains(id));
        if let Some((id, _)) = found {
            return id;
        }
        assert!(Instant::now() < end, "no worker works: {}", watch.said());
        sleep(Duration::from_millis(5));
    }
}

fn signal(id: u32, signal: nix::sys::signal::Signal) {
    let id = nix::unistd::Pid::from_raw(i32::try_from(id).expect("a process"));
    nix::sys::signal::kill(id, signal).expect("it runs");
}

use nix::sys::signal::Signal::{SIGABRT, SIGKILL, SIGSTOP};

/// Kills the workers of the one large picture, twice.
fn crash_twice(watch: &Watch, kind: nix::sys::signal::Signal) {
    let first = busy(watch, &[]);
    signal(first, kind);
    signal(busy(watch, &[first]), kind);
}

fn no_leftovers(shell: &Shell) {
    let left: Vec<String> =
        files(&shell.path("out")).into_iter().filter(|n| n.ends_with(".partial")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// As `--sandbox` says. A plan is made by the process itself, locked in.
#[test]
fn workers_and_plans_are_locked_in_as_they_are_told() {
    let shell = Shell::new();
    large(&shell, "large.png");
    let whole = shell.filmgate("doctor --json").done().json()["sandbox"]["whole"] == true;
    let plan = |mode: &str| {
        let said = shell.filmgate(&format!("watch in -o out --dry-run --json --sandbox {mode}"));
        let last = said.done().stdout.lines().last().map(str::to_owned).unwrap_or_default();
        let end: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(end["convert"], 1, "{end}");
        (end["sandbox"]["mode"].clone(), end["sandbox"]["seccomp"].clone())
    };
    assert_eq!(plan("off"), ("off".into(), false.into()));
    assert_eq!(plan("auto"), ("auto".into(), whole.into()));
    if !whole {
        let refused = shell.filmgate("watch in -o out --once --sandbox require");
        return refused.refused(1, &["kernel", "--sandbox auto"]);
    }
    assert_eq!(plan("require"), ("require".into(), true.into()));
    for (mode, seccomp) in [("off", "Seccomp:\t0"), ("require", "Seccomp:\t2")] {
        let watch = Watch::start(&shell, &format!("-j 1 --redo -y --sandbox {mode}"));
        let status = format!("/proc/{}/status", busy(&watch, &[]));
        let status = fs::read_to_string(status).expect("read");
        assert!(status.contains(seccomp), "{mode}: {status}");
        watch.wait_done(1);
        watch.stop().fine();
        fs::remove_dir_all(shell.path("in/.filmgate")).expect("removed");
    }
}

/// Where the kernel has seccomp, a worker that reads a file is locked in (proc(5), `Seccomp: 2`).
#[test]
fn a_worker_is_locked_in_while_it_reads() {
    let has_it = fs::read_to_string("/proc/self/status").expect("read").contains("Seccomp:");
    let shell = Shell::new();
    large(&shell, "large.png");
    let watch = Watch::start(&shell, "-j 1");
    let status = fs::read_to_string(format!("/proc/{}/status", busy(&watch, &[]))).expect("read");
    assert!(!has_it || status.contains("Seccomp:\t2"), "{status}");
    assert!(!has_it || status.contains("NoNewPrivs:\t1"), "{status}");
    watch.wait_done(1);
    watch.stop().fine();
}

#[test]
fn a_crash_fails_that_file_alone_with_its_cause() {
    let shell = Shell::new();
    let bytes = large(&shell, "large.png");
    let watch = Watch::start(&shell, "-p emboss -j 1 --quarantine bad");
    crash_twice(&watch, SIGABRT);
    watch.wait("a failure", |told| told.iter().any(|t| t["event"] == "failed"));
    for number in 0..3 {
        let name = format!("frame{number:06}.jpg");
        shell.copy(&frames(3).join(&name), format!("in/{name}"));
    }
    watch.wait_done(3);
    let over = watch.stop().fine();
    let reason = &failed(&over.told)["large.png"];
    assert!(reason.starts_with("the worker process crashed with SIGABRT in the "), "{reason}");
    assert!(over.stderr.contains("tried once more"), "{}", over.stderr);
    assert_eq!(fs::read(shell.path("bad/large.png")).expect("it is kept"), bytes);
    assert_eq!(files(&shell.path("out")).len(), 3);
    no_leftovers(&shell);
}

#[test]
fn one_crash_is_made_good_by_a_fresh_worker() {
    for kind in [SIGABRT, SIGKILL] {
        let shell = Shell::new();
        large(&shell, "large.png");
        let watch = Watch::start(&shell, "-j 1 --metrics 127.0.0.1:0");
        signal(busy(&watch, &[]), kind);
        watch.wait_done(1);
        let over = watch.stop().fine();
        assert_eq!(done(&over.told).len(), 1);
        no_leftovers(&shell);
    }
}

#[test]
fn a_file_that_hangs_is_ended() {
    let shell = Shell::new();
    let bytes = large(&shell, "large.png");
    let watch = Watch::start(&shell, "-j 1 --file-timeout 3");
    signal(busy(&watch, &[]), SIGSTOP);
    watch.wait("a failure", |told| told.iter().any(|t| t["event"] == "failed"));
    let over = watch.stop().fine();
    let reason = &failed(&over.told)["large.png"];
    assert!(reason.contains("was ended after 3 s in the "), "{reason}");
    assert_eq!(fs::read(shell.path("in/large.png")).expect("it stays"), bytes);
    no_leftovers(&shell);
}

#[test]
fn workers_end_with_their_parent() {
    let shell = Shell::new();
    large(&shell, "large.png");
    let watch = Watch::start(&shell, "-j 2");
    busy(&watch, &[]);
    let all: Vec<u32> = workers(&watch).into_iter().map(|(id, _)| id).collect();
    assert!(!all.is_empty());
    watch.kill();
    let end = Instant::now() + Duration::from_secs(30);
    let runs = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().and_then(|s| s.split_whitespace().next());
        state.is_some_and(|state| !matches!(state, "Z" | "X"))
    };
    while all.iter().any(runs) {
        assert!(Instant::now() < end, "a worker outlives its parent");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_content_that_crashed_three_times_is_not_tried_again() {
    let shell = Shell::new();
    let bytes = large(&shell, "a.png");
    let watch = Watch::start(&shell, "-j 1");
    let mut seen = Vec::new();
    for name in ["a.png", "b.png", "c.png"] {
        if name != "a.png" {
            fs::write(shell.path(name), &bytes).expect("written");
            fs::rename(shell.path(name), shell.path("in").join(name)).expect("moved in");
        }
        for _ in 0..2 {
            let id = busy(&watch, &seen);
            signal(id, SIGABRT);
            seen.push(id);
        }
        watch.wait("a failure", |told| {
            told.iter().any(|t| t["event"] == "failed" && t["source"] == name)
        });
    }
    watch.stop().fine();
    fs::write(shell.path("in/d.png"), &bytes).expect("written");
    let over: Over = once(&shell, "");
    let reason = &failed(&over.told)["d.png"];
    assert!(reason.starts_with("files of this content were given up 3 times: "), "{reason}");
    assert!(reason.contains("SIGABRT"), "{reason}");
    let over = once(&shell, "--retry-failed");
    assert_eq!(done(&over.told).len(), 4, "{:?}", over.told);
}

#[test]
fn an_idle_worker_that_is_killed_costs_nothing() {
    let shell = Shell::new();
    let watch = Watch::start(&shell, "-p emboss -j 2");
    for number in 0..5 {
        for (id, _) in workers(&watch) {
            signal(id, SIGKILL);
        }
        let name = format!("frame{number:06}.jpg");
        shell.copy(&frames(5).join(&name), format!("in/{name}"));
        watch.wait_done(number + 1);
    }
    let over = watch.stop().fine();
    assert!(failed(&over.told).is_empty(), "{:?}", over.told);
}
