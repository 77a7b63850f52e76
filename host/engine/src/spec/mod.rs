//! Job descriptions: plain data that says everything a job is. A command line, a TOML file and a
//! program fill the same fields; what is not set gets its default where it is used.

mod job;
mod plugins;
mod sandbox;
mod streams;
#[doc(hidden)]
pub mod values;

use std::collections::BTreeMap;

pub use crate::error::{Fault, SpecError};
pub use job::{Frames, JobSpec, Matrix, Odd, Subsampling, Verb, exclude, need};
pub use plugins::{
    CrashPolicy, DEADLINE, Deadline, Grant, MEMORY, Memory, PluginSpec, Plugins, ReadFile, Request,
    Single, Workers, add,
};
pub use sandbox::Sandbox;
pub use streams::StreamChoice;
pub use values::{
    At, BitRate, Crf, Every, FrameRate, Grid, Length, OneOrMany, Pair, Pairs, PerSecond, Size,
    Threshold, Time, Within, one_or_many,
};

/// Something that another description may fill up where it is not set.
pub trait Merge {
    /// Takes from `other` what is not set here.
    fn or_from(&mut self, other: Self);
}

impl<T> Merge for Option<T> {
    fn or_from(&mut self, other: Self) {
        if self.is_none() {
            *self = other;
        }
    }
}

impl<T> Merge for Vec<T> {
    fn or_from(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        }
    }
}

impl<K, V> Merge for BTreeMap<K, V> {
    fn or_from(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        }
    }
}

impl Merge for Pairs {
    fn or_from(&mut self, other: Self) {
        self.0.or_from(other.0);
    }
}

impl Merge for bool {
    fn or_from(&mut self, other: Self) {
        *self |= other;
    }
}

/// Declares a job description: a struct whose fields are keys of a TOML file, all of them optional,
/// with a JSON schema, and [`Merge`]. It must have the fields `plugin`, `on_failure`, `deadline`
/// and `memory`.
#[macro_export]
macro_rules! spec {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $crate::spec::Merge for $name {
            /// Plugins of `other` lose what the options for all plugins set here: these come first.
            fn or_from(&mut self, mut other: $name) {
                for plugin in &mut other.plugin {
                    plugin.overridden_by(self.on_failure, self.deadline, self.memory);
                }
                $($crate::spec::Merge::or_from(&mut self.$field, other.$field);)*
            }
        }

        impl $name {
            /// The plugins, and what holds for all of them.
            pub fn plugins(&self) -> $crate::spec::Request<'_> {
                $crate::spec::Request {
                    plugins: &self.plugin,
                    on_failure: self.on_failure,
                    deadline: self.deadline,
                    memory: self.memory,
                    grants: &self.grant,
                }
            }
        }
    };
}
