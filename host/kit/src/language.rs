//! The languages and kinds of plugins that the kit has templates for.

use serde::Deserialize;

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    C,
    Zig,
    Js,
    Ts,
    Python,
}

impl Language {
    pub const ALL: [Language; 6] =
        [Language::Rust, Language::C, Language::Zig, Language::Js, Language::Ts, Language::Python];

    /// As `--lang` and `plugin.toml` have it; also the name of its folder of templates.
    pub fn id(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::C => "c",
            Language::Zig => "zig",
            Language::Js => "js",
            Language::Ts => "ts",
            Language::Python => "python",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "Rust",
            Language::C => "C",
            Language::Zig => "Zig",
            Language::Js => "JavaScript",
            Language::Ts => "TypeScript",
            Language::Python => "Python",
        }
    }

    /// The file that an author edits.
    pub fn source(self) -> &'static str {
        match self {
            Language::Rust => "src/lib.rs",
            Language::C => "plugin.c",
            Language::Zig => "plugin.zig",
            Language::Js => "plugin.js",
            Language::Ts => "plugin.ts",
            Language::Python => "plugin.py",
        }
    }
}

/// What a plugin decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Filter,
    Naming,
    Ordering,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Filter, Kind::Naming, Kind::Ordering];

    pub fn id(self) -> &'static str {
        match self {
            Kind::Filter => "filter",
            Kind::Naming => "naming",
            Kind::Ordering => "ordering",
        }
    }

    /// The world of the contract that such a plugin implements.
    pub fn world(self) -> &'static str {
        match self {
            Kind::Filter => "filter-plugin",
            Kind::Naming => "naming-plugin",
            Kind::Ordering => "ordering-plugin",
        }
    }

    /// What the template of this kind does.
    pub(crate) fn summary(self) -> &'static str {
        match self {
            Kind::Filter => "turns light to dark",
            Kind::Naming => "numbers the outputs",
            Kind::Ordering => "puts the largest file first",
        }
    }
}
