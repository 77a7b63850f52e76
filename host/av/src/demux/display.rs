//! Display times for streams whose container tells decoding times alone (AVI, elementary streams),
//! where they follow from the order of the packets: MPEG-1, MPEG-2 and MPEG-4 part 2.
//!
//! A decoder of these shows a picture that others refer to (I, P) when the next one of these comes,
//! and a B picture at once (ISO/IEC 13818-2, 6.1.1.11): I0 P3 B1 B2 P6, decoded at 0 1 2 3 4, are
//! shown at 1 4 2 3 7. libav's parser tells B pictures by their headers and gives them a display
//! time; those of the others are missing and are filled in here. In containers that tell none, the
//! first picture is shown where the file begins: 0 3 1 2 6.
//!
//! H.264 and later codecs count their order in every slice; nothing of that is done here.

use std::collections::VecDeque;

use crate::demux::jumps::Jumps;
use crate::demux::open::Input;
use crate::demux::packet::Packet;
use crate::error::{MediaError, MediaErrorKind as Kind};

/// More B pictures in a row than any encoder makes.
const MOST: usize = 64;

/// The packets of one stream on their way to their display times.
pub(crate) struct Display {
    stream: usize,
    /// from the last reference picture on, which has none yet
    held: VecDeque<Packet>,
    ready: VecDeque<Packet>,
    /// in the stream's time base: what every time is moved back by
    late: Option<i64>,
}

/// Whether the order of its packets tells the display times of a codec, by libav's name.
pub fn is_told_by_order(codec: &str) -> bool {
    matches!(codec, "mpeg1video" | "mpeg2video" | "mpeg4")
}

/// Whether a packet of MPEG-4 part 2 holds two pictures, as DivX packed them: the second one has no
/// time of its own. Pictures begin with 00 00 01 B6 (ISO/IEC 14496-2, 6.2.1).
pub fn is_packed(codec: &str, data: &[u8]) -> bool {
    codec == "mpeg4" && data.windows(4).filter(|w| *w == [0, 0, 1, 0xb6]).nth(1).is_some()
}

impl Input {
    /// The next packet in the order of the file; none at its end.
    ///
    /// # Errors
    /// Truncated, once, where the file ends before it should: what was read is all there is, and
    /// later calls give none. Cancelled; Read for a failing disk or damage that stops the demuxer.
    pub fn read(&mut self) -> Result<Option<Packet>, MediaError> {
        if let Some(packet) = self.sought.pop_front() {
            return Ok(Some(packet));
        }
        let mut packet = self.read_displayed()?;
        if let (Some(jumps), Some(packet)) = (&mut self.jumps, &mut packet) {
            jumps.smooth(packet);
        }
        Ok(packet)
    }

    fn read_displayed(&mut self) -> Result<Option<Packet>, MediaError> {
        loop {
            match &mut self.display {
                None => return self.read_stored(),
                Some(display) => {
                    if let Some(packet) = display.next() {
                        return Ok(Some(packet));
                    }
                }
            }
            let stored = self.read_stored()?;
            let Some(display) = &mut self.display else { return Ok(stored) };
            match stored {
                Some(packet) => display.push(packet)?,
                None => {
                    display.end();
                    return Ok(display.next());
                }
            }
        }
    }

    /// From now on [`Input::read`] removes timestamp discontinuities, in containers that are made for
    /// streams whose clock may jump ([`MediaFacts::clock_may_jump`]): MPEG-TS, MPEG-PS, FLV, Ogg.
    ///
    /// [`MediaFacts::clock_may_jump`]: crate::MediaFacts::clock_may_jump
    pub fn remove_jumps(&mut self) {
        if self.facts.clock_may_jump {
            self.jumps = Some(Jumps::new(&self.facts, self.path().display().to_string()));
        }
    }

    /// How many discontinuities were removed.
    pub fn jumps(&self) -> u64 {
        self.jumps.as_ref().map_or(0, Jumps::count)
    }

    /// Nanoseconds by which libav's display times of a stream are late. AVI tells decoding times alone,
    /// and libav gives a picture the one of the moment at which the decoder lets it out, as many
    /// pictures later as it reorders. A player shows the first one where the file begins.
    pub(crate) fn lateness(&self, stream: usize) -> i64 {
        self.reordered(stream).saturating_mul(self.frame_length(stream))
    }

    /// Nanoseconds by which a keyframe may be shown after it is decoded, where the container does not
    /// tell.
    pub(crate) fn shown_within(&self, stream: usize) -> i64 {
        /// More than any codec reorders.
        const MOST: i64 = 17;
        let most = if self.reordered(stream) > 0 { MOST } else { 0 };
        most * self.frame_length(stream)
    }

    /// By how many pictures a stream reorders whose container does not tell display times.
    fn reordered(&self, stream: usize) -> i64 {
        let Ok(raw) = self.stream(stream) else { return 0 };
        // SAFETY: the stream is the input's and valid.
        let delay = unsafe { (*(*raw).codecpar).video_delay };
        if self.facts.format == "avi" && self.display.is_none() { delay.max(0).into() } else { 0 }
    }

    /// A tick of AVI's clock.
    fn frame_length(&self, stream: usize) -> i64 {
        let base = self.facts.streams.get(stream).map(|s| s.time_base);
        base.map_or(0, |b| i64::from(b.num) * 1_000_000_000 / i64::from(b.den.max(1)))
    }

    /// From now on [`Input::read`] fills in the display times of a stream's packets. The stream is of
    /// a codec of [`is_told_by_order`], and nothing of it was read.
    pub fn derive_display_times(&mut self, stream: usize) {
        let (held, ready) = (VecDeque::new(), VecDeque::new());
        self.display = Some(Display { stream, held, ready, late: None });
    }
}

impl Display {
    /// A packet that can go on.
    pub(crate) fn next(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// # Errors
    /// Decode where the times do not follow from the order.
    pub(crate) fn push(&mut self, packet: Packet) -> Result<(), MediaError> {
        if packet.stream() != self.stream {
            self.ready.push_back(packet);
            return Ok(());
        }
        let Some(dts) = packet.dts() else { return Err(unknown(&packet)) };
        if packet.pts() != Some(dts) || self.held.is_empty() {
            self.shown(dts);
        }
        self.held.push_back(packet);
        if self.held.len() > MOST {
            self.held.back().map_or(Ok(()), |p| Err(unknown(p)))
        } else {
            Ok(())
        }
    }

    /// The last picture is shown when the last packet has been decoded.
    pub(crate) fn end(&mut self) {
        let end = self.held.back().and_then(|p| Some(p.dts()? + p.duration().max(1)));
        if let Some(end) = end {
            self.shown(end);
        }
    }

    /// The reference picture that is held is shown at `time`, and with it all behind it can go on.
    fn shown(&mut self, time: i64) {
        for (number, mut packet) in self.held.drain(..).enumerate() {
            let dts = packet.dts().unwrap_or(time);
            // Of the very first one libav may not know yet that pictures are reordered.
            let known = |pts: &i64| number > 0 || self.late.is_some() || *pts != dts;
            let told = packet.pts().filter(known);
            let pts = told.unwrap_or(if number == 0 { time } else { dts });
            // A container that tells a first time counts by its own clock; one that does not counts
            // packets.
            let late = *self.late.get_or_insert(if told.is_none() { pts - dts } else { 0 });
            packet.set_times(pts - late, dts - late);
            self.ready.push_back(packet);
        }
    }
}

fn unknown(packet: &Packet) -> MediaError {
    let at = packet.time().map_or(String::new(), |t| format!(" behind {:.3} s", t as f64 / 1e9));
    let message =
        format!("stream {}: the display time of a picture{at} is unknown", packet.stream());
    MediaError::new(Kind::Decode, message)
}
