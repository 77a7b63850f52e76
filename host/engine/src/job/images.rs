//! Images of `split`: which frames, where they go, how they are named and written.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::names::Names;
use crate::error::PipelineError;
use crate::sink::{Bound, Namer};
use crate::source::{Choice, Rate};
use crate::spec::{
    CrashPolicy, Every, Fault, JobSpec, Pairs, PluginSpec, Request, SpecError, Subsampling,
};
use filmgate_core::cancel::Cancel;
use filmgate_picture::WriteOptions;
use filmgate_plugin::{Engine, Supervisor};

/// Quality of JPEG, of 100.
const QUALITY: u8 = 85;

/// Which frames of the source.
pub(super) fn choice(spec: &JobSpec) -> Choice {
    let rate = match (spec.every, spec.fps) {
        (Some(Every::Frames(n)), _) => Rate::Every(n),
        (Some(Every::Time(time)), _) => Rate::PerSecond(1.0 / time.0.as_secs_f64()),
        (_, Some(rate)) => Rate::PerSecond(rate.0),
        _ => Rate::All,
    };
    Choice { keyframes: spec.keyframes, rate }
}

/// How images are written.
pub(super) fn write_options(spec: &JobSpec) -> WriteOptions {
    WriteOptions {
        quality: spec.quality.and_then(|q| u8::try_from(q.0).ok()).unwrap_or(QUALITY),
        subsampling: spec.subsampling.unwrap_or_default().into(),
    }
}

/// How many images stay in the folder, and for how long.
pub(super) fn bound(spec: &JobSpec) -> Bound {
    Bound { pictures: spec.keep.map(|n| n.0), age: spec.keep_for.map(|t| t.0) }
}

impl From<Subsampling> for filmgate_picture::Subsampling {
    fn from(subsampling: Subsampling) -> filmgate_picture::Subsampling {
        match subsampling {
            Subsampling::Yuv420 => filmgate_picture::Subsampling::Quarter,
            Subsampling::Yuv422 => filmgate_picture::Subsampling::Half,
            Subsampling::Yuv444 => filmgate_picture::Subsampling::None,
        }
    }
}

/// Makes the folder of the images; its parent must exist.
///
/// # Errors
/// Spec: the output cannot be written.
pub(super) fn make_folder(folder: &Path) -> Result<(), SpecError> {
    let unwritable = |what: String| {
        SpecError::new(Fault::OutputUnwritable, format!("{}: {what}", folder.display()))
    };
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => {
            Err(unwritable(format!("the folder cannot be made: {e}")))
        }
        Err(_) if !folder.is_dir() => Err(unwritable("is not a folder".to_owned())),
        _ => Ok(()),
    }
}

/// Starts the naming policy, with the usual limits.
///
/// # Errors
/// Plugin.
pub(super) fn namer(names: &Names, engine: &Engine) -> Result<Namer, PipelineError> {
    let plugins = std::slice::from_ref(&names.policy);
    let request = Request { plugins, ..Request::default() };
    let policy = request.load_each(engine)?.pop();
    let policy = policy.ok_or_else(|| SpecError::usage("there is no naming policy"))?;
    Ok(Namer::new(policy.plugin, policy.parameters, &names.folder)?)
}

/// What finds scenes, where they are asked for.
pub(super) fn scene_plugin(spec: &JobSpec) -> Option<PluginSpec> {
    Some(PluginSpec {
        name: "scene".to_owned(),
        parameters: Pairs(vec![("threshold".to_owned(), spec.scene?.to_string())]),
        // Without it there is nothing to choose by.
        on_failure: Some(CrashPolicy::Fail),
        ..PluginSpec::default()
    })
}

/// The plugin that finds scenes, where they are asked for, with the limits of the other plugins.
///
/// # Errors
/// Plugin.
pub(super) fn scene(
    spec: &JobSpec,
    engine: &Engine,
    cancel: &Cancel,
) -> Result<Option<Arc<Supervisor>>, PipelineError> {
    let Some(plugin) = scene_plugin(spec) else { return Ok(None) };
    let plugins = std::slice::from_ref(&plugin);
    let request = Request { plugins, grants: &[], ..spec.plugins() };
    Ok(request.load(engine, cancel)?.supervisors.pop())
}
