//! Names that other programs stumble over.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use filmgate_tests::outside::{complaints, small};
use filmgate_tests::shell::Shell;

const NAMES: [&[u8]; 16] = [
    b"two words.mp4",
    b"it's \"quoted\".mp4",
    "früh – 早い 🎞.mp4".as_bytes(),
    b"line\nbreak.mp4",
    b"tab\there.mp4",
    b"a:b.mp4",
    b"file:a.mp4",
    b"concat:a|b.mp4",
    b"pipe:1.mp4",
    b"%d-%05d.mp4",
    b"100%.mp4",
    b"$(touch pwned);.mp4",
    b"*?[a].mp4",
    b"back\\slash.mp4",
    b".hidden.mp4",
    b"not utf-8 \xff\xfe.mp4",
];

#[test]
fn every_name_that_the_system_takes() {
    let clip = small("plain.mp4", "-bf 2");
    for bytes in NAMES {
        let (shell, name) = (Shell::new(), OsStr::from_bytes(bytes));
        shell.copy(&clip, name);
        let mut output = OsString::from("out ");
        output.push(name);
        let mut command = shell.command();
        command.arg("run").arg("-i").arg(name).arg("-o").arg(&output);
        command.args(["-p", "emboss", "--preset", "ultrafast", "--json"]);
        let said = shell.say(&mut command).done();
        assert_eq!(said.stderr, "", "{name:?}");
        assert_eq!(said.json()["output"], output.to_string_lossy().into_owned());
        assert_eq!(shell.names().len(), 2, "{:?}", shell.names());
        assert_eq!(complaints(&shell.path(&output)), "", "{name:?}");
        // And in an error's text.
        shell.say(&mut command).refused_for_name();
    }
}

trait Refused {
    fn refused_for_name(&self);
}

impl Refused for filmgate_tests::shell::Said {
    /// The output exists; the message may be of several lines when the name is.
    fn refused_for_name(&self) {
        assert_eq!(self.code, Some(30), "{self:?}");
        assert!(self.stderr.contains("exists already"), "{self:?}");
    }
}

#[test]
fn names_that_begin_with_a_dash() {
    let shell = Shell::new();
    shell.copy(&small("plain.mp4", "-bf 2"), "-x.mp4");
    shell.filmgate("run -i ./-x.mp4 -o ./-o.mp4 --preset ultrafast").done();
    shell.filmgate("run -i=-x.mp4 -o=-p.mp4 --preset ultrafast").done();
    shell.filmgate("run --input=-x.mp4 --output=-q.mp4 --preset ultrafast").done();
    assert_eq!(shell.names(), ["-o.mp4", "-p.mp4", "-q.mp4", "-x.mp4"]);
}

#[test]
fn plugins_with_odd_names() {
    let shell = Shell::new();
    let emboss = filmgate_tests::hostile::built_in("emboss");
    let input = small("plain.mp4", "-bf 2");
    shell.copy(&emboss, "my filter, v1:2.wasm");
    let mut command = shell.command();
    command.arg("run").arg("-i").arg(&input).args(["-o", "out.mp4", "--preset", "ultrafast"]);
    command.args(["-p", "my filter, v1\\:2.wasm:planes=all", "--json"]);
    let said = shell.say(&mut command).done();
    assert_eq!(said.json()["plugins"][0]["name"], "emboss");
}
