//! What `bindgen!` makes of the WIT files in `wit/`: one module a world, types shared between
//! them. Nothing but `plugin` sees these types.

#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]

pub(super) mod filter {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "filter-plugin",
        with: { "filmgate:plugin/frames.frame": crate::held::HeldFrame },
        imports: { default: trappable },
    });
}

pub(super) mod naming {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "naming-plugin",
        with: {
            "filmgate:plugin/types": crate::bindings::filter::filmgate::plugin::types,
            "filmgate:plugin/log": crate::bindings::filter::filmgate::plugin::log,
        },
    });
}

pub(super) mod ordering {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "ordering-plugin",
        with: {
            "filmgate:plugin/types": crate::bindings::filter::filmgate::plugin::types,
            "filmgate:plugin/log": crate::bindings::filter::filmgate::plugin::log,
            "filmgate:plugin/media": crate::bindings::naming::filmgate::plugin::media,
        },
    });
}

pub(super) use filter::exports::filmgate::plugin::filter as filter_exports;
pub(super) use filter::filmgate::plugin::{frames, log, types};
pub(super) use naming::exports::filmgate::plugin::naming as naming_exports;
pub(super) use naming::filmgate::plugin::media;
