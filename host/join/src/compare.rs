//! What differs between two streams, field by field, and what that means for joining them.

use serde::Serialize;

use super::nal::{Setup, UnitCodec};
use filmgate_av::{Shape, StreamKind};
use filmgate_core::frame::{Color, Rational};

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// noted
    Cosmetic,
    /// repaired without re-encoding
    Repairable,
    /// the segment does not fit
    Fatal,
}

/// One difference of a segment from the first one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `video`, `audio` …
    pub kind: &'static str,
    pub field: &'static str,
    pub first: String,
    pub this: String,
    pub weight: Weight,
    /// what is done about it
    pub remedy: &'static str,
}

impl Difference {
    /// `resolution: 1280x720, the first has 640x360`
    pub fn text(&self) -> String {
        let (kind, field, this) = (self.kind, self.field, &self.this);
        match &*self.first {
            "" => format!("{kind} {field}: {this}"),
            first => format!("{kind} {field}: {this}, the first has {first}"),
        }
    }
}

/// Whether two shapes are the same in every field that is compared, and in what they are told
/// decoders.
pub fn is_same(a: &Shape, b: &Shape) -> bool {
    a.extradata == b.extradata
        && a.facts.index == b.facts.index
        && a.facts.attached_picture == b.facts.attached_picture
        && a.facts.language == b.facts.language
        && fields(a).into_iter().eq(fields(b))
}

struct Field {
    name: &'static str,
    value: String,
    weight: Weight,
    remedy: &'static str,
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        (self.name, &self.value) == (other.name, &other.value)
    }
}

/// All differences between the first segment's stream and another's.
pub fn differences(first: &Shape, this: &Shape) -> Vec<Difference> {
    let kind = first.facts.kind.name();
    let mut out: Vec<Difference> = fields(first)
        .into_iter()
        .zip(fields(this))
        .filter(|(a, b)| a != b && !(either_unknown(&a.value, &b.value) && may_be_unknown(a.name)))
        .map(|(a, b)| Difference {
            kind,
            field: a.name,
            first: known(a.value),
            this: known(b.value),
            weight: a.weight,
            remedy: a.remedy,
        })
        .collect();
    // With another codec all else differs, too, and says nothing.
    if let Some(codec) = out.iter().find(|d| d.field == "codec") {
        return vec![codec.clone()];
    }
    out.extend(setup(first, this));
    out
}

fn either_unknown(a: &str, b: &str) -> bool {
    a.is_empty() || b.is_empty()
}

/// Fields that many containers and encoders do not tell.
fn may_be_unknown(field: &str) -> bool {
    !matches!(field, "codec" | "resolution" | "rotation" | "sample rate" | "channel layout")
}

fn known(value: String) -> String {
    if value.is_empty() { "unknown".to_owned() } else { value }
}

fn fields(shape: &Shape) -> Vec<Field> {
    use Weight::{Cosmetic, Fatal, Repairable};
    let mut out = Vec::with_capacity(12);
    let mut field = |name, value: String, weight, remedy| {
        out.push(Field { name, value, weight, remedy });
    };
    let units = UnitCodec::of(&shape.facts.codec).is_some();
    field("codec", shape.facts.codec.clone(), Fatal, "");
    // Which profile it is stands in the parameter sets, where there are such.
    let in_band = "its parameter sets are written before its keyframes";
    let profile = if units { Repairable } else { Fatal };
    field("profile", shape.profile.clone(), profile, in_band);
    let rational = |r: Rational| format!("{}/{}", r.num, r.den);
    field("time base", rational(shape.facts.time_base), Repairable, "times are converted");
    if let Some(video) = &shape.facts.video {
        let level = if shape.level > 0 { shape.level.to_string() } else { String::new() };
        field("level", level, if units { Repairable } else { Cosmetic }, in_band);
        field("resolution", format!("{}x{}", video.width, video.height), Fatal, "");
        field("pixel format", video.pixel_format.clone(), Fatal, "");
        field("sample aspect ratio", rational(video.sample_aspect), Fatal, "");
        field("rotation", video.rotation.to_string(), Fatal, "");
        let Color { range, space, primaries, transfer } = video.color.clone();
        field("colour range", range.unwrap_or_default(), Fatal, "");
        field("colour matrix", space.unwrap_or_default(), Fatal, "");
        field("colour primaries", primaries.unwrap_or_default(), Fatal, "");
        field("transfer function", transfer.unwrap_or_default(), Fatal, "");
        field("field order", shape.field_order.to_owned(), profile, in_band);
        let rate = shape.facts.frame_rate.map(rational).unwrap_or_default();
        field("frame rate", rate, Cosmetic, "every frame keeps its time");
    }
    if let Some(audio) = &shape.facts.audio {
        field("sample rate", audio.sample_rate.to_string(), Fatal, "");
        let layout = if shape.layout.is_empty() {
            format!("{} channels", audio.channels)
        } else {
            shape.layout.clone()
        };
        field("channel layout", layout, Fatal, "");
    }
    out
}

/// What the decoders are told: of H.264 and HEVC the parameter sets, of AAC the object type, rate
/// and channels, of all others everything.
fn setup(first: &Shape, this: &Shape) -> Option<Difference> {
    let (a, b) = (&first.extradata, &this.extradata);
    if a == b || first.facts.kind == StreamKind::Subtitle {
        return None;
    }
    let difference = |weight, remedy| Difference {
        kind: first.facts.kind.name(),
        field: "parameter sets",
        first: digest(a),
        this: digest(b),
        weight,
        remedy,
    };
    if let Some(codec) = UnitCodec::of(&first.facts.codec) {
        let (a, b) = (Setup::read(codec, a), Setup::read(codec, b));
        return match (a, b) {
            (Some(a), Some(b)) if a.sets == b.sets => None,
            (Some(_), Some(_)) => {
                Some(difference(Weight::Repairable, "they are written before its keyframes"))
            }
            _ => Some(difference(Weight::Fatal, "")),
        };
    }
    match &*first.facts.codec {
        // AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): 5 bits, 4 bits, 4 bits; ADTS has none.
        "aac" if a.is_empty() || b.is_empty() => None,
        "aac" if a.len() >= 2 && b.len() >= 2 && (a[0], a[1] & 0xf8) == (b[0], b[1] & 0xf8) => None,
        // The samples to skip in front differ and are not used within a join (RFC 7845, 5.1).
        "opus" if opus(a).is_some() && opus(a) == opus(b) => {
            Some(difference(Weight::Cosmetic, "what it skips is left out"))
        }
        // The sequence header stands before every key frame, too (AV1 in ISOBMFF, 2.4).
        "av1" => Some(difference(Weight::Repairable, "its keyframes have their own")),
        "mjpeg" | "vp8" | "vp9" => Some(difference(Weight::Cosmetic, "every packet has its own")),
        _ => Some(difference(Weight::Fatal, "")),
    }
}

/// `OpusHead` without its pre-skip and original rate.
fn opus(extradata: &[u8]) -> Option<(&[u8], &[u8])> {
    Some((extradata.get(8..10)?, extradata.get(16..)?))
}

fn digest(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        "none".to_owned()
    } else {
        format!("{:08x}", xxhash_rust::xxh3::xxh3_64(bytes) >> 32)
    }
}
