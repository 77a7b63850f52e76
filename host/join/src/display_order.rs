//! Whether the frames of the output are shown in the order that they were coded in. All other checks
//! of the proof compare with what was read of the sources, and would not see a presentation timestamp
//! that was misread there; this one asks a decoder, at the beginning of each kind of segment.

use std::sync::Arc;

use super::plan::{Action, Plan};
use filmgate_av::{Input, Packet, PictureOrder, Shape};

/// Packets that are decoded of each kind: a group of pictures, or enough of it to see how frames are
/// reordered.
const PACKETS: usize = 48;

/// Decodes the beginning of each kind of segment.
#[derive(Default)]
pub(super) struct DisplayOrder {
    seen: Vec<(*const Shape, bool)>,
    now: Option<(PictureOrder, usize, usize)>,
}

impl DisplayOrder {
    /// The segment in this place begins; what is wrong with the one before it: its place.
    pub(super) fn seam(
        &mut self,
        plan: &Plan,
        place: usize,
        (input, stream): (&Input, usize),
    ) -> Result<(), usize> {
        self.end()?;
        let planned = &plan.segments[place];
        let encoded = matches!(planned.action, Action::Reencode { video: true, .. });
        let kind = (Arc::as_ptr(&planned.segment.shapes).cast::<Shape>(), encoded);
        if !self.seen.contains(&kind) {
            self.seen.push(kind);
            // Without a decoder the order cannot be checked.
            self.now = PictureOrder::new(input, stream).ok().map(|order| (order, place, 0));
        }
        Ok(())
    }

    /// The next packet of the film.
    pub(super) fn packet(&mut self, packet: &Packet) -> Result<(), usize> {
        let Some((order, _, count)) = &mut self.now else { return Ok(()) };
        order.send(packet);
        *count += 1;
        if *count < PACKETS { Ok(()) } else { self.end() }
    }

    /// The film ends, or enough of it was seen.
    pub(super) fn end(&mut self) -> Result<(), usize> {
        let Some((order, place, _)) = self.now.take() else { return Ok(()) };
        order.finish().map_or(Ok(()), |_| Err(place))
    }
}
