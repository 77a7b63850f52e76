//! What wit-bindgen makes of the contract, one module a world. Only [`filter`] generates the
//! shared interfaces; the other two worlds use its types, so that there is one `Value` and one
//! `Error` for all.
//!
//! Each world's exports are demanded by its export macro alone, so a plugin that links this crate
//! is asked for the exports of its own kind and of no other.
#![allow(missing_docs, unsafe_code, unused_qualifications, unreachable_pub)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks)]

pub mod filter {
    wit_bindgen::generate!({
        path: "wit",
        world: "filter-plugin",
        pub_export_macro: true,
        export_macro_name: "__export_filter_world",
        default_bindings_module: "filmgate_plugin::__private::filter",
        additional_derives: [PartialEq],
    });
}

pub mod live {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package filmgate:sdk;
            world live { export filmgate:plugin/live@0.1.0; }
        ",
        world: "filmgate:sdk/live",
        pub_export_macro: true,
        export_macro_name: "__export_live_world",
        default_bindings_module: "filmgate_plugin::__private::live",
        additional_derives: [PartialEq],
        with: {
            "filmgate:plugin/types@0.1.0": crate::bindings::filter::filmgate::plugin::types,
        },
    });
}

pub mod naming {
    wit_bindgen::generate!({
        path: "wit",
        world: "naming-plugin",
        pub_export_macro: true,
        export_macro_name: "__export_naming_world",
        default_bindings_module: "filmgate_plugin::__private::naming",
        additional_derives: [PartialEq],
        with: {
            "filmgate:plugin/types@0.1.0": crate::bindings::filter::filmgate::plugin::types,
            "filmgate:plugin/log@0.1.0": crate::bindings::filter::filmgate::plugin::log,
        },
    });
}

pub mod ordering {
    wit_bindgen::generate!({
        path: "wit",
        world: "ordering-plugin",
        pub_export_macro: true,
        export_macro_name: "__export_ordering_world",
        default_bindings_module: "filmgate_plugin::__private::ordering",
        additional_derives: [PartialEq],
        with: {
            "filmgate:plugin/types@0.1.0": crate::bindings::filter::filmgate::plugin::types,
            "filmgate:plugin/log@0.1.0": crate::bindings::filter::filmgate::plugin::log,
            "filmgate:plugin/media@0.1.0": crate::bindings::naming::filmgate::plugin::media,
        },
    });
}
