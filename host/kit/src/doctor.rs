//! What a language needs, what of it is here, and how to install the rest.

use std::path::Path;

use crate::build;
use crate::language::Language;
use crate::tools::{ask, find};

/// One tool.
#[derive(Clone, Debug)]
pub struct Need {
    pub tool: String,
    /// where it is, or its version; none where it is missing
    pub found: Option<String>,
    /// how to install it
    pub how: &'static str,
    /// whether the first build installs it by itself
    pub by_build: bool,
}

/// All that builds of a language need.
pub fn needs(language: Language) -> Vec<Need> {
    match language {
        Language::Rust => rust(),
        Language::C => c(),
        Language::Zig => vec![zig()],
        Language::Js => vec![npm(), packaged(build::QJS, "npm install componentize-qjs")],
        Language::Ts => vec![
            npm(),
            packaged(build::BUNDLER, "npm install esbuild"),
            packaged(build::QJS, "npm install componentize-qjs"),
        ],
        Language::Python => vec![
            need(
                "python3",
                version("python3", "--version"),
                "https://python.org (Debian: python3-venv)",
            ),
            packaged(build::COMPONENTIZE_PY, "pip install componentize-py"),
        ],
    }
}

fn need(tool: &str, found: Option<String>, how: &'static str) -> Need {
    Need { tool: tool.to_owned(), found, how, by_build: false }
}

fn packaged(tool: &str, how: &'static str) -> Need {
    let found = find(tool, &[]).map(|path| path.display().to_string());
    Need { by_build: true, ..need(tool, found, how) }
}

fn version(tool: &str, option: &str) -> Option<String> {
    let text = ask(&find(tool, &build::rustup())?, &[option])?;
    Some(text.lines().next().unwrap_or_default().to_owned())
}

fn rust() -> Vec<Need> {
    let std = build::std_for_wasm().map(|_| "found".to_owned());
    vec![
        need("cargo", version("cargo", "--version"), "https://rustup.rs"),
        need(
            "the standard library for wasm32-unknown-unknown",
            std,
            "rustup target add wasm32-unknown-unknown (Debian: apt install rustc-web rust-web-src lld)",
        ),
    ]
}

fn c() -> Vec<Need> {
    let clang = build::clang().and_then(|clang| ask(&clang, &["--version"]));
    let clang = clang.and_then(|text| text.lines().next().map(str::to_owned));
    vec![
        need(
            "clang with a WebAssembly back end",
            clang,
            "Debian, Fedora: clang; macOS: brew install llvm",
        ),
        need(
            "wasm-ld",
            version("wasm-ld", "--version"),
            "Debian, Fedora: lld; macOS: brew install lld",
        ),
    ]
}

fn zig() -> Need {
    let found = build::zig().and_then(|(zig, first)| {
        let arguments: Vec<&str> = first.iter().copied().chain(["version"]).collect();
        ask(Path::new(&zig), &arguments)
    });
    need("zig", found, "https://ziglang.org/download, or pip install ziglang")
}

fn npm() -> Need {
    need("npm", version("npm", "--version"), "https://nodejs.org, version 20 or newer")
}
