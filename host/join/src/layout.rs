//! How the output is laid out before its first packet: its streams, and the room for its index.

use super::nal::{Framing, Setup, UnitCodec};
use super::payload::adts_config;
use super::plan::{Plan, Units};
use super::settings::Settings;
use super::written::Written;
use filmgate_av::{Chapter, Input, Like, MediaError};

/// How the stream of a track differs from its model.
pub(super) fn like(plan: &Plan, number: usize, input: &mut Input) -> Result<Like, MediaError> {
    let track = &plan.tracks[number];
    let shape = &plan.segments[track.model.0].shapes[track.model.1];
    let mut like = Like { time_base: track.clock, tag: None, extradata: None };
    if let Some(codec) = UnitCodec::of(&track.codec).filter(|_| !track.cover) {
        if track.in_band && matches!(&*plan.format, "mp4" | "mov") {
            // Parameter sets among the samples, too (ISO/IEC 14496-15, 5.4.2 and 8.4.1).
            like.tag = Some(if codec == UnitCodec::Avc { *b"avc3" } else { *b"hev1" });
        }
        if let Units::Rewrite { to: Framing::StartCodes, .. } = track.units {
            like.extradata = Setup::read(codec, &shape.extradata).map(|s| s.with_start_codes());
        }
    }
    if track.codec == "aac" && shape.extradata.is_empty() {
        let stream = track.model.1;
        for _ in 0..4096 {
            let Some(packet) = input.read()? else { break };
            if packet.stream() == stream {
                like.extradata = adts_config(packet.data()).map(|c| c.to_vec());
                break;
            }
        }
    }
    Ok(like)
}

/// Bytes to keep in front of an mp4 for its index, so that it need not be moved there; 0 if
/// that is unknown.
pub(super) fn room(plan: &Plan, settings: &Settings) -> u64 {
    if !settings.faststart || !matches!(&*plan.format, "mp4" | "mov") {
        return 0;
    }
    let mut packets = vec![0; plan.tracks.len()];
    let mut keys = 0;
    for (_, planned) in plan.joined() {
        for (track, stream) in planned.streams.iter().enumerate() {
            let Some(stream) = *stream else { continue };
            if plan.tracks[track].cover {
                continue;
            }
            let Some(index) = planned.segment.own.get(stream).and_then(|o| o.index) else {
                return 0;
            };
            packets[track] += index.packets;
            keys += index.keys;
        }
    }
    let chapters: u64 = plan.joined().map(|(_, p)| chapter_bytes(&p.segment.chapters)).sum();
    super::index_space::needed(&packets, keys, plan.segments.len() as u64) + chapters
}

/// What chapters take in an index: a sample of the track that carries them, and a line of `chpl`.
fn chapter_bytes(chapters: &[Chapter]) -> u64 {
    chapters.iter().map(|c| 512 + c.title.len() as u64).sum()
}

/// What the index that was written may take at most.
pub(super) fn spent(plan: &Plan, written: &Written) -> u64 {
    let packets: Vec<u64> = written.tracks.iter().map(|t| t.packets + t.silent).collect();
    let keys = written.tracks.iter().map(|t| t.keys).sum();
    let places = written.seams.iter().map(|s| s.place);
    let chapters: u64 = places.map(|p| chapter_bytes(&plan.segments[p].segment.chapters)).sum();
    super::index_space::needed(&packets, keys, written.seams.len() as u64) + chapters
}
