//! A watch at work, and pictures to give it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use filmgate_tests::hostile::root;
use filmgate_tests::outside::{made_once, script};
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use serde_json::Value;

/// How long anything is waited for; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(90);

/// filmgate, watching `in` with outputs in `out`; killed when dropped.
pub(crate) struct Watch {
    child: Running,
    told: Arc<Mutex<Vec<Value>>>,
    events: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
    stderr: Arc<Mutex<String>>,
}

/// How it ended.
pub(crate) struct Over {
    pub(crate) code: Option<i32>,
    pub(crate) told: Vec<Value>,
    pub(crate) events: Vec<String>,
    pub(crate) stderr: String,
}

impl Watch {
    /// Starts it and waits until it listens.
    pub(crate) fn start(shell: &Shell, arguments: &str) -> Watch {
        let watch = Watch::spawn(shell, arguments);
        watch.wait("ready", |told| told.iter().any(|t| t["event"] == "ready"));
        watch
    }

    /// Starts it.
    pub(crate) fn spawn(shell: &Shell, arguments: &str) -> Watch {
        let _ = std::fs::create_dir(shell.path("in"));
        let mut command = command(shell, arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running::start(&mut command);
        let (told, events) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::default());
        let stderr = Arc::<Mutex<String>>::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (lines, prints) = (Arc::clone(&told), Arc::clone(&events));
        let reading = thread::spawn(move || {
            for line in BufReader::new(out.expect("a pipe")).lines().map_while(Result::ok) {
                match serde_json::from_str(&line) {
                    Ok(value) => lines.lock().expect("sound").push(value),
                    Err(_) => {
                        let prints: &Mutex<Vec<String>> = &prints;
                        prints.lock().expect("sound").push(line);
                    }
                }
            }
        });
        let said = Arc::clone(&stderr);
        let hearing = thread::spawn(move || {
            let mut err = err.expect("a pipe");
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = err.read(&mut part) {
                said.lock().expect("sound").push_str(&String::from_utf8_lossy(&part[..count]));
            }
        });
        Watch { child, told, events, readers: vec![reading, hearing], stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until what was told fits.
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&[Value]) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !fits(&self.told.lock().expect("sound")) {
            let told = || self.told.lock().expect("sound").clone();
            assert!(Instant::now() < end, "no {what}: {:?}\n{}", told(), self.said());
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits until so many files are done.
    pub(crate) fn wait_done(&self, count: usize) {
        self.wait(&format!("{count} done"), |told| done(told).len() >= count);
    }

    /// Waits until something stands on stderr.
    pub(crate) fn wait_said(&self, part: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.said().contains(part) {
            assert!(Instant::now() < end, "{part:?} is not said: {}", self.said());
            sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn said(&self) -> String {
        self.stderr.lock().expect("sound").clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    /// Ends it as systemd does.
    pub(crate) fn stop(self) -> Over {
        self.signal("TERM");
        self.end()
    }

    /// Ends it as the kernel does that has no memory.
    pub(crate) fn kill(mut self) -> Over {
        self.child.kill().expect("it can be killed");
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Over {
        let status = self.child.wait().expect("it ends");
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader ends");
        }
        Over {
            code: status.code(),
            told: self.told.lock().expect("sound").clone(),
            events: self.events.lock().expect("sound").clone(),
            stderr: self.said(),
        }
    }
}

impl Over {
    /// Checks that it ended well.
    pub(crate) fn fine(self) -> Over {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

/// `filmgate watch in -o out --json` and what else is wanted.
pub(crate) fn command(shell: &Shell, arguments: &str) -> Command {
    let mut command = shell.command();
    command.args(["watch", "in", "-o", "out", "--json"]);
    command.args(arguments.split_whitespace());
    command
}

/// Processes what is there; how that ended.
pub(crate) fn once(shell: &Shell, arguments: &str) -> Over {
    let _ = std::fs::create_dir(shell.path("in"));
    Watch::spawn(shell, &format!("--once {arguments}")).end()
}

/// Source and output of each file that was done.
pub(crate) fn done(told: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    told.iter()
        .filter(|t| t["event"] == "done")
        .map(|t| (text(&t["source"]), text(&t["output"])))
        .collect()
}

/// Reasons of those that failed, by source.
pub(crate) fn failed(told: &[Value]) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    told.iter()
        .filter(|t| t["event"] == "failed")
        .map(|t| (text(&t["source"]), text(&t["reason"])))
        .collect()
}

/// All files below a folder, as paths below it, sorted; hidden folders aside.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if path.is_dir() && !hidden {
                folders.push(path);
            } else if path.is_file() {
                let below = path.strip_prefix(folder).expect("it is below");
                all.push(below.to_string_lossy().into_owned());
            }
        }
    }
    all.sort();
    all
}

fn reference() -> PathBuf {
    root().join("tests/watch/reference.py")
}

/// Asks Pillow.
pub(crate) fn pillow<S: AsRef<OsStr>>(what: &str, arguments: &[S]) -> String {
    let mut all = vec![OsStr::new(what)];
    all.extend(arguments.iter().map(AsRef::as_ref));
    script(&reference(), &all)
}

/// One picture of each kind, made once by Pillow.
pub(crate) fn kinds() -> PathBuf {
    made("kinds", |folder| {
        pillow("make", &[folder]);
    })
}

/// So many small JPEGs, `frame000000.jpg` and on, all different.
pub(crate) fn frames(count: usize) -> PathBuf {
    made(&format!("frames-{count}"), |folder| {
        pillow("frames", &[folder.as_os_str(), OsStr::new(&count.to_string())]);
    })
}

fn made(name: &str, make: impl Fn(&Path)) -> PathBuf {
    // With the script that makes them, so that a change of it is seen.
    let length = std::fs::metadata(reference()).expect("the script is there").len();
    made_once(&format!("watch-{name}-{length}"), |folder| {
        std::fs::create_dir(folder).expect("a folder can be made");
        make(folder);
    })
}
