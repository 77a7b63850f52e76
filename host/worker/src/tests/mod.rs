//! Workers that break every rule: each costs its own job, with the cause in words, and nothing else.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Answer, Cause, Job, Pool, RunError, Settings};
use filmgate_core::cancel::Cancel;

fn settings(mode: &str) -> Settings {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/hostile.py");
    Settings {
        arguments: vec![mode.into()],
        memory: 300 << 20,
        patience: Duration::from_secs(20),
        ..Settings::new(program, 1)
    }
}

fn pool() -> Pool {
    Pool::new(settings("")).expect("a pool")
}

fn run_for(pool: &Pool, job: &Value, deadline: Option<Duration>) -> Result<Value, RunError> {
    let job = Job { what: job.clone(), files: &[], deadline, fresh: false };
    let mut on_ask = |question: Value| {
        let value = json!(question.as_u64().unwrap_or(0) * 2);
        Answer { value, files: Vec::new() }
    };
    pool.run(&job, &mut on_ask, &Cancel::new())
}

fn run(pool: &Pool, job: &str) -> Result<Value, RunError> {
    run_for(pool, &json!(job), None)
}

fn crash(pool: &Pool, job: &str) -> (Cause, String) {
    match run(pool, job) {
        Err(RunError::Crashed(crash)) => (crash.cause.clone(), crash.to_string()),
        other => panic!("{job}: {other:?}"),
    }
}

fn times(usual: usize) -> usize {
    std::env::var("FILMGATE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_worker_takes_many_jobs_and_is_replaced() {
    let settings = Settings { jobs: 3, ..settings("") };
    let pool = Pool::new(settings).expect("a pool");
    assert_eq!(run(&pool, "ask").expect("an answer"), 41);
    let first = pool.spares();
    assert_eq!(run(&pool, "fine").expect("an answer"), "fine");
    assert_eq!(pool.spares(), first);
    run(&pool, "fine").expect("an answer");
    run(&pool, "fine").expect("an answer");
    assert!(!pool.spares().is_empty() && pool.spares() != first);
}

#[test]
fn each_death_costs_one_job_and_says_why() {
    let pool = pool();
    for (job, cause, words) in [
        ("segv", Cause::Signal(11), "crashed with SIGSEGV in the test decoder"),
        ("abrt", Cause::Signal(6), "crashed with SIGABRT in the test decoder"),
        ("sys", Cause::Signal(31), "a call that the sandbox forbids (SIGSYS)"),
        ("kill", Cause::Signal(9), "was killed (SIGKILL), perhaps because memory ran out"),
    ] {
        for _ in 0..times(20) {
            let (found, told) = crash(&pool, job);
            assert_eq!(found, cause);
            assert!(told.contains(words), "{told}");
            assert_eq!(run(&pool, "fine").expect("the pool is as before"), "fine");
        }
    }
}

#[test]
fn endless_work_is_ended() {
    let pool = pool();
    for _ in 0..times(20) {
        let deadline = Some(Duration::from_millis(100));
        match run_for(&pool, &json!("loop"), deadline) {
            Err(RunError::Crashed(crash)) => {
                assert_eq!(crash.cause, Cause::Deadline(Duration::from_millis(100)));
            }
            other => panic!("{other:?}"),
        }
        run(&pool, "fine").expect("the pool is as before");
    }
    assert_eq!(crash(&pool, "cpu").0, Cause::Signal(24));
    run(&pool, "fine").expect("the pool is as before");
}

#[test]
fn what_a_worker_takes_and_sends_is_bounded() {
    let pool = pool();
    let (cause, told) = crash(&pool, "memory");
    assert!(matches!(cause, Cause::Memory(bytes) if bytes < 1 << 30), "{told}");
    let (cause, told) = crash(&pool, "garbage");
    assert!(matches!(cause, Cause::Garbage(_)) && told.contains("no message"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
    let (cause, told) = crash(&pool, "flood");
    assert!(matches!(cause, Cause::Garbage(_)) && told.contains("10000 messages"), "{told}");
    let (cause, told) = crash(&pool, "closed");
    assert!(matches!(cause, Cause::Garbage(_)), "{told}");
    run(&pool, "fine").expect("the pool is as before");
}

#[test]
fn a_worker_that_does_not_read_is_ended() {
    let settings = Settings { patience: Duration::from_secs(1), ..settings("") };
    let pool = Pool::new(settings).expect("a pool");
    for job in ["deaf", "unread"] {
        assert_eq!(crash(&pool, job).0, Cause::Stuck, "{job}");
    }
}

#[test]
fn a_spare_that_is_killed_costs_nothing() {
    let pool = pool();
    for _ in 0..times(20) {
        run(&pool, "fine").expect("an answer");
        for spare in pool.spares() {
            let spare = Pid::from_raw(i32::try_from(spare).expect("a process"));
            kill(spare, Signal::SIGKILL).expect("killed");
        }
        assert_eq!(run(&pool, "fine").expect("an answer"), "fine");
    }
}

#[test]
fn workers_that_cannot_start_are_the_systems_fault() {
    for settings in
        [settings("exits"), Settings { program: PathBuf::from("/nowhere/at/all"), ..settings("") }]
    {
        let pool = Pool::new(settings).expect("a pool");
        for _ in 0..2 {
            let error = run(&pool, "fine").expect_err("no worker");
            assert!(matches!(error, RunError::System(_)), "{error:?}");
        }
    }
}

#[test]
fn other_jobs_go_on_and_a_canceled_one_ends() {
    let pool = Pool::new(Settings { spares: 2, ..settings("") }).expect("a pool");
    thread::scope(|scope| {
        let crashes = scope.spawn(|| (0..10).for_each(|_| drop(crash(&pool, "segv"))));
        for number in 0..200 {
            assert_eq!(run_for(&pool, &json!(number), None).expect("an answer"), number);
        }
        crashes.join().expect("they crash");
    });
    let cancel = Cancel::new();
    let job = Job { what: json!("loop"), files: &[], deadline: None, fresh: false };
    let begun = Instant::now();
    thread::scope(|scope| {
        let run = scope
            .spawn(|| pool.run::<Value>(&job, &mut |_| unreachable!("it asks nothing"), &cancel));
        cancel.cancel();
        let ended = run.join().expect("it ends");
        assert!(matches!(ended, Err(RunError::Canceled)), "{ended:?}");
    });
    assert!(begun.elapsed() < Duration::from_secs(60));
}
