//! What of the system a job needs to reach, as far as its description says: so that whoever locks
//! the process in knows what to leave within reach.

use std::path::{Path, PathBuf};

use super::images::scene_plugin;
use super::names;
use super::outputs::{extension, local, playlist};
use crate::spec::{JobSpec, PluginSpec, Verb};
use filmgate_av::{InputSource, images_of, is_device, numbered, picture_encoder, scheme};
use filmgate_core::collide::{named_in, series};

/// What a job needs to reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// files and folders that it reads
    pub reads: Vec<PathBuf>,
    /// files that it makes under names that are known now, and whether one there may be replaced
    pub makes: Vec<(PathBuf, bool)>,
    /// files that are there already and change
    pub changes: Vec<PathBuf>,
    /// folders whose files get their names only while the job runs; they may not be there yet
    pub fills: Vec<PathBuf>,
    /// folders that are made, with those above them, if they are not there
    pub folders: Vec<PathBuf>,
    /// folders that files are removed from
    pub clears: Vec<PathBuf>,
    /// named pipes that it reads, and makes if they are not there
    pub pipes: Vec<PathBuf>,
    /// whether links to files are made in the system's folder for temporary files
    pub links: bool,
    /// whether an input or output is on the network
    pub network: bool,
    /// an input that libav opens by itself, with libraries that it loads then
    pub device: Option<String>,
    /// the plugins that it loads
    pub plugins: Vec<PluginSpec>,
}

impl Reach {
    /// Of a job.
    pub fn of(spec: &JobSpec) -> Reach {
        let mut reach = Reach::default();
        let format = spec.input_format.as_deref();
        for input in &spec.input {
            let source = InputSource::parse(input.as_os_str(), format);
            reach.reads(&source);
            let is_reopened = (spec.reconnect || spec.verb == Verb::Split) && !spec.once;
            let is_pipe = matches!(source, InputSource::Pipe(Some(_)));
            let is_missing = matches!(source, InputSource::File(_)) && !input.exists();
            if is_pipe && is_reopened || is_missing && spec.wait {
                // What is made anew, or only later, is another file for the kernel.
                reach.reads.push(folder_of(input));
            }
        }
        for image in &spec.image {
            reach.reads(&InputSource::parse(image.as_os_str(), None));
        }
        for audio in spec.audio.iter().filter(|audio| audio.as_os_str() != "silence") {
            reach.reads(&InputSource::parse(audio.as_os_str(), None));
        }
        reach.pipes.extend(spec.fifo.iter().chain(&spec.audio_fifo).cloned());
        for output in spec.output.iter().chain(&spec.also) {
            reach.writes(spec, output);
        }
        let reports = spec.tags.iter().chain(&spec.receipt);
        reach.makes.extend(reports.map(|path| (path.clone(), spec.overwrite)));
        reach.plugins.extend(spec.plugin.iter().cloned());
        if spec.verb == Verb::Split {
            reach.plugins.extend(names::names(spec).ok().map(|names| names.policy));
            reach.plugins.extend(scene_plugin(spec));
        }
        reach
    }

    /// Adds what reading a source takes.
    pub fn reads(&mut self, source: &InputSource) {
        match source {
            InputSource::File(path) => self.reads.push(path.clone()),
            InputSource::Pipe(path) => self.reads.extend(path.clone()),
            InputSource::Opened(_) => {}
            InputSource::Images(path) => {
                self.links = true;
                self.reads.push(if path.is_dir() { path.clone() } else { folder_of(path) });
                // Some of them may be links.
                let images = images_of(path).unwrap_or_default();
                let real = images.iter().filter(|image| image.is_symlink());
                self.reads.extend(real.filter_map(|image| image.canonicalize().ok()));
            }
            InputSource::Url(_) => self.network = true,
            InputSource::Named { format, name } if is_device(format) => {
                self.device = Some(format!("{format} {name}"));
            }
            // Formats that name other files; numbered images among them.
            InputSource::Named { name, .. } if scheme(name).is_some_and(|s| s != "file") => {
                self.network = true;
            }
            InputSource::Named { name, .. } => {
                let path = Path::new(name.strip_prefix("file:").unwrap_or(name));
                self.reads.push(folder_of(path));
                self.reads.extend(series(path));
                let named = named_in(path);
                self.network |= named.iter().any(|file| is_remote(file));
                self.reads.extend(named);
            }
        }
    }

    fn writes(&mut self, spec: &JobSpec, output: &Path) {
        if spec.verb == Verb::Split {
            self.fills.extend(names::names(spec).ok().map(|names| names.folder));
            return;
        }
        let Some(path) = local(output) else {
            let text = output.to_string_lossy();
            self.network |= !spec.writes_nothing() && scheme(&text).is_some();
            return;
        };
        let is_picture = picture_encoder(&extension(&path)).is_some();
        if let Some(list) = playlist(&path, spec.verb).filter(|_| spec.verb != Verb::Frame) {
            self.fills.push(folder_of(&list));
        } else if is_picture && numbered(&path.to_string_lossy()) {
            self.fills.push(folder_of(&path));
        } else {
            self.makes.push((path, spec.overwrite));
        }
    }
}

/// Whether a file that a playlist names is on the network.
fn is_remote(file: &Path) -> bool {
    file.to_string_lossy().contains("://")
}

fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verb: Verb, input: &str, output: &str) -> Reach {
        let (input, output) = (vec![input.into()], vec![output.into()]);
        Reach::of(&JobSpec { verb, input, output, ..JobSpec::default() })
    }

    #[test]
    fn a_file_with_a_name_of_its_own_opens_no_folder() {
        let reach = of(Verb::Run, "/nowhere/in.mp4", "/nowhere/out/film.mp4");
        assert_eq!(reach.reads, [PathBuf::from("/nowhere/in.mp4")]);
        assert_eq!(reach.makes, [(PathBuf::from("/nowhere/out/film.mp4"), false)]);
        assert!(reach.fills.is_empty() && !reach.network && reach.device.is_none());
    }

    #[test]
    fn a_source_that_is_waited_for_opens_its_folder() {
        let split = |wait| {
            let (input, output) = (vec!["/nowhere/in.mp4".into()], vec!["out".into()]);
            let spec = JobSpec { verb: Verb::Split, wait, input, output, ..JobSpec::default() };
            Reach::of(&spec).reads.len()
        };
        assert_eq!((split(false), split(true)), (1, 2));
    }

    #[test]
    fn many_files_open_their_folder() {
        for output in ["/nowhere/out/%06d.png", "/nowhere/out/live.m3u8"] {
            assert_eq!(of(Verb::Run, "in", output).fills, [PathBuf::from("/nowhere/out")]);
        }
        let split = of(Verb::Split, "in", "/nowhere/out");
        assert_eq!(split.fills, [PathBuf::from("/nowhere/out")]);
        assert!(split.plugins.iter().any(|p| p.name == "template"));
    }

    #[test]
    fn the_network_is_there_for_urls_alone() {
        assert!(of(Verb::Run, "http://host/a.mp4", "b.mp4").network);
        assert!(of(Verb::Run, "a.mp4", "rtmp://host/app/key").network);
        assert!(!of(Verb::Run, "a.mp4", "-").network);
        assert!(!of(Verb::Run, "a.mp4", "/dev/null").network);
    }
}
