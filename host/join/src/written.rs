//! What a join has written, as far as the proof and the receipt have to know it.

use super::ledger::Ledger;
use super::plugin_transcode::FrameCounts;

/// What was written, for the proof and the receipt.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub tracks: Vec<WrittenTrack>,
    pub seams: Vec<Seam>,
    /// nanoseconds: where the last segment ends
    pub duration: i64,
    /// timestamps that had to be moved to rise
    pub retimed: u64,
    /// timestamp discontinuities within segments that were removed
    pub jumps: u64,
    pub notes: Vec<String>,
    /// the sources are transparent somewhere, and the output is not
    pub loses_alpha: bool,
    /// of video that was re-encoded
    pub frames: FrameCounts,
}

#[derive(Clone, Debug, Default)]
pub struct WrittenTrack {
    /// packets of the sources
    pub packets: u64,
    /// bytes of their payload
    pub bytes: u64,
    /// packets of silence put in
    pub silent: u64,
    /// packets of sound left out at seams: what winds decoders up and fills last packets
    pub left_out: u64,
    /// payloads in their order, silence among them, and when they are to be shown or heard, in the
    /// track's clock
    pub(super) ledger: Ledger,
    /// what all of them are played for by a player that knows of no time stamps, in the track's
    /// clock
    pub length: i64,
    /// bytes of the payload of all packets, silence too
    pub total: u64,
    pub keys: u64,
    /// nanoseconds: the first time that something is shown or heard, and the last one at which
    /// something ends
    pub span: Option<(i64, i64)>,
    /// nanoseconds: its longest packet
    pub longest: i64,
}

impl WrittenTrack {
    pub(super) fn reach(&mut self, start: i64, end: i64) {
        self.longest = self.longest.max(end - start);
        let (first, last) = self.span.unwrap_or((start, end));
        self.span = Some((first.min(start), last.max(end)));
    }
}

/// Where a segment begins in the output.
#[derive(Clone, Debug)]
pub struct Seam {
    pub place: usize,
    /// nanoseconds on the output's time line
    pub at: i64,
    /// for each track, its first packet there (of PCM: its first sample), and by how much the segment's own clock puts that
    /// behind the seam, in nanoseconds
    pub first: Vec<Option<(u64, i64)>>,
}
