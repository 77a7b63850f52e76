//! What of WASI 0.3 components may import: everything that is not asynchronous, and none of it is
//! there.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};

use super::guest::Misuse;

/// What to do with a component that needs WASI 0.3.
pub(super) const WAY_OUT: &str = "filmgate gives plugins nothing of WASI 0.3: build it for WASI 0.2 \
    (wasm32-wasip2), or for no WASI at all (wasm32-unknown-unknown and `filmgate plugin pack`)";

/// Whether a component was refused for what only WASI 0.3 has use for. The engine's switch for it
/// is off.
pub(super) fn is_asynchronous(reason: &str) -> bool {
    reason.contains("component model async") || reason.contains("component-model-async")
}

/// The linker with what the component imports of WASI 0.3. Toolchains have it import more than it
/// needs; what it calls of that ends it, with the reason.
pub(super) fn with_0_3<'a, T: 'static>(
    linker: &'a Linker<T>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<Cow<'a, Linker<T>>> {
    let mut linker = Cow::Borrowed(linker);
    for (name, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else { continue };
        if !name.starts_with("wasi:") || !name.contains("@0.3.") {
            continue;
        }
        let mut instance = linker.to_mut().instance(name)?;
        for (function, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    let called = format!("called `{function}` of {name}; {WAY_OUT}");
                    instance.func_new(function, move |_, _, _, _| {
                        Err(wasmtime::Error::new(Misuse(called.clone())))
                    })?;
                }
                ComponentItem::Resource(_) => {
                    instance.resource(function, ResourceType::host::<Never>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(linker)
}

/// A resource of which there is none.
enum Never {}
