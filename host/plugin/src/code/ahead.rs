//! Code that is compiled before a process gives up starting others (a sandbox): afterwards no other
//! code is to be had.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock};

use super::cache::{Cache, CodeCache};
use super::{Compiler, NativeCode, Refusal, bounds, compile, key, load, wasmtime_engine};
use filmgate_core::cancel::Cancel;
use filmgate_core::digest;

/// Why there is no code.
enum Missing {
    /// the component's fault, in words that follow its name
    Unfit(String),
    System(String),
    Cancelled,
}

/// By the digest of the component.
type All = HashMap<String, Result<Arc<NativeCode>, Missing>>;

static AHEAD: OnceLock<All> = OnceLock::new();

/// Compiles components, or takes their code out of the user's cache; no other code is loaded from
/// now on. The first call counts.
pub(in super::super) fn compile_ahead(components: impl Iterator<Item = Vec<u8>>, cancel: &Cancel) {
    let mut all = All::new();
    if let Ok(engine) = wasmtime_engine() {
        let cache = CodeCache::ForUser.folder().and_then(|folder| Cache::open(&folder));
        let compiler = Compiler { engine, cache, cancel: cancel.clone() };
        for wasm in components {
            let digest = digest::of_bytes(&wasm);
            all.entry(digest.clone()).or_insert_with(|| native(&compiler, &wasm, &digest));
        }
    }
    let _ = AHEAD.set(all);
}

fn native(compiler: &Compiler, wasm: &[u8], digest: &str) -> Result<Arc<NativeCode>, Missing> {
    let Compiler { engine, cache, cancel } = compiler;
    let key = key(engine, digest);
    let kept = cache.as_ref().and_then(|cache| cache.get(&key)).map(NativeCode);
    if let Some(code) = kept.filter(|code| load(engine, code).is_ok()) {
        return Ok(Arc::new(code));
    }
    bounds::check(wasm).map_err(Missing::Unfit)?;
    let code = compile(engine, wasm, cancel).map_err(|refusal| match refusal {
        Refusal::Unfit(reason) => Missing::Unfit(reason),
        Refusal::System(e) => Missing::System(e.to_string()),
        Refusal::Cancelled => Missing::Cancelled,
    })?;
    if let Some(cache) = cache {
        cache.put(&key, &code.0);
    }
    Ok(Arc::new(code))
}

/// The code of a component; none where nothing was compiled ahead.
pub(super) fn code(digest: &str) -> Option<Result<Arc<NativeCode>, Refusal>> {
    let system = |what: &str| Err(Refusal::System(io::Error::other(what.to_owned())));
    Some(match AHEAD.get()?.get(digest) {
        Some(Ok(code)) => Ok(Arc::clone(code)),
        Some(Err(Missing::Unfit(reason))) => Err(Refusal::Unfit(reason.clone())),
        Some(Err(Missing::System(reason))) => system(reason),
        Some(Err(Missing::Cancelled)) => Err(Refusal::Cancelled),
        None => system("it was not compiled before the sandbox was entered"),
    })
}
