//! Hostile modules that import WASI 0.2, in any version of it.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

use super::root;

/// The interfaces that a module may import; what it does not use falls away.
const INTERFACES: [&str; 24] = [
    "io/error",
    "io/poll",
    "io/streams",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "cli/environment",
    "cli/exit",
    "cli/stdin",
    "cli/stdout",
    "cli/stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "cli/terminal-stderr",
    "filesystem/types",
    "filesystem/preopens",
    "random/random",
    "random/insecure",
    "random/insecure-seed",
    "sockets/network",
    "sockets/instance-network",
    "sockets/tcp-create-socket",
    "sockets/udp-create-socket",
    "sockets/ip-name-lookup",
    "sockets/tcp",
];

/// A filter of a core module in text, `VERSION` in which is replaced, whose world has WASI in
/// that version beside the contract's imports.
pub fn with_wasi(module: &str, version: &str) -> Vec<u8> {
    let module = module.replace("VERSION", version);
    let mut bytes = wat::parse_str(&module).unwrap_or_else(|e| panic!("{e}\n{module}"));
    let mut resolve = Resolve::default();
    resolve.push_dir(root().join("wit")).expect("the contract can be read");
    for package in ["io", "clocks", "cli", "filesystem", "random", "sockets"] {
        let path = root().join(format!("tests/hostile/wasi/{package}.wit"));
        let text = std::fs::read_to_string(path).expect("WASI's definitions can be read");
        push(&mut resolve, package, &text.replace("VERSION", version));
    }
    let imports: String =
        INTERFACES.iter().map(|i| format!("import wasi:{i}@{version};\n")).collect();
    let world = format!(
        "package test:guest;\nworld guest {{ include filmgate:plugin/filter-plugin@0.1.0;\n{imports} }}"
    );
    let package = push(&mut resolve, "guest", &world);
    let world = resolve.select_world(&[package], Some("guest")).expect("there is one world");
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be embedded");
    let encoder = ComponentEncoder::default().validate(true).module(&bytes);
    let component = encoder.and_then(|mut encoder| encoder.encode());
    component.unwrap_or_else(|e| panic!("{e:?}"))
}

fn push(resolve: &mut Resolve, name: &str, text: &str) -> wit_parser::PackageId {
    let mut sources = SourceMap::new();
    sources.push_str(&format!("{name}.wit"), text);
    let group = sources.parse().unwrap_or_else(|(_, e)| panic!("{name}: {e:?}"));
    resolve.push_group(group).unwrap_or_else(|e| panic!("{name}: {e:?}"))
}
