//! What requests for jobs say, turned into job descriptions that reach nothing outside of the root.

use std::path::Path;

use filmgate_engine::spec::JobSpec;
use filmgate_join::{JoinSpec, Order};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::error::Fault;
use crate::key::{Device, check_path};

/// A join of what a device has uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JoinRequest {
    /// The folder of the segments, below the device's; `.` is the device's own
    #[schema(example = "video")]
    pub path: String,
    /// The output, below the device's folder
    #[schema(example = "video.mp4")]
    pub output: String,
    /// The order of the segments: natural, name, mtime, created, given (of one folder: name)
    #[schema(schema_with = orders)]
    pub order: Order,
    /// Remove the segments once the output is proved and in place
    pub delete_sources: bool,
    /// Replace an output that is there already
    pub overwrite: bool,
    /// Leave out segments that cannot be read or do not fit; they stay
    pub skip_bad: bool,
    /// Re-encode segments that do not fit the first
    pub reencode_odd: bool,
    /// Write a chapter per segment
    pub chapters: bool,
    /// Jobs with a higher one are run first
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: i32,
    /// What to do while another job works on this device
    pub on_busy: OnBusy,
}

impl Default for JoinRequest {
    fn default() -> JoinRequest {
        JoinRequest {
            path: "video".to_owned(),
            output: "video.mp4".to_owned(),
            order: Order::Natural,
            delete_sources: true,
            overwrite: false,
            skip_bad: false,
            reencode_odd: false,
            chapters: false,
            priority: 0,
            on_busy: OnBusy::Queue,
        }
    }
}

fn orders() -> utoipa::openapi::schema::Object {
    let names = [Order::Natural, Order::Name, Order::Mtime, Order::Created, Order::Given];
    let object = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
    object
        .enum_values(Some(names.map(|order| json!(order))))
        .default(Some(json!("natural")))
        .build()
}

/// What to do while another job works on the same.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OnBusy {
    /// run after it
    #[default]
    Queue,
    /// answer 409
    Refuse,
}

/// Any job.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// run, join, split or frame
    #[schema(example = "run", pattern = "^(run|join|split|frame)$")]
    pub verb: String,
    /// The job description, with the keys of docs/config.md; paths are below the root
    #[schema(value_type = Object, example = json!({"input": ["task7/cam1/in.mp4"], "output": ["task7/cam1/out.mp4"]}))]
    pub spec: Map<String, Value>,
    /// Jobs with a higher one are run first
    #[serde(default)]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: i32,
    /// What to do while another job makes the same output
    #[serde(default)]
    pub on_busy: OnBusy,
}

/// A job that may be queued.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) verb: String,
    /// the keys of a file for `--config`
    pub(crate) spec: Value,
    /// jobs with the same one run one after the other
    pub(crate) subject: String,
    pub(crate) priority: i32,
    pub(crate) on_busy: OnBusy,
    pub(crate) idempotency: Option<String>,
    /// the digest of what was asked for
    pub(crate) request: String,
}

/// The device that a job works on.
pub(crate) fn device_of(subject: &str) -> Option<Device> {
    let mut parts = subject.splitn(3, '/');
    Device::new(parts.next()?, parts.next()?).ok()
}

fn check_priority(priority: i32) -> Result<(), Fault> {
    match priority {
        -1000..=1000 => Ok(()),
        _ => Err(Fault::Request(format!("priority {priority}: it is from -1000 to 1000"))),
    }
}

impl JoinRequest {
    /// The digest of what is asked for.
    pub(crate) fn fingerprint(&self, device: &Device) -> String {
        fingerprint(&json!([device.task, device.device, self]))
    }

    /// # Errors
    /// `Name`, `Request`; `NotFound` when the folder of the segments is not there; `Conflict` when
    /// there is such an output already, or a link in the folder.
    pub(crate) fn submission(
        &self,
        root: &Path,
        device: &Device,
        idempotency: Option<String>,
    ) -> Result<Submission, Fault> {
        check_priority(self.priority)?;
        if self.path != "." {
            check_path("path", &self.path)?;
        }
        check_path("output", &self.output)?;
        if Path::new(&self.output).extension().is_none() {
            let said = "its extension names the container, such as .mp4";
            return Err(Fault::name("output", &self.output, said));
        }
        let home = root.join(&device.task).join(&device.device);
        let (folder, output) = (home.join(&self.path), home.join(&self.output));
        let shown = format!("{}/{}/{}", device.task, device.device, self.path);
        if !folder.is_dir() {
            return Err(Fault::NotFound(format!("folder {shown}")));
        }
        refuse_links(root, &folder)?;
        refuse_links(root, output.parent().unwrap_or(root))?;
        if !self.overwrite && output.symlink_metadata().is_ok() {
            let said = format!("{} is there already; overwrite replaces it", self.output);
            return Err(Fault::Conflict(said));
        }
        let spec = json!({
            "input": [folder], "output": output, "order": self.order,
            "delete-sources": self.delete_sources, "overwrite": self.overwrite,
            "skip-bad": self.skip_bad, "reencode-odd": self.reencode_odd,
            "chapters": self.chapters, "require": true,
        });
        Ok(Submission {
            verb: "join".to_owned(),
            spec,
            subject: format!("{}/{}", device.task, device.device),
            priority: self.priority,
            on_busy: self.on_busy,
            idempotency,
            request: self.fingerprint(device),
        })
    }
}

fn fingerprint(request: &Value) -> String {
    filmgate_core::digest::of_bytes(request.to_string().as_bytes())
}

/// Whether a path reaches through a symbolic link, or one lies in it: a join follows links.
fn refuse_links(root: &Path, path: &Path) -> Result<(), Fault> {
    let link = |path: &Path| {
        Err(Fault::Conflict(format!(
            "{}: is a symbolic link, which could lead out of the root",
            path.strip_prefix(root).unwrap_or(path).display()
        )))
    };
    let mut at = path;
    while at != root {
        if at.is_symlink() {
            return link(at);
        }
        at = at.parent().unwrap_or(root);
    }
    let Ok(entries) = std::fs::read_dir(path) else { return Ok(()) };
    for entry in entries.flatten() {
        let kind = entry.file_type();
        if kind.as_ref().is_ok_and(std::fs::FileType::is_symlink) {
            return link(&entry.path());
        }
        if kind.is_ok_and(|kind| kind.is_dir()) {
            refuse_links(root, &entry.path())?;
        }
    }
    Ok(())
}

/// Keys whose values are paths.
const PATHS: [&str; 7] = ["input", "image", "audio", "output", "also", "into", "tags"];

/// Keys that a request may have beside paths and plugins: none of them can name a file, a device or
/// an option of libav that does.
const HARMLESS: [&str; 40] = [
    "start",
    "at",
    "duration",
    "max-frames",
    "map",
    "no-audio",
    "every",
    "fps",
    "keyframes",
    "scene",
    "workers",
    "on-failure",
    "deadline",
    "memory",
    "overwrite",
    "fragmented",
    "codec",
    "preset",
    "tune",
    "crf",
    "bitrate",
    "maxrate",
    "bufsize",
    "keyframe-interval",
    "profile",
    "pix-fmt",
    "quality",
    "subsampling",
    "keep",
    "compare",
    "accept-truncated",
    "order",
    "skip-bad",
    "reencode-odd",
    "drop-audio",
    "gap",
    "chapters",
    "no-faststart",
    "delete-sources",
    "require",
];

impl JobRequest {
    /// The digest of what is asked for.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&json!([self]))
    }

    /// # Errors
    /// `Name`, `Request`, `Conflict`.
    pub(crate) fn submission(
        &self,
        root: &Path,
        idempotency: Option<String>,
    ) -> Result<Submission, Fault> {
        check_priority(self.priority)?;
        if !["run", "join", "split", "frame"].contains(&&*self.verb) {
            let said = format!("verb {:?}: it is run, join, split or frame", self.verb);
            return Err(Fault::Request(said));
        }
        let mut spec = self.spec.clone();
        for (key, value) in &mut spec {
            match key.as_str() {
                key if PATHS.contains(&key) => confine(key, value, root)?,
                "plugin" => check_plugins(value)?,
                key if HARMLESS.contains(&key) => {}
                _ => return Err(Fault::Request(format!("spec: {key:?} is not allowed here"))),
            }
        }
        let spec = Value::Object(spec);
        let wrong = |e: serde_json::Error| Fault::Request(format!("spec: {e}"));
        if self.verb == "join" {
            let spec: JoinSpec = serde_json::from_value(spec.clone()).map_err(wrong)?;
            spec.check().map_err(|e| Fault::Request(format!("spec: {e}")))?;
        } else {
            let mut typed = spec.clone();
            typed["verb"] = json!(self.verb);
            let typed: JobSpec = serde_json::from_value(typed).map_err(wrong)?;
            typed.check().map_err(|e| Fault::Request(format!("spec: {e}")))?;
        }
        let output = match &spec["output"] {
            Value::Array(all) => all.first().and_then(Value::as_str),
            one => one.as_str(),
        };
        let output = output.or_else(|| spec["into"].as_str()).unwrap_or_default();
        let subject = Path::new(output).strip_prefix(root).unwrap_or(Path::new(output));
        Ok(Submission {
            verb: self.verb.clone(),
            subject: subject.to_string_lossy().into_owned(),
            priority: self.priority,
            on_busy: self.on_busy,
            idempotency,
            request: self.fingerprint(),
            spec,
        })
    }
}

/// Makes paths below the root absolute.
fn confine(key: &str, value: &mut Value, root: &Path) -> Result<(), Fault> {
    match value {
        Value::String(path) => {
            check_path(key, path)?;
            let absolute = root.join(&path);
            let mut folder = absolute.clone();
            while !folder.exists() && folder.pop() {}
            refuse_links(root, if folder.starts_with(root) { &folder } else { root })?;
            *path = absolute.to_string_lossy().into_owned();
            Ok(())
        }
        Value::Array(all) => all.iter_mut().try_for_each(|one| confine(key, one, root)),
        _ => Err(Fault::Request(format!("spec: {key}: it is a path, or a list of paths"))),
    }
}

/// Plugins are those of the server's own folders, without grants, and none of their parameters can
/// name a file.
fn check_plugins(value: &Value) -> Result<(), Fault> {
    let wrong = |text: String| Err(Fault::Request(format!("spec: plugin: {text}")));
    let Value::Array(plugins) = value else { return wrong("it is a list".to_owned()) };
    for plugin in plugins {
        let name = plugin["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.contains(['/', ':', '\\']) || name.ends_with(".wasm") {
            return wrong(format!("{name:?} is not the name of a plugin of the server"));
        }
        if plugin.get("grants").is_some() {
            return wrong("grants are not given by request".to_owned());
        }
        let parameters = plugin["parameters"].as_object().into_iter().flatten();
        for (key, value) in parameters {
            let text = value.as_str().unwrap_or_default();
            if text.contains('/') || text.contains("..") {
                return wrong(format!("{name}: {key}: files are not named by request"));
            }
        }
    }
    Ok(())
}
