//! The description of a join, as plain data. Command line, TOML file and program fill the same
//! fields; what is not set gets its default where it is used.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Handling;
use super::settings::{Gap, Settings};
use filmgate_core::glob::Globs;
use filmgate_engine::spec::{
    CrashPolicy, Crf, Deadline, Memory, OneOrMany, PluginSpec, Sandbox, SpecError, exclude, need,
    one_or_many,
};
use filmgate_engine::{scalar, spec};

/// The order of the segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// by path, numbers by value: seg2 before seg10
    #[default]
    Natural,
    /// by path, byte by byte
    Name,
    /// by modification time of the files
    Mtime,
    /// by recording time in the metadata
    Created,
    /// as given; files of a folder by path
    Given,
}

impl Order {
    /// The ordering plugin that does it: a built-in policy is a component like any other.
    pub fn plugin(self) -> &'static str {
        match self {
            Order::Natural => "natural",
            Order::Name => "by:key=name",
            Order::Mtime => "by:key=mtime",
            Order::Created => "by:key=created",
            Order::Given => "by:key=given",
        }
    }
}

/// A naming or ordering plugin with its parameters, `NAME[:key=value,…]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    text: String,
    pub plugin: PluginSpec,
}

impl FromStr for PolicySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<PolicySpec, String> {
        Ok(PolicySpec { text: text.to_owned(), plugin: text.parse()? })
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

scalar!(PolicySpec, "PolicySpec", "a plugin such as \"NAME:key=value\"", {"type": "string"});

spec! {
    /// A join.
    pub struct JoinSpec {
        // ---- segments ----
        /// Files, folders, or - for a list of names on standard input
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub input: Vec<PathBuf>,
        /// Which files of folders
        pub glob: Option<String>,
        /// Files with the name of an input per line
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub list: Vec<PathBuf>,
        /// Names in lists end with a zero byte
        pub null: bool,
        /// The order of the segments
        pub order: Option<Order>,
        /// An ordering plugin instead of `order`
        pub order_plugin: Option<PolicySpec>,

        // ---- segments that do not fit ----
        /// Leave out segments that cannot be read or do not fit
        pub skip_bad: bool,
        /// Re-encode segments that do not fit the first
        pub reencode_odd: bool,
        /// Leave out all audio
        pub drop_audio: bool,

        // ---- plugins ----
        /// Plugins that frames go through, in this order; all video is re-encoded
        pub plugin: Vec<PluginSpec>,
        /// What to do when a plugin fails
        pub on_failure: Option<CrashPolicy>,
        /// Milliseconds that one call of a plugin may take
        pub deadline: Option<Deadline>,
        /// MiB that one instance of a plugin may use
        pub memory: Option<Memory>,
        /// `NAME:CAPABILITY` of plugins
        pub grant: Vec<String>,
        /// Constant quality of video that goes through plugins, on the encoder's own scale
        pub crf: Option<Crf>,

        // ---- output ----
        /// The output file
        pub output: Option<PathBuf>,
        /// The folder of the output
        pub into: Option<PathBuf>,
        /// The file name in the folder `into`
        pub dest_name: Option<String>,
        /// A naming plugin for the file name in the folder `into`
        pub name_plugin: Option<PolicySpec>,
        /// The container
        pub format: Option<String>,
        /// Replace an existing output
        pub overwrite: bool,
        /// Whether gaps between the segments' own times are kept
        pub gap: Option<Gap>,
        /// Write a chapter per segment
        pub chapters: bool,
        /// Leave the index of mp4 and mov behind the media data
        pub no_faststart: bool,

        // ---- proof ----
        /// Do not read the output back
        pub no_proof: bool,
        /// Decode every joined source and report damage
        pub check_decode: bool,
        /// Remove the sources after the proof
        pub delete_sources: bool,
        /// Fail if there is nothing to join
        pub require: bool,

        // ---- reports ----
        /// A file for the receipt
        pub receipt: Option<PathBuf>,
        /// No progress bar, no summary
        pub quiet: bool,
        /// The summary as JSON
        pub json: bool,
        /// Progress as JSON lines
        pub progress_json: bool,

        // ---- safety ----
        /// Whether the process is locked in before it parses media
        pub sandbox: Option<Sandbox>,
    }
}

impl JoinSpec {
    /// Checks what can be wrong before any file is opened. It does not matter whether the command
    /// line, a file or a program set the fields.
    ///
    /// # Errors
    /// Usage.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.input.is_empty() && self.list.is_empty() {
            return Err(SpecError::usage(
                "join: nothing was given; name files, a folder, or a list with --list, or set \
                 `input` in the file of --config",
            ));
        }
        let has_output = self.output.is_some();
        let has_name = self.dest_name.is_some();
        let has_name_plugin = self.name_plugin.is_some();
        exclude(&[
            ("--output", has_output, "--into", self.into.is_some()),
            ("--output", has_output, "--dest-name", has_name),
            ("--output", has_output, "--name-plugin", has_name_plugin),
            ("--dest-name", has_name, "--name-plugin", has_name_plugin),
            ("--order", self.order.is_some(), "--order-plugin", self.order_plugin.is_some()),
            ("--no-proof", self.no_proof, "--delete-sources", self.delete_sources),
            ("--no-proof", self.no_proof, "--check-decode", self.check_decode),
            ("--progress-json", self.progress_json, "--json", self.json),
        ])?;
        need(&[
            ("--dest-name", has_name, "--into", self.into.is_some()),
            ("--name-plugin", has_name_plugin, "--into", self.into.is_some()),
            ("--crf", self.crf.is_some(), "--plugin", !self.plugin.is_empty()),
        ])?;
        if !has_output && self.into.is_none() {
            return Err(SpecError::usage(
                "join: no output was given; use -o FILE or --into FOLDER, or set `output` or \
                 `into` in the file of --config",
            ));
        }
        if self.into.is_some() && !has_name && !has_name_plugin {
            return Err(SpecError::usage(
                "--into needs a name: use --dest-name NAME or --name-plugin PLUGIN",
            ));
        }
        self.globs()?;
        self.plugins().check()
    }

    /// Which files of folders; none: all media files.
    pub(super) fn globs(&self) -> Result<Option<Globs>, SpecError> {
        let usage = |e| SpecError::usage(format!("--glob: {e}"));
        self.glob.as_ref().map(|glob| Globs::new(&[glob]).map_err(usage)).transpose()
    }

    pub(super) fn handling(&self) -> Handling {
        Handling {
            skip_bad: self.skip_bad,
            reencode_odd: self.reencode_odd,
            reencode_all: !self.plugin.is_empty(),
            drop_audio: self.drop_audio,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            gap: self.gap.unwrap_or_default(),
            chapters: self.chapters,
            faststart: !self.no_faststart,
            proof: !self.no_proof,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut JoinSpec)) -> String {
        let mut spec = JoinSpec {
            input: vec!["a".into()],
            output: Some("b.mp4".into()),
            ..JoinSpec::default()
        };
        change(&mut spec);
        spec.check().err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(checked(|_| ()), "");
        assert!(checked(|s| s.input.clear()).contains("`input`"));
        assert!(checked(|s| s.output = None).contains("--into FOLDER"));
        assert!(
            checked(|s| (s.output, s.into) = (None, Some("f".into()))).contains("needs a name")
        );
        assert!(checked(|s| s.glob = Some("../*".into())).contains("--glob: \"../*\""));
        assert!(checked(|s| s.grant = vec!["x:clock".into()]).contains("no plugin \"x\""));
    }

    #[test]
    fn options_exclude_and_need_each_other() {
        let both = checked(|s| s.into = Some("f".into()));
        assert_eq!(both, "--output cannot be used with --into");
        let both = checked(|s| (s.order, s.order_plugin) = (Some(Order::Name), "by".parse().ok()));
        assert_eq!(both, "--order cannot be used with --order-plugin");
        let both = checked(|s| (s.no_proof, s.delete_sources) = (true, true));
        assert_eq!(both, "--no-proof cannot be used with --delete-sources");
        assert_eq!(checked(|s| s.crf = "20".parse().ok()), "--crf needs --plugin");
    }
}
