//! The description of a `watch` job.

use std::path::PathBuf;

use filmgate_engine::spec;
use filmgate_engine::spec::{
    CrashPolicy, Deadline, Fault, Length, Memory, OneOrMany, PluginSpec, Sandbox, SpecError,
    Subsampling, Within, Workers, one_or_many,
};
use filmgate_picture::PictureFormat;

use super::originals::Originals;
use super::select::Selection;

spec! {
    /// A folder whose images and videos go through plugins into another folder.
    pub struct WatchSpec {
        /// The folder to watch
        pub folder: Option<PathBuf>,
        /// The folder for outputs; it is created if its parent exists
        pub output: Option<PathBuf>,

        // ---- files ----
        /// Globs of the files to take
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub include: Vec<String>,
        /// Globs of the files to leave alone
        #[serde(deserialize_with = "one_or_many")]
        #[schemars(with = "OneOrMany")]
        pub exclude: Vec<String>,
        /// Without subfolders
        pub flat: bool,
        /// What to do with an original after its output is published
        pub originals: Option<Originals>,
        /// The folder for files that cannot be converted
        pub quarantine: Option<PathBuf>,
        /// Replace existing files
        pub overwrite: bool,
        /// Process the files that exist, then end
        pub once: bool,
        /// Scan the folder this often instead of waiting for events
        pub poll: Option<Length>,
        /// Time without changes before a file counts as complete
        pub settle: Option<Length>,
        /// Files that are processed at the same time
        pub workers: Option<Workers>,
        /// Time that a file may take before the work on it is ended
        pub file_timeout: Option<Length>,

        // ---- outputs ----
        /// The naming policy
        pub names: Option<String>,
        /// The format of images
        pub format: Option<String>,
        /// Quality of JPEG
        pub quality: Option<Within<1, 100>>,
        /// Chroma subsampling of JPEG
        pub subsampling: Option<Subsampling>,

        // ---- plugins ----
        /// Plugins, in the order in which frames go through them
        pub plugin: Vec<PluginSpec>,
        /// A file with more plugins, one per line
        pub plugin_list: Option<PathBuf>,
        /// What to do when a plugin fails
        pub on_failure: Option<CrashPolicy>,
        /// Milliseconds that one call of a plugin may take
        pub deadline: Option<Deadline>,
        /// MiB that one instance of a plugin may use
        pub memory: Option<Memory>,
        /// `NAME:CAPABILITY` of plugins
        pub grant: Vec<String>,

        // ---- journal and reports ----
        /// The journal
        pub journal: Option<PathBuf>,
        /// Process files again that failed or that a failed plugin passed unchanged
        pub retry_failed: bool,
        /// Process files again that were processed with other settings
        pub redo: bool,
        /// A file that says what was made from what, as JSON Lines
        pub receipt: Option<PathBuf>,
        /// Print every file system event
        pub events: bool,
        /// The address of /metrics and /healthz
        pub metrics: Option<String>,
        /// No line for each file
        pub quiet: bool,
        /// Events as JSON lines
        pub json: bool,

        // ---- safety ----
        /// Whether workers are locked in before they parse media
        pub sandbox: Option<Sandbox>,
    }
}

impl WatchSpec {
    /// Finds what is wrong with the description itself, without looking at any file.
    ///
    /// # Errors
    /// Usage.
    pub fn check(&self) -> Result<(), SpecError> {
        for (key, option, path) in
            [("folder", "FOLDER", &self.folder), ("output", "-o FOLDER", &self.output)]
        {
            if path.is_none() {
                return Err(SpecError::usage(format!(
                    "watch: no {key} is given; use {option}, or `{key}` in the file of --config"
                )));
            }
        }
        self.image_format()?;
        self.policy()?;
        self.selection(Vec::new())?;
        if let Some(address) = &self.metrics {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            port.ok_or_else(|| {
                SpecError::usage(format!(
                    "--metrics {address}: expected HOST:PORT, for example 127.0.0.1:9090"
                ))
            })?;
        }
        // With a list, only loading it tells which plugins there are.
        if self.plugin_list.is_none() {
            self.plugins().check()?;
        }
        Ok(())
    }

    /// The naming policy.
    pub(super) fn policy(&self) -> Result<PluginSpec, SpecError> {
        self.names.as_deref().unwrap_or("mirror").parse().map_err(SpecError::usage)
    }

    /// What images are written as; none for the format of each source.
    pub(super) fn image_format(&self) -> Result<Option<PictureFormat>, SpecError> {
        let Some(name) = self.format.as_deref().filter(|name| *name != "same") else {
            return Ok(None);
        };
        let unknown = || {
            SpecError::usage(format!(
                "--format {name}: expected jpg, png, webp, bmp, tiff, or same"
            ))
        };
        PictureFormat::from_ending(name).map(Some).ok_or_else(unknown)
    }

    /// Which files are taken; `outside` are folders that are not entered.
    pub(super) fn selection(&self, outside: Vec<PathBuf>) -> Result<Selection, SpecError> {
        Selection::new(&self.include, &self.exclude, !self.flat, outside)
            .map_err(|e| SpecError::new(Fault::Usage, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut WatchSpec)) -> String {
        let (folder, output) = (Some("in".into()), Some("out".into()));
        let mut spec = WatchSpec { folder, output, ..WatchSpec::default() };
        change(&mut spec);
        spec.check().err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(checked(|_| ()), "");
        assert!(checked(|s| s.folder = None).contains("no folder"));
        assert!(checked(|s| s.output = None).contains("-o FOLDER"));
        assert!(checked(|s| s.format = Some("gif".into())).contains("--format gif"));
        assert_eq!(checked(|s| s.format = Some("same".into())), "");
        assert!(checked(|s| s.metrics = Some("9090".into())).contains("expected HOST:PORT"));
        assert_eq!(checked(|s| s.metrics = Some("[::1]:0".into())), "");
        assert!(checked(|s| s.exclude = vec!["[".into()]).contains("is not a glob"));
        let grant = |s: &mut WatchSpec| s.grant = vec!["blur:clock".into()];
        assert!(checked(grant).contains("no plugin"));
        let listed = |s: &mut WatchSpec| {
            grant(s);
            s.plugin_list = Some("list".into());
        };
        assert_eq!(checked(listed), "");
    }

    #[test]
    fn originals_are_read_as_people_write_them() {
        for (text, wanted) in [
            ("keep", Originals::Keep),
            ("delete", Originals::Delete),
            ("move:old", Originals::Move("old".into())),
        ] {
            assert_eq!(text.parse(), Ok(wanted.clone()));
            assert_eq!(wanted.to_string(), text);
        }
        for text in ["", "move", "move:", "remove"] {
            assert!(text.parse::<Originals>().is_err(), "{text}");
        }
    }
}
