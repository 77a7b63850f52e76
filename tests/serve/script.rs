//! The shell script for devices, as the document has it.

use std::path::Path;
use std::process::{Command, Stdio};

use filmgate_tests::counted::wait_for;
use filmgate_tests::running::Running;

use super::Served;

/// The script of docs/serve.md.
fn script() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/serve.md");
    let text = std::fs::read_to_string(document).expect("there");
    let from = text.find("#!/bin/sh\n# upload.sh").expect("it has a script");
    let script = &text[from..];
    script[..script.find("```").expect("it ends")].to_owned()
}

#[test]
fn the_script_of_a_device_resumes_by_itself() {
    let mut served = Served::new();
    served.shell.write("upload.sh", script());
    let content: Vec<u8> =
        (0..4_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    served.shell.write("film.mp4", &content);
    // Slow enough to be cut in the middle; what waits between two attempts is made short.
    std::fs::write(served.shell.home().join(".curlrc"), "limit-rate = 500k\n").expect("written");
    served.shell.write("bin-sleep", "#!/bin/sh\nexec /bin/sleep 0.2\n");
    std::fs::create_dir(served.path("bin")).expect("a folder");
    std::fs::rename(served.path("bin-sleep"), served.path("bin/sleep")).expect("moved");
    let mut chmod = Command::new("chmod");
    filmgate_tests::outside::succeed(chmod.arg("+x").arg(served.path("bin/sleep")));
    let url = served.url("tasks/t/d/film.mp4");
    let start = |served: &Served| {
        let mut command = Command::new("sh");
        command.args(["upload.sh", "film.mp4", &url]);
        served.shell.settle(&mut command);
        let path = std::env::var("PATH").expect("a PATH");
        command.env("PATH", format!("{}:{path}", served.path("bin").display()));
        Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let size = |served: &Served| {
        let sizes = served.partial().into_iter().filter_map(|p| p.metadata().ok()).map(|m| m.len());
        sizes.max().unwrap_or_default()
    };
    // The device is switched off in the middle.
    let mut first = start(&served);
    wait_for("a part", || size(&served) > 300_000);
    first.kill().expect("killed");
    first.wait().expect("it ends");
    let arrived = size(&served);
    assert!(arrived < 4_000_000);
    // It is switched on again, and the server is killed in the middle.
    let mut second = start(&served);
    wait_for("more", || size(&served) > arrived + 300_000);
    served.kill();
    assert!(size(&served) > arrived, "it did not begin anew");
    std::fs::write(served.shell.home().join(".curlrc"), "").expect("written");
    served.start();
    assert_eq!(second.wait().expect("it ends").code(), Some(0));
    assert!(served.get("tasks/t/d/film.mp4").is(200).body == content);
    // Once more sends nothing: the file is there already.
    let again = start(&served).wait().expect("it ends");
    assert_eq!(again.code(), Some(0));
    // A changed file of the same name is sent.
    served.shell.write("film.mp4", "another");
    assert_eq!(start(&served).wait().expect("it ends").code(), Some(0));
    assert_eq!(served.get("tasks/t/d/film.mp4").is(200).body, b"another");
}
