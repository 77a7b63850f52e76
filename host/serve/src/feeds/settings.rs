//! The settings of feeds.

use std::path::PathBuf;

use filmgate_engine::spec::{BitRate, CrashPolicy, Crf, JobSpec, Length, Pairs, PluginSpec, Verb};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::ServeError;

/// The endings that a stream has.
const FORMATS: [&str; 8] = ["ts", "mp4", "flv", "mpg", "mjpeg", "mjpg", "jpg", "m3u8"];

/// A live feed: where it comes from, and the streams that are made of it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FeedSettings {
    /// Its name: letters, digits, - and _
    pub name: String,
    /// What the server opens: a file, a device, or an address (rtsp://, rtmp://, srt://, http://); without it, the feed is sent to /feeds/NAME
    #[serde(default)]
    pub source: Option<String>,
    /// The format of the source, where libav does not find it out by itself: v4l2
    #[serde(default)]
    pub source_format: Option<String>,
    /// Options of that format, by name
    #[serde(default)]
    pub source_options: std::collections::BTreeMap<String, String>,
    /// Begin a file again when it ends
    #[serde(default, rename = "loop")]
    pub repeat: bool,
    /// Open the source only while somebody watches
    #[serde(default)]
    pub on_demand: bool,
    /// More paths that the feed may be sent to: /feed1.ffm
    #[serde(default)]
    pub paths: Vec<String>,
    /// Viewers at once, of all streams
    #[serde(default)]
    pub max_viewers: Option<usize>,
    /// The streams; without any, one of the feed's name and without plugins
    #[serde(default)]
    pub stream: Vec<StreamSettings>,
}

/// A stream of a feed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StreamSettings {
    /// Its name, which is its address: /live/NAME.ts, .mp4, .flv, .mpg, .mjpeg, .jpg, .m3u8
    pub name: String,
    /// Plugins in the order in which frames go through them, each as `run -p` is given it
    pub plugins: Vec<String>,
    /// Put each frame beside the one that it was made of
    pub compare: bool,
    /// What to do when a plugin fails
    pub on_failure: Option<CrashPolicy>,
    /// Preset of the encoder libx264 [default: ultrafast]
    pub preset: Option<String>,
    /// Bits a second
    pub bitrate: Option<BitRate>,
    /// Quality of the encoder, 0 to 51, less is better
    pub crf: Option<Crf>,
    /// Time from keyframe to keyframe [default: 1s]
    pub keyframe_interval: Option<Length>,
    /// Servers that it is pushed to: rtmp://, srt://, rtsp://
    pub push: Vec<String>,
    /// Seconds that viewers may go back, and recordings begin before they are asked for
    pub history: u32,
    /// More paths where it is found, in the format of their ending: /test1.mpg
    pub paths: Vec<String>,
}

impl FeedSettings {
    /// The streams, with the names that they have.
    pub(crate) fn streams(&self) -> Vec<StreamSettings> {
        if self.stream.is_empty() {
            return vec![StreamSettings { name: self.name.clone(), ..StreamSettings::default() }];
        }
        self.stream.clone()
    }

    /// The source, as `encode` is told it. Files are below `root` unless their paths are absolute.
    pub(crate) fn source_job(&self, root: &std::path::Path) -> JobSpec {
        let source = self.source.clone().unwrap_or_else(|| "-".to_owned());
        let is_file =
            self.source.is_some() && self.source_format.is_none() && !source.contains("://");
        let input = if is_file { root.join(&source) } else { PathBuf::from(&source) };
        let options = self.source_options.iter().map(|(k, v)| (k.clone(), v.clone()));
        JobSpec {
            verb: Verb::Encode,
            input: vec![input],
            input_format: self.source_format.clone(),
            input_option: Pairs(options.collect()),
            reconnect: source.contains("://"),
            realtime: is_file,
            ..JobSpec::default()
        }
    }

    /// # Errors
    /// `Settings`.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        let wrong = |text: String| Err(ServeError::Settings(format!("feed {}: {text}", self.name)));
        let streams = self.streams();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        for name in std::iter::once(&self.name).chain(streams.iter().map(|s| &s.name)) {
            if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
                return wrong(format!("{name:?}: a name is up to 64 letters, digits, - and _"));
            }
        }
        if self.source.is_none() && (self.repeat || self.on_demand) {
            return wrong("loop and on-demand need a source".to_owned());
        }
        for stream in &streams {
            for path in &stream.paths {
                let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
                if !path.starts_with('/') || !FORMATS.contains(&ending) {
                    let known = FORMATS.join(", ");
                    return wrong(format!(
                        "{path}: a path begins with / and ends in one of {known}"
                    ));
                }
            }
            for plugin in &stream.plugins {
                if let Err(e) = plugin.parse::<PluginSpec>() {
                    return wrong(format!("{}: {e}", stream.name));
                }
            }
            if let Err(e) = stream.job(&stream.plugins).check() {
                return wrong(format!("{}: {e}", stream.name));
            }
        }
        Ok(())
    }
}

impl StreamSettings {
    /// The stream with these plugins, as `encode` is told it.
    pub(crate) fn job(&self, plugins: &[String]) -> JobSpec {
        JobSpec {
            verb: Verb::Encode,
            // The worker has a source already.
            input: vec!["-".into()],
            output: self.push.iter().map(PathBuf::from).collect(),
            format: self.push.is_empty().then(|| "null".to_owned()),
            plugin: plugins.iter().filter_map(|text| text.parse().ok()).collect(),
            compare: self.compare,
            on_failure: self.on_failure,
            preset: self.preset.clone(),
            bitrate: self.bitrate,
            crf: self.crf,
            keyframe_interval: self.keyframe_interval.or_else(|| "1s".parse().ok()),
            ..JobSpec::default()
        }
    }
}
