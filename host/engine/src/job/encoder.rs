//! Encoder and its options.

use super::{usage, usage_of};
use crate::error::PipelineError;
use crate::sink::{Output, Target};
use crate::spec::{Crf, JobSpec, Length, Verb};
use filmgate_av::{
    EncodeOptions, check_words, default_encoder, encoder_named, picture_encoder, pixel_format,
    takes_option,
};
use filmgate_core::frame::Rational;

/// Time between keyframes of `encode`, seconds: how soon a viewer can join.
const KEYFRAMES: f64 = 2.0;

/// The encoder that the description asks for, or the usual one of the verb and of the first output.
/// The keyframe interval needs the frame rate: see [`set_keyframe_interval`].
///
/// # Errors
/// Unsupported for encoders that there are not; usage for options that the encoder does not have.
pub(super) fn encoder(spec: &JobSpec, outputs: &[Output]) -> Result<EncodeOptions, PipelineError> {
    let live = spec.verb == Verb::Encode;
    let usual = if live { "h264" } else { outputs.first().map_or("h264", usual) };
    let codec = encoder_named(spec.codec.as_deref().unwrap_or(usual))?;
    let fits = |key: &str, value: &str| !spec.is_default(key) || takes_option(&codec, key, value);
    let preset = spec.preset.clone().filter(|p| fits("preset", p));
    let is_outside = |c: &Crf| c.0 > 51.0 && codec.starts_with("libx26");
    let crf = spec.crf.filter(|c| {
        let is_free = spec.bitrate.is_none() && !is_outside(c) && fits("crf", &c.to_string());
        is_free || !spec.is_default("crf")
    });
    if let Some(crf) = crf.filter(is_outside) {
        return Err(usage(format!("--crf {crf}: {codec} takes 0 to 51")));
    }
    // A push has to keep up with its source, and viewers want it soon.
    let fast = |word: &str| (live && codec.starts_with("libx26")).then(|| word.to_owned());
    let preset = preset.or_else(|| fast("ultrafast"));
    let tune = spec.tune.clone().or_else(|| fast("zerolatency"));
    check_words(&codec, preset.as_deref(), tune.as_deref()).map_err(usage_of)?;
    let wanted = if live { Some(encode_format(spec)) } else { spec.pix_fmt.as_deref() };
    Ok(EncodeOptions {
        codec,
        preset,
        tune,
        crf: crf.map(|c| c.0),
        bit_rate: spec.bitrate.map(|b| b.0),
        pixel_format: wanted.map(pixel_format).transpose().map_err(usage_of)?,
        options: options(spec),
        ..EncodeOptions::default()
    })
}

/// The pixel format that `encode` encodes.
pub(super) fn encode_format(spec: &JobSpec) -> &str {
    spec.output_pix_fmt.as_deref().unwrap_or("yuv420p")
}

/// The encoder for an output where none is asked for.
fn usual(output: &Output) -> &'static str {
    match &output.target {
        Target::Images(path) => picture_encoder(&super::outputs::extension(path)).unwrap_or("png"),
        _ => default_encoder(&output.format),
    }
}

/// Options by the encoder's own names. Those that are given as such come first.
fn options(spec: &JobSpec) -> Vec<(String, String)> {
    let mut options = Vec::new();
    if let Some(most) = spec.maxrate {
        options.push(("maxrate".to_owned(), most.to_string()));
        options.push(("bufsize".to_owned(), spec.bufsize.unwrap_or(most).to_string()));
    }
    options.extend(spec.profile.iter().map(|p| ("profile".to_owned(), p.clone())));
    let own = &spec.encoder_option.0;
    options.retain(|(key, _)| !own.iter().any(|(other, _)| other == key));
    options.extend(own.iter().cloned());
    options
}

/// Sets the time from keyframe to keyframe, which encoders count in frames. `rate` is that of the
/// source; without it that of raw frames counts, which is 25 a second by default.
pub(super) fn set_keyframe_interval(
    encode: &mut EncodeOptions,
    spec: &JobSpec,
    rate: Option<Rational>,
) {
    let usual = (spec.verb == Verb::Encode).then_some(KEYFRAMES);
    let seconds = spec.keyframe_interval.map(seconds).or(usual);
    let is_given = encode.options.iter().any(|(key, _)| key == "g");
    let (Some(seconds), false) = (seconds, is_given) else { return };
    let rate = rate.or(spec.rate.map(|r| r.0));
    let rate = rate.map_or(25.0, |r| f64::from(r.num) / f64::from(r.den.max(1)));
    let frames = (seconds * rate).round().max(1.0);
    encode.options.insert(0, ("g".to_owned(), frames.to_string()));
}

/// Seconds between keyframes, for the segments of playlists.
pub(super) fn keyframe_seconds(spec: &JobSpec) -> f64 {
    spec.keyframe_interval.map_or(KEYFRAMES, seconds)
}

fn seconds(length: Length) -> f64 {
    length.0.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Pairs;

    #[test]
    fn own_options_come_first() {
        let spec = JobSpec {
            verb: Verb::Encode,
            maxrate: "2M".parse().ok(),
            encoder_option: Pairs(vec![("bufsize".to_owned(), "1".to_owned())]),
            ..JobSpec::default()
        };
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(options(&spec), [pair("maxrate", "2000000"), pair("bufsize", "1")]);
        let mut encode = EncodeOptions::default();
        set_keyframe_interval(&mut encode, &spec, Some(Rational { num: 30_000, den: 1001 }));
        assert_eq!(encode.options, [pair("g", "60")]);
    }
}
