//! `plugin push` and `pull` with a real registry on loopback, and plugins named by digest.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use filmgate_tests::hostile::built_in;
use filmgate_tests::outside::{ffmpeg, succeed};
use filmgate_tests::ports::{free_port, wait_until_bound};
use filmgate_tests::running::Running;
use filmgate_tests::shell::{Said, Shell};
use filmgate_tests::tools::{MINISIGN, REGISTRY, available};

struct Registry {
    port: u16,
    _server: Running,
}

/// Debian's docker-registry with its files in the shell's folder.
fn registry(shell: &Shell, auth: &str) -> Registry {
    let port = free_port();
    let root = shell.path("registry");
    let config = format!(
        "version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\nstorage:\n  \
         filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\nhttp:\n  addr: \
         127.0.0.1:{port}\n{auth}",
        root.display()
    );
    let config = shell.write("registry.yml", config);
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Running::start(&mut command);
    wait_until_bound(port);
    Registry { port, _server: server }
}

impl Registry {
    fn address(&self, name: &str) -> String {
        format!("oci://127.0.0.1:{}/{name}", self.port)
    }
}

/// The name with its digest that `push` or `pull` gives back.
fn name(said: Said) -> String {
    said.done().json()["name"].as_str().expect("a name").to_owned()
}

/// The pulled packages of the shell's user.
fn store(shell: &Shell) -> std::path::PathBuf {
    shell.home().join("share/filmgate/packages")
}

fn clip(shell: &Shell) {
    let mut command = ffmpeg("-f lavfi -i testsrc2=size=64x48:duration=1 -c:v ffv1");
    succeed(command.arg(shell.path("clip.mkv")));
}

fn copied(shell: &Shell, plugin: &str) {
    shell.copy(&built_in(plugin), format!("{plugin}.wasm"));
}

#[test]
fn a_plugin_of_a_folder_is_named_by_its_digest() {
    let shell = Shell::new();
    clip(&shell);
    let about = shell.filmgate("plugin inspect invert --json").done().json();
    let digest = about["sha256"].as_str().expect("a digest").to_owned();
    let frame =
        |plugin: &str| shell.filmgate(&format!("frame -i clip.mkv -y -p {plugin} -o f.png"));
    frame(&format!("invert@sha256:{digest}")).done();
    frame(&format!("emboss@sha256:{digest}")).refused(18, &[&digest, "expected", "found"]);
    frame("invert@sha256:12").refused(2, &["64"]);
    let toml = format!(
        "input = [\"clip.mkv\"]\noutput = [\"g.png\"]\n[[plugin]]\nname = \"invert@sha256:{digest}\"\n"
    );
    shell.write("job.toml", toml);
    shell.filmgate("frame --config job.toml").done();
    assert!(shell.path("g.png").is_file());
}

#[test]
fn a_pushed_plugin_is_pulled_by_digest_and_works_offline() {
    if !available(&REGISTRY) {
        return;
    }
    let shell = Shell::new();
    clip(&shell);
    let registry = registry(&shell, "");
    let to = registry.address("acme/invert:1.0");
    let pinned = name(shell.filmgate(&format!("plugin push invert {to} --json")));
    assert!(pinned.starts_with(&format!("{to}@sha256:")), "{pinned}");
    // The same plugin has the same digest, whoever pushes it.
    assert_eq!(name(shell.filmgate(&format!("plugin push invert {to} --json"))), pinned);
    let frame = format!("frame -i clip.mkv -y -p {pinned} -o f.png");
    shell.filmgate(&frame).refused(10, &["not on this machine", "plugin pull"]);
    assert_eq!(name(shell.filmgate(&format!("plugin pull {to} --json"))), pinned);
    let list = shell.filmgate("plugin list --json").done().json();
    assert_eq!(list["packages"][0]["name"], pinned.as_str(), "{list}");
    assert_eq!(list["packages"][0]["signed"], false);
    assert_eq!(list["packages"][0]["about"]["name"], "invert");
    assert!(shell.filmgate("plugin list").done().stdout.contains(&pinned));
    drop(registry);
    shell.filmgate(&frame).done();
    shell.filmgate("frame -i clip.mkv -y -p invert -o own.png").done();
    let read = |file: &str| fs::read(shell.path(file)).expect("a frame");
    assert_eq!(read("f.png"), read("own.png"));
    // Offline, what is here is enough; what is not is told apart from everything else.
    assert_eq!(name(shell.filmgate(&format!("plugin pull {pinned} --json"))), pinned);
    shell.filmgate(&format!("plugin pull {to}")).refused(19, &["cannot be used"]);
}

#[test]
fn a_missing_package_and_missing_rights_are_different() {
    if !available(&REGISTRY) {
        return;
    }
    let shell = Shell::new();
    let open = registry(&shell, "");
    let missing = open.address("nobody/nothing:1");
    shell.filmgate(&format!("plugin pull {missing}")).refused(10, &["no package", "nothing"]);
    drop(open);
    // "secret", as `htpasswd -B` writes it.
    let mut crypt = Command::new("python3");
    crypt.args([
        "-W",
        "ignore",
        "-c",
        "import crypt; print(crypt.crypt('secret', crypt.mksalt(crypt.METHOD_BLOWFISH)))",
    ]);
    let hash = String::from_utf8(crypt.output().expect("python runs").stdout).expect("text");
    shell.write("htpasswd", format!("ada:{}\n", hash.trim()));
    let path = shell.path("htpasswd");
    let closed = registry(
        &shell,
        &format!("auth: {{htpasswd: {{realm: here, path: {}}}}}\n", path.display()),
    );
    let to = closed.address("acme/invert:1.0");
    shell.filmgate(&format!("plugin pull {to}")).refused(19, &["denies", "FILMGATE_REGISTRY_USER"]);
    shell.filmgate(&format!("plugin push invert {to}")).refused(19, &["denies"]);
    let with = |line: &str, password: &str| {
        let mut command = shell.command();
        command.env("FILMGATE_REGISTRY_USER", "ada").env("FILMGATE_REGISTRY_PASSWORD", password);
        shell.say(command.args(line.split_whitespace()))
    };
    with(&format!("plugin push invert {to}"), "wrong").refused(19, &["denies"]);
    with(&format!("plugin push invert {to}"), "secret").done();
    with(&format!("plugin pull {to}"), "secret").done();
    with(&format!("plugin pull {}", closed.address("acme/none")), "secret")
        .refused(10, &["no package"]);
}

#[test]
fn a_hundred_tampered_packages_are_refused() {
    if !available(&REGISTRY) {
        return;
    }
    let shell = Shell::new();
    clip(&shell);
    let registry = registry(&shell, "");
    let to = registry.address("acme/invert:1.0");
    let pinned = name(shell.filmgate(&format!("plugin push invert {to} --json")));
    shell.filmgate(&format!("plugin pull {pinned}")).done();
    let digest = pinned.split_once("@sha256:").expect("a digest").1;
    let folder = store(&shell).join(format!("sha256-{digest}"));
    let whole = |file: &str| fs::read(folder.join(file)).expect("it was pulled");
    let (manifest, component) = (whole("manifest.json"), whole("plugin.wasm"));
    let (mut refused, line) = (0, format!("plugin inspect {pinned}"));
    let mut tamper = |file: &str, bytes: &[u8], at: usize| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        fs::write(folder.join(file), changed).expect("written");
        shell.filmgate(&line).refused(18, &["expected sha256:", "found sha256:"]);
        fs::write(folder.join(file), bytes).expect("restored");
        refused += 1;
    };
    for i in 0..50 {
        tamper("plugin.wasm", &component, i * component.len() / 50);
        tamper("manifest.json", &manifest, i * manifest.len() / 50);
    }
    assert_eq!(refused, 100);
    shell.filmgate(&line).done();
    // In the registry's own files: what arrives is not what was asked for.
    fs::remove_dir_all(&folder).expect("forgotten");
    let sha = |bytes: &[u8]| filmgate::digest::of_bytes(bytes);
    for (of, bytes) in [(sha(&component), &component), (digest.to_owned(), &manifest)] {
        let blob = format!("registry/docker/registry/v2/blobs/sha256/{}/{of}/data", &of[..2]);
        let mut changed = bytes.to_vec();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(shell.path(&blob), changed).expect("written");
        let said = shell.filmgate(&format!("plugin pull {pinned}"));
        assert!([Some(18), Some(19)].contains(&said.code), "{said:?}");
        fs::write(shell.path(&blob), bytes).expect("restored");
        assert!(!folder.join("manifest.json").exists(), "nothing is kept of it");
    }
    shell.filmgate(&format!("plugin pull {pinned}")).done();
}

#[test]
fn a_moved_tag_is_refused_with_both_digests() {
    if !available(&REGISTRY) {
        return;
    }
    let shell = Shell::new();
    clip(&shell);
    let registry = registry(&shell, "");
    let to = registry.address("acme/glow:1.0");
    let first = name(shell.filmgate(&format!("plugin push invert {to} --json")));
    let frame = format!("frame -i clip.mkv -y -p {to} -o f.png");
    shell.filmgate(&frame).refused(2, &["filmgate.lock", "digest"]);
    shell.filmgate(&format!("plugin pull {to} --lock")).done();
    let lock = fs::read_to_string(shell.path("filmgate.lock")).expect("it was written");
    assert!(lock.lines().any(|line| line == first), "{lock}");
    shell.filmgate(&frame).done();
    let second = name(shell.filmgate(&format!("plugin push emboss {to} --json")));
    assert_ne!(first, second);
    let digest = |name: &str| name.split_once('@').expect("a digest").1.to_owned();
    let (old, new) = (digest(&first), digest(&second));
    shell.filmgate(&format!("plugin pull {to} --lock")).refused(18, &["moved", &old, &new]);
    // What is locked goes on working, with the registry and without it.
    shell.filmgate(&frame).done();
    drop(registry);
    shell.filmgate(&format!("plugin pull {to} --lock")).done();
    shell.filmgate(&frame).done();
}

/// A pair of minisign's keys without a password; the public one in base64.
fn keys(shell: &Shell, name: &str) -> String {
    let (public, secret) = (shell.path(format!("{name}.pub")), shell.path(format!("{name}.key")));
    let mut command = Command::new("minisign");
    succeed(command.args(["-G", "-W", "-f", "-p"]).arg(&public).arg("-s").arg(secret));
    let text = fs::read_to_string(public).expect("a key");
    text.lines().last().expect("the key").to_owned()
}

fn trust(shell: &Shell, registry: &Registry, key: &str) {
    let file = shell.home().join(".config/filmgate/keys.toml");
    fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("a folder");
    let space = registry.address("acme");
    fs::write(file, format!("\"{space}\" = [\"{key}\"]\n")).expect("written");
}

#[test]
fn packages_need_a_signature_of_a_key_that_is_trusted() {
    if !available(&REGISTRY) || !available(&MINISIGN) {
        return;
    }
    let shell = Shell::new();
    copied(&shell, "invert");
    let registry = registry(&shell, "");
    let (ours, theirs) = (keys(&shell, "ours"), keys(&shell, "theirs"));
    trust(&shell, &registry, &ours);
    let push = |tag: &str, key: &str| {
        let to = registry.address(&format!("acme/invert:{tag}"));
        let sign = if key.is_empty() { String::new() } else { format!("--sign {key}.key") };
        name(shell.filmgate(&format!("plugin push ./invert.wasm {to} {sign} --json")))
    };
    // The digest is the same, so each case gets a registry of its own by the name.
    let unsigned = push("unsigned", "");
    shell.filmgate(&format!("plugin pull {unsigned}")).refused(18, &["no signature"]);
    let wrong = push("wrong", "theirs");
    shell.filmgate(&format!("plugin pull {wrong}")).refused(18, &["not by a key", &ours]);
    let signed = push("signed", "ours");
    let said = shell.filmgate(&format!("plugin pull {signed} --json")).done().json();
    assert_eq!(said["signed_by"], ours);
    // minisign itself agrees.
    let digest = signed.split_once('@').expect("a digest").1;
    let folder = store(&shell).join(digest.replace(':', "-"));
    shell.write("digest", digest);
    let mut command = Command::new("minisign");
    command.args(["-V", "-P", &ours, "-m"]).arg(shell.path("digest"));
    succeed(command.arg("-x").arg(folder.join("signature.minisig")));
    // Keys that change count for what was pulled before, too.
    trust(&shell, &registry, &theirs);
    shell.filmgate(&format!("plugin pull {signed}")).refused(18, &["not by a key"]);
    trust(&shell, &registry, "no key at all");
    shell.filmgate(&format!("plugin pull {signed}")).refused(2, &["keys.toml"]);
    trust(&shell, &registry, &ours);
    // Outside of the names that have keys, none is asked for.
    let free = registry.address("free/invert:1");
    shell.filmgate(&format!("plugin push ./invert.wasm {free}")).done();
    shell.filmgate(&format!("plugin pull {free}")).done();
}
