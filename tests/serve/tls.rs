//! TLS with certificates that openssl has made.

use std::process::{Command, Stdio};

use filmgate_tests::counted::wait_for;
use filmgate_tests::outside::succeed;
use filmgate_tests::ports::free_port;
use filmgate_tests::shell::Shell;

use super::{Said, Served, access};

/// A certificate for 127.0.0.1 that signs itself: `cert.pem` and `key.pem`.
fn certificate(shell: &Shell, kind: &str) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey"]).args(kind.split_whitespace());
    command.args(["-nodes", "-days", "2", "-subj", "/CN=filmgate", "-keyout", "key.pem"]);
    command.args(["-out", "cert.pem", "-addext", "subjectAltName=IP:127.0.0.1"]);
    succeed(command.current_dir(shell.folder()).stdin(Stdio::null()).stderr(Stdio::null()));
}

fn get(served: &Served, arguments: &[&str]) -> Said {
    let url = format!("https://127.0.0.1:{}/api/v1/tasks", served.port);
    served.curl_at(arguments, &url)
}

#[test]
fn a_certificate_is_spoken_with_and_renewed() {
    let shell = Shell::new();
    certificate(&shell, "rsa:2048");
    shell.write("settings.toml", "");
    // Beyond loopback, as it is meant to be used.
    shell.filmgate("serve token add old --scope admin --root root").done();
    let options = "--jobs 1 --config settings.toml --tls-cert cert.pem --tls-key key.pem";
    let mut served = Served { shell, port: free_port(), options: options.to_owned(), server: None };
    served.start();
    let token = access::token(&served, "new", "--scope read");
    let header = format!("Authorization: Bearer {token}");
    let trusted = ["-H", &header, "--cacert", "cert.pem"];
    get(&served, &trusted).is(200);
    get(&served, &["--cacert", "cert.pem"]).is_problem(401, "unauthorized", "token");
    get(&served, &[&trusted[..], &["--tls-max", "1.2"]].concat()).is(200);
    // Whoever speaks plain HTTP, or a TLS of long ago, gets nothing.
    assert_eq!(served.curl("--max-time 20", "tasks").status, 0);
    assert_eq!(get(&served, &[&trusted[..], &["--tls-max", "1.1"]].concat()).status, 0);

    std::fs::rename(served.path("cert.pem"), served.path("old.pem")).expect("moved");
    certificate(&served.shell, "ec -pkeyopt ec_paramgen_curve:prime256v1");
    served.server().signal("HUP");
    wait_for("the reload", || served.said().contains("settings reloaded"));
    get(&served, &trusted).is(200);
    assert_eq!(get(&served, &["-H", &header, "--cacert", "old.pem"]).status, 0);

    // A certificate that does not belong to its key leaves the one that does.
    std::fs::copy(served.path("old.pem"), served.path("cert.pem")).expect("copied");
    served.server().signal("HUP");
    wait_for("the refusal", || served.said().contains("left as they are"));
    assert!(served.said().contains("key.pem"), "{}", served.said());
    assert_eq!(get(&served, &trusted).status, 0, "the new one is still the one");
}
