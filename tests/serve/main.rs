//! `filmgate serve`: curl from outside, cut connections, kills, jobs that crash.

mod access;
mod ends;
mod feeds;
mod jobs;
mod kills;
mod limits;
mod names;
mod openapi;
mod reload;
mod resumable;
mod script;
mod segments;
mod tls;
mod tus;
mod webhooks;
mod whole;

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::succeed;
use filmgate_tests::ports::free_port;
use filmgate_tests::running::Running;
use filmgate_tests::shell::Shell;
use serde_json::{Value, json};

/// A server on a folder of its own.
struct Served {
    shell: Shell,
    port: u16,
    /// options beside `--root` and `--listen`
    options: String,
    server: Option<Running>,
}

/// What curl was told.
#[derive(Debug)]
struct Said {
    status: u32,
    headers: String,
    body: Vec<u8>,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next_back().map(|(_, value)| value.trim())
    }

    /// Checks the status.
    #[track_caller]
    fn is(self, status: u32) -> Said {
        assert_eq!(self.status, status, "{} {}", self.headers, String::from_utf8_lossy(&self.body));
        self
    }

    /// Checks that it is a problem of this kind, with these words.
    #[track_caller]
    fn is_problem(&self, status: u32, slug: &str, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        let kind = problem["type"].as_str().expect("a text");
        assert_eq!(kind.rsplit([':', '#']).next(), Some(slug), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains(words), "{words:?} is not in {detail:?}");
    }
}

impl Served {
    fn new() -> Served {
        Served::with("")
    }

    /// With options and, in `settings`, a file for `--config`.
    fn with(settings: &str) -> Served {
        Served::prepared(settings, |_| ())
    }

    /// The same, with what `prepare` puts into the folder before the server starts.
    fn prepared(settings: &str, prepare: impl FnOnce(&Shell)) -> Served {
        let shell = Shell::new();
        prepare(&shell);
        shell.write("settings.toml", settings);
        let options = "--jobs 1 --config settings.toml".to_owned();
        let mut served = Served { shell, port: free_port(), options, server: None };
        served.start();
        served
    }

    /// Starts it, and waits until it says that it is ready.
    fn start(&mut self) {
        let said = std::fs::File::create(self.path("said")).expect("a file");
        let mut command = self.shell.command();
        command.arg("serve").args(["--root", "root", "--listen"]);
        command.arg(format!("127.0.0.1:{}", self.port)).args(self.options.split_whitespace());
        command.stdout(Stdio::null()).stderr(said);
        self.server = Some(Running::start(&mut command));
        wait_for("the server", || self.said().contains("listening on"));
    }

    /// What it has said on stderr.
    fn said(&self) -> String {
        std::fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    fn server(&mut self) -> &mut Running {
        self.server.as_mut().expect("it runs")
    }

    /// `kill -9`.
    fn kill(&mut self) {
        self.server().kill().expect("killed");
        self.server().wait().expect("it ends");
    }

    /// Stops it, and waits for its end.
    fn end(&mut self) {
        self.server().signal("TERM");
        let status = self.server().wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{}", self.said());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.shell.path(name)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/api/v1/{path}", self.port)
    }

    /// curl, with arguments that have no spaces in them, on a path below `/api/v1/`.
    fn curl(&self, arguments: &str, path: &str) -> Said {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.curl_at(&arguments, &self.url(path))
    }

    fn curl_at(&self, arguments: &[&str], url: &str) -> Said {
        let (head, body) = (self.path("head"), self.path("body"));
        let _ = (std::fs::remove_file(&head), std::fs::remove_file(&body));
        let mut command = std::process::Command::new("curl");
        command.args(["-sS", "--path-as-is", "--globoff", "-w", "%{http_code}"]);
        command.arg("-D").arg(&head).arg("-o").arg(&body).args(arguments).arg(url);
        let out = command.current_dir(self.shell.folder()).stdin(Stdio::null()).output();
        let out = out.expect("curl is there");
        let status = String::from_utf8_lossy(&out.stdout).trim().parse();
        Said {
            status: status.unwrap_or_else(|e| panic!("{e}: {out:?}")),
            headers: std::fs::read_to_string(head).unwrap_or_default(),
            body: std::fs::read(body).unwrap_or_default(),
        }
    }

    /// Uploads a text to a path below `tasks/`.
    fn put(&self, path: &str, content: impl AsRef<[u8]>) -> Said {
        self.shell.write("upload", content);
        self.curl("-T upload", &format!("tasks/{path}"))
    }

    /// Uploads a file.
    fn put_file(&self, path: &str, file: &Path) {
        let file = file.to_str().expect("UTF-8");
        self.curl_at(&["-T", file], &self.url(&format!("tasks/{path}"))).is(201);
    }

    fn get(&self, path: &str) -> Said {
        self.curl("", path)
    }

    /// Sends JSON.
    fn post(&self, path: &str, content: &Value, more: &str) -> Said {
        self.shell.write("json", content.to_string());
        let arguments = format!("-X POST -H Content-Type:application/json --data @json {more}");
        self.curl(&arguments, path)
    }

    /// The paths that a device's listing has.
    fn listed(&self, path: &str) -> Vec<String> {
        let listing = self.get(&format!("tasks/{path}")).is(200).json();
        let segments = listing["segments"].as_array().expect("a list").iter();
        segments.map(|s| s["path"].as_str().expect("a text").to_owned()).collect()
    }

    /// The names of files that are being written, below the root.
    fn partial(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.path("root")]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("readable").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "partial") {
                    found.push(path);
                }
            }
        }
        found
    }

    /// A connection on which a request was begun: its head, and the beginning of its body.
    fn begun(&self, head: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let lines = format!("{head}\r\nHost: localhost\r\n\r\n");
        stream.write_all(lines.as_bytes()).expect("sent");
        stream.write_all(body).expect("sent");
        stream
    }

    fn job(&self, id: &str) -> Value {
        self.get(&format!("jobs/{id}")).is(200).json()
    }

    /// Waits for a state of a job that it keeps, or has at least for a while.
    fn wait_for(&self, id: &str, state: &str) -> Value {
        wait_for(state, || {
            let now = self.job(id);
            let now = now["state"].as_str().expect("a state");
            assert!(now == state || ["queued", "running"].contains(&now), "{}", self.job(id));
            now == state
        });
        self.job(id)
    }

    /// Queues a job that takes a few seconds, and waits until it has begun to work.
    fn long_job(&self) -> String {
        let file = filmgate_tests::outside::made(
            "serve-long.mp4",
            "-f lavfi -i testsrc2=size=640x360:rate=25:duration=12 -c:v libx264 -preset ultrafast",
        );
        self.put_file("t/d/long.mp4", &file);
        let job = json!({"verb": "run", "spec": {
            "input": ["t/d/long.mp4"], "output": ["t/d/out.mp4"], "preset": "slow",
            "plugin": [{"name": "emboss"}],
        }});
        let job = self.post("jobs", &job, "").is(202).json();
        let id = job["id"].as_str().expect("an id").to_owned();
        wait_for("an output that is being written", || !self.partial().is_empty());
        id
    }
}

/// SHA-256 of a file as a digest field, by Python.
fn digest(file: &Path) -> String {
    let script = "import base64, hashlib, sys; \
        print(base64.b64encode(hashlib.sha256(open(sys.argv[1], 'rb').read()).digest()).decode())";
    let mut command = std::process::Command::new("python3");
    let out = succeed(command.args(["-c", script]).arg(file));
    format!("sha-256=:{}:", String::from_utf8_lossy(&out).trim())
}
