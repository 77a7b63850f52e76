//! What a decoder that was taken over can do in the sandbox of each verb. A program without the usual
//! harness, whose threads would run before the sandbox.

#[cfg(target_os = "linux")]
#[path = "../../sandbox/tests/attempts/mod.rs"]
mod attempts;

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;

    use filmgate_cli::locked::for_job;
    use filmgate_core::cancel::Cancel;
    use filmgate_engine::Reach;
    use filmgate_engine::spec::{JobSpec, Sandbox, Verb};
    use filmgate_join::{Inputs, JoinSpec};
    use filmgate_watch::WatchSpec;

    use crate::attempts::{self, ALL, ALONE, FILLED, INPUT, ONLINE, OUTPUT, READING};

    /// Enters it, and stays in it.
    fn lock(reach: &Reach, dry_run: bool) {
        let locked = for_job(reach, Some(Sandbox::Require), dry_run, &Cancel::new());
        std::mem::forget(locked.expect("locked in"));
    }

    fn job(verb: Verb, folder: &Path, output: &str) {
        let (input, output) = (vec![folder.join("allowed/in")], vec![folder.join(output)]);
        lock(&Reach::of(&JobSpec { verb, input, output, ..JobSpec::default() }), false);
    }

    fn push(folder: &Path) {
        let (input, output) = (vec![folder.join("allowed/in")], vec!["http://localhost/a".into()]);
        lock(&Reach::of(&JobSpec { input, output, ..JobSpec::default() }), false);
    }

    fn join(folder: &Path) {
        let (input, output) = (vec![folder.join("allowed")], Some(folder.join("out/film.mp4")));
        let spec = JoinSpec { input, output, glob: Some("*".into()), ..JoinSpec::default() };
        lock(&Inputs::find(&spec).expect("found").reach(&spec), false);
    }

    fn plan_of_watch(folder: &Path) {
        let (watched, output) = (Some(folder.join("allowed")), Some(folder.join("out")));
        let spec = WatchSpec { folder: watched, output, ..WatchSpec::default() };
        lock(&spec.reach(), true);
    }

    pub(super) fn main() {
        attempts::main(&[
            (
                "run",
                |f| job(Verb::Run, f, "out/film.mp4"),
                vec![INPUT, READING, OUTPUT, ALONE, ALL],
            ),
            (
                "encode",
                |f| job(Verb::Encode, f, "out/film.mp4"),
                vec![INPUT, READING, OUTPUT, ALONE, ALL],
            ),
            (
                "frame",
                |f| job(Verb::Frame, f, "out/one.png"),
                vec![INPUT, READING, OUTPUT, ALONE, ALL],
            ),
            ("join", join, vec![READING, OUTPUT, ALONE, ALL]),
            ("split", |f| job(Verb::Split, f, "out"), vec![INPUT, READING, FILLED, ALONE, ALL]),
            (
                "hls",
                |f| job(Verb::Run, f, "out/live.m3u8"),
                vec![INPUT, READING, FILLED, ALONE, ALL],
            ),
            ("push", push, vec![INPUT, READING, ONLINE, ALL]),
            ("watch --dry-run", plan_of_watch, vec![READING, ALONE, ALL]),
        ]);
    }
}
