//! From a component's bytes to code that runs: out of the cache, or compiled within limits.
//!
//! This is the only place that trusts native code, and the only `unsafe` outside of `media/`.
//! [`NativeCode`] comes from three places: a child that is this very program, over a file in
//! memory without a name ([`child`]); this process itself, where there is no such program; and
//! the cache, whose folder and entries nobody else can write to ([`cache`]). Nothing else makes
//! one, and nothing precompiled is ever taken from anywhere else.

mod bounds;
pub(super) mod cache;
#[cfg(target_os = "linux")]
pub(super) mod child;

use std::hash::{Hash, Hasher};

use wasmtime::component::Component;
use xxhash_rust::xxh3::Xxh3Default;

use super::engine::Engine;
use super::log::harmless;

/// What the compiler made of a component, in wasmtime's form.
pub(super) struct NativeCode(Vec<u8>);

/// Why there is no code.
pub(super) enum Refusal {
    /// the component's fault, in words that follow its name
    Unfit(String),
    /// the machine's
    System(std::io::Error),
    Cancelled,
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Refusal {
        Refusal::System(error)
    }
}

/// The component in `wasm`, whose SHA-256 is `digest`.
///
/// One that is in the cache was within the limits when it was compiled, and is not looked at.
pub(super) fn component(engine: &Engine, wasm: &[u8], digest: &str) -> Result<Component, Refusal> {
    let key = format!("{digest}-{:016x}", compatibility(engine));
    let kept = engine.cache().and_then(|cache| cache.get(&key)).map(NativeCode);
    if let Some(component) = kept.and_then(|code| load(engine, &code).ok()) {
        return Ok(component);
    }
    bounds::check(wasm).map_err(Refusal::Unfit)?;
    let code = compile(engine, wasm)?;
    let component = load(engine, &code).map_err(|e| Refusal::Unfit(damaged(&e)))?;
    if let Some(cache) = engine.cache() {
        cache.put(&key, &code.0);
    }
    Ok(component)
}

/// Differs between compilers, their settings and processors' features.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = Xxh3Default::new();
    engine.wasmtime().precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn compile(engine: &Engine, wasm: &[u8]) -> Result<NativeCode, Refusal> {
    #[cfg(target_os = "linux")]
    if let Some(program) = child::program() {
        return child::compile(program, wasm, engine.cancel());
    }
    let code = engine.wasmtime().precompile_component(wasm);
    code.map(NativeCode).map_err(|e| Refusal::Unfit(damaged(&e)))
}

fn damaged(error: &wasmtime::Error) -> String {
    format!("a damaged component: {}", harmless(&format!("{error:#}"), 500))
}

#[allow(unsafe_code)]
fn load(engine: &Engine, code: &NativeCode) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have to be what this version of wasmtime made (`Component::deserialize`).
    // A `NativeCode` is made by our own compiler, or read from files that only this user can
    // write and whose checksum fits; wasmtime checks version and settings by itself.
    unsafe { Component::deserialize(engine.wasmtime(), &code.0) }
}
