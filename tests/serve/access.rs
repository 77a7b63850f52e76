//! Tokens: who may do what.

use super::Served;

/// Makes a token.
pub(super) fn token(served: &Served, name: &str, scopes: &str) -> String {
    let said = served.shell.filmgate(&format!("serve token add {name} {scopes} --root root"));
    said.done().stdout.trim().to_owned()
}

/// curl with a token.
fn with(served: &Served, token: &str, arguments: &[&str], path: &str) -> super::Said {
    let header = format!("Authorization: Bearer {token}");
    served.curl_at(&[&["-H", &header], arguments].concat(), &served.url(path))
}

#[test]
fn tokens_let_in_and_keep_out() {
    let served = Served::new();
    served.put("t/d/a", "x").is(201);
    let cam = token(&served, "cam-1", "--scope write:t/d --scope jobs");
    let eye = token(&served, "eye", "--scope read:t");
    let admin = token(&served, "root", "--scope admin");
    // From the first one on, and at once, nobody is let in without.
    served.put("t/d/a", "y").is_problem(401, "unauthorized", "token");
    for wrong in ["", "fg_cam-1_00", &cam[..cam.len() - 1], "fg_nobody_00"] {
        with(&served, wrong, &[], "tasks").is_problem(401, "unauthorized", "token");
    }
    let upload = ["-T", "upload"];
    with(&served, &cam, &upload, "tasks/t/d/a").is(200);
    with(&served, &cam, &upload, "tasks/t/d2/a").is_problem(403, "forbidden", "write:t/d2/a");
    with(&served, &cam, &[], "tasks/t/d/a").is_problem(403, "forbidden", "read:t/d/a");
    with(&served, &cam, &["-X", "POST"], "tasks/t/d2/join").is_problem(403, "forbidden", "write");
    with(&served, &cam, &["-X", "POST"], "tasks/t/d/join").is_problem(404, "not-found", "video");
    with(&served, &eye, &[], "tasks/t/d/a").is(200);
    with(&served, &eye, &[], "tasks").is_problem(403, "forbidden", "read");
    with(&served, &eye, &["-X", "DELETE"], "tasks/t/d/a").is_problem(403, "forbidden", "write");
    with(&served, &eye, &[], "jobs").is_problem(403, "forbidden", "jobs");
    with(&served, &admin, &[], "tasks").is(200);

    let list = served.shell.filmgate("serve token list --root root --json").done().json();
    assert_eq!(list[0]["name"], "cam-1", "{list}");
    assert_eq!(list[0]["scopes"], serde_json::json!(["write:t/d", "jobs"]));
    assert!(!list.to_string().contains(&cam), "secrets are not kept");
    served.shell.filmgate("serve token revoke eye --root root").done();
    with(&served, &eye, &[], "tasks/t/d/a").is_problem(401, "unauthorized", "token");
    served.shell.filmgate("serve token revoke eye --root root").refused(2, &["no token \"eye\""]);
    let again = served.shell.filmgate("serve token add cam-1 --scope jobs --root root");
    again.refused(2, &["revoke it first"]);
}

#[test]
fn too_many_requests_are_told_when_to_come_again() {
    let served = Served::with("[limits]\nrequests-per-second = 1");
    served.get("jobs").is(200);
    let mut said = served.get("jobs");
    while said.status == 200 {
        said = served.get("jobs");
    }
    said.is_problem(429, "too-many", "try again");
    assert!(said.header("retry-after").is_some());
}

#[test]
fn beyond_loopback_tokens_and_tls_are_needed() {
    let served = Served::new();
    let start = |options: &str| {
        served.shell.filmgate(&format!("serve --root other --listen 0.0.0.0:0 {options}"))
    };
    start("--behind-proxy").refused(2, &["there is no token", "filmgate serve token add"]);
    served.shell.filmgate("serve token add a --scope admin --root other").done();
    start("").refused(2, &["in the clear", "--tls-cert", "--behind-proxy"]);
    start("--tls-cert x.pem").refused(2, &["--tls-key"]);
    start("--tls-cert x.pem --tls-key x.pem").refused(2, &["x.pem"]);
}
