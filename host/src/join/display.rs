//! Whether the container of a segment tells when its pictures are shown. AVI and elementary streams
//! tell when packets are decoded; with B pictures that is another order.

use crate::media::{Input, MediaError, Shape, StreamKind, is_packed, is_told_by_order};

/// Where the display times of a film come from.
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

/// Packets of the film that are looked at, and of all streams.
const LOOK: (usize, usize) = (64, 4096);

/// Looks at the first packets of a segment's film. What cannot be read is found when it is joined.
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
            return Ok(Display::Unknown("two pictures are packed into one packet"));
        }
        seen += 1;
        if seen == LOOK.0 {
            break;
        }
    }
    Ok(match (told, decoded && is_told_by_order(codec)) {
        (true, _) => Display::Told,
        (false, true) => Display::ByOrder,
        (false, false) => Display::Unknown("its container does not tell when pictures are shown"),
    })
}
