//! What a process that is locked in can still do. Without the sandbox every attempt would be answered
//! differently. A program without the usual harness, whose threads would run before the sandbox.

#[cfg(target_os = "linux")]
mod attempts;

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use filmgate_sandbox::{Mode, Network, Profile, enter, warm};

    use crate::attempts::{self, ALL, PATHS, PORT, WORKER};

    fn lock(profile: &Profile) {
        warm();
        enter(profile, Mode::Require).expect("locked in");
    }

    pub(super) fn main() {
        attempts::main(&[
            ("worker", |_| lock(&Profile::worker()), vec![WORKER, ALL]),
            (
                "paths",
                |folder| {
                    lock(&Profile {
                        read: vec![folder.join("allowed")],
                        write: vec![folder.join("out"), folder.join("missing")],
                        ..Profile::default()
                    });
                },
                vec![PATHS, ALL],
            ),
            (
                "port",
                |_| lock(&Profile { network: Network::Connect(vec![1]), ..Profile::default() }),
                vec![PORT, ALL],
            ),
        ]);
    }
}
