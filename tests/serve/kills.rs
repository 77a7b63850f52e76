//! `kill -9` at every call of the system by which an upload changes the disk.

use std::process::{Command, Stdio};

use filmgate_tests::counted::wait_for;
use filmgate_tests::running::Running;
use filmgate_tests::trace::possible;

use super::Served;

/// Kills the server as it makes call `when` of this name in a thread; whether it came to that.
fn killed_at(served: &mut Served, call: &str, when: usize) -> bool {
    let server = served.server().id();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:signal=KILL:when={when}")]);
    strace.args(["-p", &server.to_string()]);
    let mut strace = Running::start(strace.stdin(Stdio::null()).stderr(Stdio::null()));
    // All of its threads: uploads are written by those that are there, or by new ones.
    let is_traced = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        !status.contains("TracerPid:\t0\n")
    };
    wait_for("strace", || {
        let tasks = std::fs::read_dir(format!("/proc/{server}/task"));
        tasks.is_ok_and(|mut tasks| tasks.all(|task| task.is_ok_and(is_traced)))
    });
    let before = served.get_now();
    let said = served.put("t/d/v/a", format!("{call} {when}").repeat(20_000));
    // 100 asks for the body.
    let is_dead = said.status < 200 || served.server().try_wait().expect("asked").is_some();
    if is_dead {
        served.server().wait().expect("it ends");
    } else {
        said.is(if before.is_empty() { 201 } else { 200 });
        served.kill();
    }
    strace.wait().expect("it ends");
    is_dead
}

impl Served {
    /// The segment as it stands on the disk.
    fn get_now(&self) -> Vec<u8> {
        std::fs::read(self.path("root/t/d/v/a")).unwrap_or_default()
    }
}

#[test]
fn killed_at_every_call_of_an_upload_a_segment_is_whole_or_as_before() {
    if !possible() {
        return;
    }
    let mut served = Served::new();
    let mut kills = 0;
    for call in ["mkdirat", "openat", "pwrite64", "fsync", "renameat"] {
        for when in 1.. {
            let before = served.get_now();
            let is_dead = killed_at(&mut served, call, when);
            served.start();
            let (now, new) = (served.get_now(), format!("{call} {when}").repeat(20_000));
            let what = format!("{call} {when}");
            assert!(now == before || now == new.as_bytes(), "{what}");
            assert!(is_dead || now == new.as_bytes(), "{what}: answered, and not there");
            assert!(served.partial().is_empty(), "{what}: {:?}", served.partial());
            let listed = served.listed("t/d");
            assert_eq!(listed.len(), usize::from(!now.is_empty()), "{what}: {listed:?}");
            if !now.is_empty() {
                assert!(served.get("tasks/t/d/v/a").is(200).body == now, "{what}");
            }
            if !is_dead {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills >= 8, "{kills}");
}
