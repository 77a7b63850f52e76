//! A real RTMP server: nginx with its RTMP module, on a port of its own, which can be killed and
//! started again.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::counted::wait_for;
pub use crate::ports::free_port;
use crate::running::Running;
use crate::tools::{NGINX, available};

/// The server; it ends with the test.
pub struct Server {
    folder: TempDir,
    port: u16,
    running: Option<Running>,
}

/// Whether there is such a server; false where `FILMGATE_SKIP` leaves its tests out.
pub fn possible() -> bool {
    available(&NGINX)
}

impl Server {
    /// A server that runs. It records what is pushed to `live`; nobody may push to `closed`.
    pub fn start() -> Server {
        let mut server = Server::stopped();
        server.run();
        server
    }

    /// A server that does not run yet.
    pub fn stopped() -> Server {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let server = Server { folder, port: free_port(), running: None };
        let at = server.folder.path();
        fs::create_dir(at.join("records")).expect("a folder for the records");
        fs::write(at.join("nginx.conf"), server.config()).expect("the configuration");
        server
    }

    fn config(&self) -> String {
        let (at, port) = (self.folder.path().display(), self.port);
        let module = "/usr/lib/nginx/modules/ngx_rtmp_module.so";
        format!(
            "load_module {module};\ndaemon off;\nmaster_process off;\nerror_log {at}/error.log info;\n\
             pid {at}/pid;\nevents {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port};\n\
             application live {{ live on; record all; record_path {at}/records; record_unique on; }}\n\
             application closed {{ live on; deny publish all; }}\n}} }}\n"
        )
    }

    /// Runs it, and waits until it listens.
    pub fn run(&mut self) {
        let folder = self.folder.path();
        let mut nginx = Command::new("nginx");
        nginx
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.running = Some(Running::start(&mut nginx));
        let address = ("127.0.0.1", self.port);
        wait_for("nginx", || TcpStream::connect(address).is_ok());
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("nginx can be killed");
            child.wait().expect("nginx ends");
        }
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        self.running.as_ref().expect("it runs").signal(name);
    }

    pub fn url(&self, application: &str, key: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{application}/{key}", self.port)
    }

    /// What was pushed to `live`, a file a connection, in their order.
    pub fn records(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("records")).expect("readable");
        let mut records: Vec<_> = entries
            .map(|e| e.expect("readable"))
            .map(|e| (e.metadata().and_then(|m| m.created()).ok(), e.path()))
            .collect();
        records.sort();
        records.into_iter().map(|(_, path)| path).collect()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}
