//! After a failure an instance is never entered again; what the job does then is the user's
//! choice, and a frame is never dropped in silence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use filmgate::cancel::Cancel;
use filmgate::clock::Clock;
use filmgate::frame::{Frame, StreamInfo};
use filmgate::plugin::{Failure, Filter, Limits, OnFailure, PluginError, Supervised, Supervisor};
use filmgate_tests::hostile::{Module, deadline, failure, frame, patiently, stream};

/// Puts the first sample of the frame, which is its number, into `$k`.
const NUMBER: &str = "(call $plane (local.get $frame) (i32.const 0) (i32.const 0x380))
    (local.set $k (i32.load8_u (i32.load (i32.const 0x380))))";

/// Traps at these frames, and gives all others back with their first sample set to how many
/// frames this instance has seen.
fn counting_until(traps: &[u32]) -> Module {
    let traps: String = traps
        .iter()
        .map(|n| format!("(if (i32.eq (local.get $k) (i32.const {n})) (then (unreachable)))"))
        .collect();
    Module::processing(&format!(
        "{NUMBER}
         (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
         {traps}
         (i32.store8 (i32.const 0x500) (global.get $counter))
         (call $set-plane (local.get $frame) (i32.const 0) (i32.const 0x500) (i32.const 1))
         (call $same (local.get $frame))"
    ))
}

/// Keeps every frame, and gives back the oldest when it has three. What is done to a frame when
/// it comes is `touch`; at frame `broken`, `how` is done.
fn keeping(touch: &str, broken: u32, how: &str, flush: &str) -> Module {
    let keep = "(i32.store (i32.add (i32.const 0x800)
          (i32.mul (i32.rem_u (global.get $in) (i32.const 64)) (i32.const 4)))
          (local.get $frame))
        (global.set $in (i32.add (global.get $in) (i32.const 1)))";
    let give = "(i32.store (i32.add (i32.const 0x400) (i32.mul (local.get $i) (i32.const 4)))
          (i32.load (i32.add (i32.const 0x800)
            (i32.mul (i32.rem_u (global.get $out) (i32.const 64)) (i32.const 4)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (global.set $out (i32.add (global.get $out) (i32.const 1)))";
    Module {
        fields: "(global $in (mut i32) (i32.const 0)) (global $out (mut i32) (i32.const 0))"
            .to_owned(),
        ..Module::serial(
            &format!(
                "{NUMBER}
                 (if (i32.eq (local.get $k) (i32.const {broken})) (then {how}))
                 {touch} {keep}
                 (if (i32.ge_u (i32.sub (global.get $in) (global.get $out)) (i32.const 4))
                   (then {give}))
                 (call $list (local.get $i))"
            ),
            &format!(
                "{flush}
                 (block $done (loop $more
                   (br_if $done (i32.eq (global.get $in) (global.get $out)))
                   {give} (br $more)))
                 (call $list (local.get $i))"
            ),
        )
    }
}

/// An answer of an error, by the contract.
const REFUSE: &str = "(call $drop (local.get $frame))
    (i32.store (i32.const 0x380) (i32.const 1)) (i32.store (i32.const 0x384) (i32.const 2))
    (i32.store (i32.const 0x388) (i32.const 0x100)) (i32.store (i32.const 0x38c) (i32.const 7))
    (return (i32.const 0x380))";

struct Job {
    /// what the waits after failures go by: they take no time
    clock: Clock,
    supervisor: Arc<Supervisor>,
    at_work: Supervised,
    info: StreamInfo,
}

fn job(module: &Module, on_failure: OnFailure) -> Job {
    let limits = Limits { deadline: Duration::from_secs(10), ..Limits::default() };
    let plugin = Arc::new(module.load(&limits).expect("loads"));
    let clock = Clock::manual();
    let supervisor = Supervisor::new(plugin, Vec::new(), on_failure, &Cancel::new());
    let supervisor = Arc::new(supervisor.with_clock(clock.clone()));
    let info = stream(1, 1);
    let at_work = supervisor.start(&info).expect("starts");
    Job { clock, supervisor, at_work, info }
}

impl Job {
    /// All of these frames, and the end.
    fn run(&mut self, frames: impl IntoIterator<Item = Frame>) -> Vec<Frame> {
        let mut out = Vec::new();
        for frame in frames {
            out.extend(self.at_work.process(frame).expect("bypassed"));
        }
        out.extend(self.at_work.flush().expect("bypassed"));
        out
    }

    fn frames(&self, count: u64) -> Vec<Frame> {
        (0..count).map(|index| frame(&self.info, index)).collect()
    }
}

fn numbers(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|f| f.index).collect()
}

fn samples(frames: &[Frame]) -> Vec<u8> {
    frames.iter().map(|f| f.planes[0].to_packed()[0]).collect()
}

fn rise(frames: &[Frame]) -> bool {
    frames.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp)
}

#[test]
fn by_default_a_trap_fails_the_job_and_names_the_frame() {
    let mut job = job(&counting_until(&[5]), OnFailure::default());
    for index in 0..5 {
        assert_eq!(job.at_work.process(frame(&job.info, index)).expect("sound").len(), 1);
    }
    let error = job.at_work.process(frame(&job.info, 5)).expect_err("traps");
    assert!(matches!(failure(&error), Some(Failure::Trap(_))), "{error}");
    assert!(error.to_string().contains("frame 5 (at 0.200 s)"), "{error}");
    // And nothing more is asked of it.
    let error = job.at_work.process(frame(&job.info, 6)).expect_err("over");
    assert!(matches!(failure(&error), Some(Failure::Over)), "{error}");
    let error = job.at_work.flush().expect_err("over");
    assert!(matches!(failure(&error), Some(Failure::Over)), "{error}");
}

#[test]
fn an_instance_that_failed_is_never_entered_again() {
    // Each would go on: the second call is fine as far as the guest is concerned.
    let once = |then: &str| {
        Module::processing(&format!(
            "(if (i32.eqz (global.get $counter)) (then
               (global.set $counter (i32.const 1)) {then}))
             (call $same (local.get $frame))"
        ))
    };
    let cases = [
        ("trap", once("(unreachable)")),
        ("deadline", once("(loop $l (br $l))")),
        (
            "wrong size",
            once(
                "(return (call $same (call $new (i32.const 7) (i32.const 7) (i32.const 0x140)
               (i32.const 5) (i64.const 0) (i64.const 0) (i32.const 0) (i64.const 0))))",
            ),
        ),
        ("bad handle", once("(return (call $same (i32.const 99)))")),
        ("misuse", once("(call $plane (local.get $frame) (i32.const 9) (i32.const 0x380))")),
        ("answer out of bounds", once("(return (i32.const -4))")),
    ];
    let info = stream(1, 1);
    for (what, module) in cases {
        let plugin = patiently(|| module.load(&deadline(50))).expect(what);
        let mut filter = patiently(|| Filter::start(&plugin, &info, &[])).expect(what);
        filter.process(frame(&info, 0)).expect_err(what);
        for index in 1..3 {
            let error = filter.process(frame(&info, index)).expect_err(what);
            assert!(matches!(failure(&error), Some(Failure::Over)), "{what}: {error}");
        }
    }
}

#[test]
fn bypass_passes_the_frame_unchanged_and_goes_on_with_a_fresh_instance() {
    let mut job = job(&counting_until(&[5]), OnFailure::Bypass);
    let start = job.clock.now();
    let frames = job.frames(10);
    let out = job.run(frames);
    assert_eq!(numbers(&out), (0..10).collect::<Vec<_>>());
    // Frame 5 as it came; behind it, an instance that counts from one again.
    assert_eq!(samples(&out), [1, 2, 3, 4, 5, 5, 1, 2, 3, 4]);
    assert_eq!((job.supervisor.bypassed(), job.supervisor.failures()), (1, 1));
    let waited = job.clock.now() - start;
    assert!(waited >= Duration::from_secs(1), "no wait before the fresh instance");
}

#[test]
fn three_failures_in_a_minute_are_quarantine() {
    let mut job = job(&counting_until(&[2, 4, 6]), OnFailure::Bypass);
    let mut waits = Vec::new();
    let mut out = Vec::new();
    for frame in job.frames(20) {
        let start = job.clock.now();
        out.extend(job.at_work.process(frame).expect("bypassed"));
        waits.push((job.clock.now() - start).as_secs());
    }
    assert_eq!(numbers(&out), (0..20).collect::<Vec<_>>());
    let after: Vec<u8> = (6..20).collect();
    assert_eq!(samples(&out)[..6], [1, 2, 2, 1, 4, 1]);
    assert_eq!(samples(&out)[6..], after, "none of these reached it");
    assert_eq!((job.supervisor.bypassed(), job.supervisor.failures()), (16, 3));
    // The wait is behind the frame that it broke on.
    assert_eq!(waits[..6], [0, 0, 1, 0, 2, 0], "waited {waits:?} s");
    println!("seconds waited for each frame: {waits:?}");
}

#[test]
fn frames_that_were_held_come_out_in_order() {
    let mut job = job(&keeping("", 5, "(unreachable)", ""), OnFailure::Bypass);
    let frames = job.frames(12);
    let out = job.run(frames);
    assert_eq!(numbers(&out), (0..12).collect::<Vec<_>>());
    assert!(rise(&out));
    // 2, 3 and 4 were held, 5 was given in.
    assert_eq!((job.supervisor.bypassed(), job.supervisor.failures()), (4, 1));
}

#[test]
fn held_frames_come_out_as_they_went_in() {
    let spoil = "(i32.store8 (i32.const 0x500) (i32.const 99))
        (call $set-plane (local.get $frame) (i32.const 0) (i32.const 0x500) (i32.const 1))
        (call $set-timestamp (local.get $frame) (i64.const -5))
        (call $set-tag (local.get $frame) (i32.const 0x100) (i32.const 7)
          (i32.const 0x100) (i32.const 7))";
    let mut job = job(&keeping(spoil, 3, "(unreachable)", ""), OnFailure::Bypass);
    let frames = job.frames(4);
    let out = job.run(frames);
    assert_eq!(samples(&out), [0, 1, 2, 3]);
    assert!(rise(&out) && out.iter().all(|f| f.tags.is_none()));
    assert_eq!(job.supervisor.bypassed(), 4);
}

/// A plugin ahead that makes two of each gives both the same number.
#[test]
fn frames_of_the_same_number_are_all_given_back() {
    let mut job = job(&keeping("", 3, "(unreachable)", ""), OnFailure::Bypass);
    let mut frames = Vec::new();
    for first in job.frames(4) {
        let mut second = first.clone();
        second.timestamp += 20_000_000;
        frames.extend([first, second]);
    }
    let out = job.run(frames);
    assert_eq!(numbers(&out), [0, 0, 1, 1, 2, 2, 3, 3]);
    assert!(rise(&out));
}

/// Pictures that the plugin made stand for those that it still holds, to look at.
#[test]
fn frames_that_something_was_answered_for_come_out_once() {
    // Never drops a frame, and answers with a new one in its place.
    let referring = Module::serial(
        &format!(
            "{NUMBER}
             (if (i32.eq (local.get $k) (i32.const 4)) (then (unreachable)))
             (call $info (local.get $frame) (i32.const 0x600))
             (call $same (call $new (i32.const 1) (i32.const 1) (i32.const 0x140) (i32.const 5)
               (i64.load (i32.const 0x610)) (i64.load (i32.const 0x618))
               (i32.const 1) (i64.const 40000000)))"
        ),
        "(call $none)",
    );
    let mut job = job(&referring, OnFailure::Bypass);
    let frames = job.frames(8);
    let out = job.run(frames);
    assert_eq!(numbers(&out), (0..8).collect::<Vec<_>>());
    assert_eq!(job.supervisor.bypassed(), 1);
}

#[test]
fn an_answer_that_is_wrong_in_part_loses_nothing() {
    // At frame 3: what it holds first, then a frame of the wrong size.
    let wrong = "(i32.store (i32.const 0x400) (i32.load (i32.const 0x800)))
        (i32.store (i32.const 0x404) (call $new (i32.const 7) (i32.const 7) (i32.const 0x140)
          (i32.const 5) (i64.const 0) (i64.const 0) (i32.const 0) (i64.const 0)))
        (return (call $list (i32.const 2)))";
    let mut job = job(&keeping("", 3, wrong, ""), OnFailure::Bypass);
    let frames = job.frames(6);
    let out = job.run(frames);
    assert_eq!(numbers(&out), (0..6).collect::<Vec<_>>());
}

#[test]
fn a_flush_that_traps_gives_back_what_was_held() {
    for (policy, module) in [
        (OnFailure::Bypass, keeping("", 99, "", "(unreachable)")),
        (OnFailure::Fail, keeping("", 99, "", "(unreachable)")),
    ] {
        let mut job = job(&module, policy);
        for frame in job.frames(8) {
            job.at_work.process(frame).expect("sound");
        }
        match (policy, job.at_work.flush()) {
            (OnFailure::Bypass, result) => {
                assert_eq!(numbers(&result.expect("bypassed")), [5, 6, 7]);
                assert_eq!((job.supervisor.bypassed(), job.supervisor.failures()), (3, 1));
            }
            (OnFailure::Fail, result) => {
                let error = result.expect_err("traps").to_string();
                assert!(error.contains("was asked for its last frames"), "{error}");
            }
        }
    }
}

/// An error by the contract is no failure; but no frame overtakes those that are held.
#[test]
fn a_refused_frame_does_not_overtake_those_that_are_held() {
    let mut job = job(&keeping("", 5, REFUSE, ""), OnFailure::Bypass);
    let start = Instant::now();
    let frames = job.frames(12);
    let out = job.run(frames);
    assert_eq!(numbers(&out), (0..12).collect::<Vec<_>>());
    assert!(rise(&out));
    assert_eq!((job.supervisor.bypassed(), job.supervisor.failures()), (4, 0));
    println!("no failure, so no wait: {:?}", start.elapsed());
}

#[test]
fn a_refusal_alone_leaves_the_instance_at_work() {
    let module = Module::processing(&format!(
        "{NUMBER}
         (global.set $counter (i32.add (global.get $counter) (i32.const 1)))
         (if (i32.eq (local.get $k) (i32.const 1)) (then {REFUSE}))
         (i32.store8 (i32.const 0x500) (i32.add (i32.const 100) (global.get $counter)))
         (call $set-plane (local.get $frame) (i32.const 0) (i32.const 0x500) (i32.const 1))
         (call $same (local.get $frame))"
    ));
    let mut bypassing = job(&module, OnFailure::Bypass);
    let frames = bypassing.frames(4);
    let out = bypassing.run(frames);
    assert_eq!(samples(&out), [101, 1, 103, 104]);
    assert_eq!((bypassing.supervisor.bypassed(), bypassing.supervisor.failures()), (1, 0));
    let mut failing = job(&module, OnFailure::Fail);
    failing.at_work.process(frame(&failing.info, 0)).expect("sound");
    let error = failing.at_work.process(frame(&failing.info, 1)).expect_err("refused");
    assert!(matches!(error, PluginError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("hostile"), "{error}");
}

#[test]
fn a_trap_in_configure_of_a_second_instance_leaves_the_first_alone() {
    let module = Module {
        configure: format!(
            "(if (i32.eq (local.get $width) (i32.const 32)) (then (unreachable))) {}",
            Module::default().configure
        ),
        ..counting_until(&[])
    };
    for policy in [OnFailure::Fail, OnFailure::Bypass] {
        let mut job = job(&module, policy);
        job.at_work.process(frame(&job.info, 0)).expect("sound");
        let error = job.supervisor.start(&stream(32, 32)).err().expect("traps").to_string();
        assert!(error.contains("was configured for gray8 32x32"), "{error}");
        let out = job.at_work.process(frame(&job.info, 1)).expect("sound");
        assert_eq!(samples(&out), [2], "the first instance goes on counting");
    }
}

#[test]
fn a_plugin_that_changes_the_size_cannot_be_bypassed_and_says_so() {
    let half = Module {
        configure: "(call $accept (i32.const 1) (i32.const 1) (local.get $format)
            (local.get $format_len) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 1) (i32.const 1))"
            .to_owned(),
        ..Module::default()
    };
    let plugin = Arc::new(half.load(&Limits::default()).expect("loads"));
    let start = |policy| {
        let supervisor = Supervisor::new(Arc::clone(&plugin), Vec::new(), policy, &Cancel::new());
        Arc::new(supervisor).start(&stream(2, 2)).map(drop)
    };
    assert!(start(OnFailure::Fail).is_ok());
    let error = start(OnFailure::Bypass).expect_err("nothing could stand in").to_string();
    assert!(error.contains("bypass"), "{error}");
}

#[test]
fn a_wait_for_a_fresh_instance_ends_when_the_job_is_cancelled() {
    let plugin = Arc::new(counting_until(&[0]).load(&Limits::default()).expect("loads"));
    let cancel = Cancel::new();
    let supervisor = Arc::new(Supervisor::new(plugin, Vec::new(), OnFailure::Bypass, &cancel));
    let info = stream(1, 1);
    let mut at_work = supervisor.start(&info).expect("starts");
    cancel.cancel();
    let error = at_work.process(frame(&info, 0)).expect_err("cancelled");
    assert!(matches!(error, PluginError::Cancelled { .. }), "{error}");
}
