//! From a component's bytes to code that runs: out of the cache, or compiled within limits.
//!
//! This is the only place that trusts native code, and the only `unsafe` of this crate.
//! [`NativeCode`] comes from four places (of which [`ahead`] keeps it in memory): the parent process of a worker, which is this very
//! program and all that can write to the worker's socket ([`from_parent`]); a child that is this very program, over a file in
//! memory without a name ([`child`]); this process itself, where there is no such program; and
//! the cache, whose folder and entries nobody else can write to ([`cache`]). Nothing else makes
//! one, and nothing precompiled is ever taken from anywhere else.

mod ahead;
mod bounds;
pub(super) mod cache;
#[cfg(target_os = "linux")]
pub(super) mod child;

use std::hash::{Hash, Hasher};

use wasmtime::Config;
use wasmtime::component::Component;
use xxhash_rust::xxh3::Xxh3Default;

use super::log::harmless;
pub(super) use ahead::compile_ahead;
use cache::Cache;
use filmgate_core::cancel::Cancel;

/// Stack that a plugin's code may use; deeper recursion is a trap. Well below what any thread of
/// the host has.
const WASM_STACK: usize = 512 << 10;

/// An engine with the settings that all code is compiled and run with. What a plugin may be made
/// of is part of the contract (`wit/README.md`), so that it is said here, whatever the engine's
/// defaults come to be. The same input gives the same output on every processor: hence one result
/// of each relaxed SIMD instruction. A NaN's bits are left as they come, since one for all costs
/// `edges` 41 %, and no format of the contract has samples in which they would show.
pub(super) fn wasmtime_engine() -> wasmtime::Result<wasmtime::Engine> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .relaxed_simd_deterministic(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_memory64(false);
    wasmtime::Engine::new(&config)
}

/// What compiles plugins, and keeps what it compiled.
pub(super) struct Compiler {
    pub(super) engine: wasmtime::Engine,
    pub(super) cache: Option<Cache>,
    /// ends a compilation
    pub(super) cancel: Cancel,
}

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
pub(super) fn component(
    compiler: &Compiler,
    wasm: &[u8],
    digest: &str,
) -> Result<Component, Refusal> {
    if let Some(code) = ahead::code(digest) {
        return load(&compiler.engine, &*code?).map_err(|e| Refusal::Unfit(damaged(&e)));
    }
    let Compiler { engine, cache, cancel } = compiler;
    let key = key(engine, digest);
    let kept = cache.as_ref().and_then(|cache| cache.get(&key)).map(NativeCode);
    if let Some(component) = kept.and_then(|code| load(engine, &code).ok()) {
        return Ok(component);
    }
    bounds::check(wasm).map_err(Refusal::Unfit)?;
    let code = compile(engine, wasm, cancel)?;
    let component = load(engine, &code).map_err(|e| Refusal::Unfit(damaged(&e)))?;
    if let Some(cache) = cache {
        cache.put(&key, &code.0);
    }
    Ok(component)
}

/// What the code of a component is called in the cache.
fn key(engine: &wasmtime::Engine, digest: &str) -> String {
    format!("{digest}-{:016x}", compatibility(engine))
}

/// The component of which the parent process of this one has the code. Only a worker calls this, with
/// what came through the socket that it was started with.
pub(super) fn from_parent(compiler: &Compiler, code: Vec<u8>) -> Result<Component, Refusal> {
    load(&compiler.engine, &NativeCode(code)).map_err(|e| Refusal::Unfit(damaged(&e)))
}

/// Differs between compilers, their settings and processors' features.
fn compatibility(engine: &wasmtime::Engine) -> u64 {
    let mut hasher = Xxh3Default::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn compile(engine: &wasmtime::Engine, wasm: &[u8], cancel: &Cancel) -> Result<NativeCode, Refusal> {
    #[cfg(not(target_os = "linux"))]
    let _ = cancel;
    #[cfg(target_os = "linux")]
    if let Some(program) = child::program() {
        return child::compile(program, wasm, cancel);
    }
    let code = engine.precompile_component(wasm);
    code.map(NativeCode).map_err(|e| Refusal::Unfit(damaged(&e)))
}

fn damaged(error: &wasmtime::Error) -> String {
    format!("a damaged component: {}", harmless(&format!("{error:#}"), 500))
}

#[allow(unsafe_code)]
fn load(engine: &wasmtime::Engine, code: &NativeCode) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have to be what this version of wasmtime made (`Component::deserialize`).
    // A `NativeCode` is made by our own compiler, or read from files that only this user can
    // write and whose checksum fits; wasmtime checks version and settings by itself.
    unsafe { Component::deserialize(engine, &code.0) }
}
