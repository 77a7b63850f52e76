//! Whether the container of a segment has presentation timestamps. AVI and elementary streams have
//! decoding times only; with B-frames these are in another order.

use super::error::JoinError;
use super::plan::Planned;
use filmgate_av::{Input, MediaError, Packet, Shape, StreamKind, is_packed, is_told_by_order};

/// Where the presentation timestamps of video come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Display {
    /// the container; or nothing is reordered
    #[default]
    Told,
    /// the order of the packets
    ByOrder,
    /// nowhere, for this reason
    Unknown(&'static str),
}

/// Packets of the video that are examined, and of all streams.
const LOOK: (usize, usize) = (64, 4096);

/// Examines the first packets of a segment's video. Read errors are found when it is joined.
pub(super) fn of(input: &mut Input, shapes: &[Shape]) -> Display {
    let film = |s: &&Shape| s.facts.kind == StreamKind::Video && !s.facts.attached_picture;
    match shapes.iter().find(film) {
        Some(film) if film.reorders => look(input, film).unwrap_or_default(),
        _ => Display::Told,
    }
}

fn look(input: &mut Input, film: &Shape) -> Result<Display, MediaError> {
    let codec = &*film.facts.codec;
    let (mut seen, mut told, mut decoded) = (0, true, true);
    for _ in 0..LOOK.1 {
        let Some(packet) = input.read()? else { break };
        if packet.stream() != film.facts.index {
            continue;
        }
        told &= packet.pts().is_some();
        decoded &= packet.dts().is_some();
        if is_packed(codec, packet.data()) {
            return Ok(Display::Unknown("two frames are packed into one packet"));
        }
        seen += 1;
        if seen == LOOK.0 {
            break;
        }
    }
    Ok(match (told, decoded && is_told_by_order(codec)) {
        (true, _) => Display::Told,
        (false, true) => Display::ByOrder,
        (false, false) => Display::Unknown("its container has no presentation timestamps"),
    })
}

/// Has the presentation timestamps filled in, if the container has none.
pub(super) fn derive_display_times(input: &mut Input, planned: &Planned) {
    let film = planned.segment.of_kind(StreamKind::Video).next();
    if let Some(film) = film.filter(|_| planned.segment.display == Display::ByOrder) {
        input.derive_display_times(film);
    }
}

/// The decoding time of a frame is not its presentation time if frames are reordered.
pub(super) fn unshown(packet: &Packet) -> JoinError {
    let at = packet.decode_time().map_or(String::new(), |t| format!(" at {:.3} s", t as f64 / 1e9));
    JoinError::Unfit(format!(
        "stream {}: the packet{at} has no display time, and pictures are reordered; `filmgate run` \
         re-encodes the segment, --skip-bad leaves it out",
        packet.stream()
    ))
}
