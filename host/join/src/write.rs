//! Muxing: packets get their times on the time line, and the output is written in one pass.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::clock::{AudioTimeline, Fit, rescale};
use super::error::JoinError;
use super::layout::{like, room, spent};
use super::payload::{SampleBlocks, sample_bytes, with_addition};
use super::plan::Plan;
use super::plugin_transcode::PluginTranscode;
use super::read::{Event, Ready};
use super::segment::quick;
use super::settings::{Gap, Settings};
use super::written::{Seam, Written, WrittenTrack};
use filmgate_av::{
    Chapter, Input, MediaError, MediaErrorKind, Muxer, OpenOptions, Packet, StreamKind, Times,
};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;
use filmgate_core::time::NANOSECONDS;
use filmgate_engine::graph::Progress;

/// Audio that ends later than the video by more than this is not padding: nanoseconds. Padding is
/// shorter than a packet, and the longest usual packets are 2048 samples of HE-AAC at 22.05 kHz,
/// 93 ms.
const TAIL: i64 = 100_000_000;

struct Track {
    kind: StreamKind,
    cover: bool,
    clock: Rational,
    chain: Option<AudioTimeline>,
    silence: Option<filmgate_av::Silence>,
    silent_hash: u64,
    /// samples of a packet
    frame: i64,
    /// not yet known to be heard before the segment ends
    pending: VecDeque<Ready>,
    /// where the segment's packets end, in the clock, from its start
    end: i64,
    /// where the segment starts
    base: i64,
    last_dts: Option<i64>,
    model: bool,
    /// bytes of a sample, and the samples that are to be hashed, of PCM
    samples: Option<(u64, SampleBlocks)>,
}

/// Writes one output.
pub(super) struct Writer<'a> {
    plan: &'a Plan,
    settings: &'a Settings,
    progress: &'a Progress,
    muxer: Muxer,
    tracks: Vec<Track>,
    leader: Option<usize>,
    /// the leader's
    clock: Rational,
    /// where the segment that is being written starts, in `clock`
    at: i64,
    /// the start of the first segment by its own time, nanoseconds
    origin: Option<i64>,
    /// bytes kept in front
    room: u64,
    sort: bool,
    written: Written,
}

impl<'a> Writer<'a> {
    /// Sets the output up: streams and header.
    pub(super) fn begin(
        plan: &'a Plan,
        settings: &'a Settings,
        progress: &'a Progress,
        transcode: Option<&PluginTranscode>,
        file: File,
        name: &Path,
        cancel: &Cancel,
    ) -> Result<Writer<'a>, JoinError> {
        let mut muxer = Muxer::create(&plan.format, Box::new(file), name)?;
        let leader = plan.leader();
        let mut tracks = Vec::with_capacity(plan.tracks.len());
        let mut open: Option<(usize, Input)> = None;
        for (number, track) in plan.tracks.iter().enumerate() {
            let (place, stream) = track.model;
            if open.as_ref().is_none_or(|(p, _)| *p != place) {
                let segment = &plan.segments[place].segment;
                let options = OpenOptions { quick: false, ..quick(cancel) };
                open = Some((place, Input::open(&segment.path, &options)?));
            }
            let Some((_, input)) = &mut open else { continue };
            match transcode.filter(|t| t.track == number) {
                Some(transcode) => {
                    muxer.add_encoded(&transcode.encoder(plan)?, Some((input, stream)))?
                }
                None => {
                    let like = like(plan, number, input)?;
                    muxer.add_like(input, stream, &like)?
                }
            };
            let shape = &plan.segments[place].shapes[stream];
            let sound = track.kind == StreamKind::Audio;
            let silence = if sound { input.silence(stream)? } else { None };
            let samples = sample_bytes(shape).map(|size| (size, SampleBlocks::new(size)));
            let leads = match &*plan.format {
                "avi" => false,
                "mp4" | "mov" => samples.is_none(),
                _ => true,
            };
            let chain = sound.then(|| {
                let silent = silence.as_ref().map(|s| s.samples);
                AudioTimeline::new(silent).leading(leads)
            });
            tracks.push(Track {
                kind: track.kind,
                cover: track.cover,
                clock: track.clock,
                chain,
                silent_hash: silence.as_ref().map_or(0, |s| xxhash_rust::xxh3::xxh3_64(&s.data)),
                silence,
                frame: i64::from(shape.frame_size),
                pending: VecDeque::new(),
                end: 0,
                base: 0,
                last_dts: None,
                model: false,
                samples,
            });
            if number == 0 {
                muxer.set_tags(input);
            }
        }
        drop(open);
        let room = room(plan, settings);
        let options = match room {
            0 if settings.faststart => filmgate_av::header_options(&plan.format, true),
            0 => Vec::new(),
            room => vec![("moov_size".to_owned(), room.to_string())],
        };
        muxer.write_header(&options)?;
        let written =
            Written { tracks: vec![WrittenTrack::default(); tracks.len()], ..Written::default() };
        Ok(Writer {
            plan,
            settings,
            progress,
            muxer,
            clock: leader.map_or(NANOSECONDS, |l| plan.tracks[l].clock),
            leader,
            tracks,
            at: 0,
            origin: None,
            room,
            // The index of an mp4 has every packet's offset (`stco`), so packets keep the interleaving
            // of their segments. All other containers are read in order, and get sorted by dts.
            sort: !matches!(&*plan.format, "mp4" | "mov"),
            written,
        })
    }

    /// Takes what the reader found.
    pub(super) fn take(&mut self, event: Event) -> Result<(), JoinError> {
        match event {
            Event::Begin(place, start) => {
                self.seam(place, start);
                Ok(())
            }
            Event::Packets(packets) => {
                packets.into_iter().try_for_each(|p| self.packet(p).map_err(JoinError::from))
            }
            Event::Frames(more) => {
                let all = &mut self.written.frames;
                all.decoded += more.decoded;
                all.encoded += more.encoded;
                all.damaged += more.damaged;
                if more.lost_alpha {
                    self.lose_alpha("transparency (alpha) is lost where video is re-encoded");
                }
                Ok(())
            }
            Event::End { jumps } => {
                self.written.jumps += jumps;
                self.end().map_err(JoinError::from)
            }
        }
    }

    /// Notes, once, that the output is opaque.
    fn lose_alpha(&mut self, note: &str) {
        if !std::mem::replace(&mut self.written.loses_alpha, true) {
            self.written.notes.push(note.to_owned());
        }
    }

    fn seam(&mut self, place: usize, start: i64) {
        let origin = *self.origin.get_or_insert(start);
        if self.settings.gap == Gap::Keep {
            let own = rescale(start - origin, NANOSECONDS, self.clock);
            if own < self.at {
                let name = self.plan.segments[place].segment.name.display();
                let late = rescale(self.at - own, self.clock, NANOSECONDS);
                self.written.notes.push(format!(
                    "{name} begins {:.3} s before the end of what stands before it; it follows that",
                    late as f64 / 1e9
                ));
            }
            self.at = self.at.max(own);
        }
        let at = self.at;
        for track in &mut self.tracks {
            track.base = rescale(at, self.clock, track.clock);
            track.end = 0;
            if let Some(chain) = &mut track.chain {
                chain.seam();
            }
        }
        self.written.seams.push(Seam {
            place,
            at: rescale(at, self.clock, NANOSECONDS),
            first: vec![None; self.tracks.len()],
        });
    }

    fn packet(&mut self, ready: Ready) -> Result<(), MediaError> {
        let number = ready.track;
        let track = &mut self.tracks[number];
        track.end = track.end.max(ready.pts + ready.duration);
        if track.chain.is_some() {
            track.pending.push_back(ready);
            return if self.leader == Some(number) { self.heard(number) } else { Ok(()) };
        }
        self.picture(ready)?;
        if self.leader == Some(number) {
            for sound in 0..self.tracks.len() {
                self.heard(sound)?;
            }
        }
        Ok(())
    }

    /// Anything but sound: it keeps its time.
    fn picture(&mut self, ready: Ready) -> Result<(), MediaError> {
        let number = ready.track;
        let track = &mut self.tracks[number];
        if track.cover && std::mem::replace(&mut track.model, true) {
            return Ok(());
        }
        let pts = track.base + ready.pts;
        let mut dts = track.base + ready.dts;
        // Decoding times must rise (libav's av_interleaved_write_frame refuses others). A segment with
        // B-frames begins to decode before its first frame is shown: with 2 reordered frames at
        // 25 frames/s its first dts is 80 ms before its pts. Behind a segment that reorders less, that
        // is before the last dts. Only the dts is moved, to one tick after the last; what is shown
        // when does not change. A dts that ends up after its own pts counts as retimed.
        if let Some(last) = track.last_dts.filter(|&last| dts <= last) {
            dts = last + 1;
            self.written.retimed += u64::from(dts > pts);
        }
        track.last_dts = Some(dts);
        let times = Times { pts, dts, duration: ready.duration };
        self.write(number, ready, times)
    }

    /// Writes the audio packets of a track that certainly belong to the output.
    ///
    /// Padding at the end of a segment can only be told from audio once the end of the segment's
    /// video is known, so audio waits until video has passed its middle: a packet that is more than
    /// half inside the segment stays, all others are decided in `end`. `2 * x + length <= 2 * limit`
    /// is `x + length / 2 <= limit` without rounding odd lengths.
    fn heard(&mut self, number: usize) -> Result<(), MediaError> {
        let Some(leader) = self.leader else { return Ok(()) };
        let track = &self.tracks[number];
        if track.chain.is_none() {
            return Ok(());
        }
        let limit = if leader == number {
            // Audio alone: its own last packets may be padding. Four are more than any padding with
            // the priming of the next segment (at most 3 packets, as in `clock`).
            track.end - 4 * track.frame.max(1)
        } else {
            rescale(self.tracks[leader].end, self.clock, track.clock)
        };
        let reached = track.chain.as_ref().and_then(AudioTimeline::end).unwrap_or(0) - track.base;
        while let Some(ready) = self.tracks[number]
            .pending
            .pop_front_if(|r| 2 * r.pts.max(reached) + r.length <= 2 * limit)
        {
            self.sound(ready)?;
        }
        Ok(())
    }

    fn sound(&mut self, mut ready: Ready) -> Result<(), MediaError> {
        let number = ready.track;
        let track = &mut self.tracks[number];
        let early = -(track.base + ready.pts);
        let first = track.chain.as_ref().is_some_and(|c| !c.leads() && c.end().is_none());
        if let Some((size, _)) = track.samples.as_ref().filter(|_| first && early > 0) {
            ready.cut(early, *size)?;
        }
        let (wanted, length) = (track.base + ready.pts, ready.length);
        let Some(chain) = &mut track.chain else { return Ok(()) };
        let (at, silent) = match chain.fit(wanted, length, 0) {
            Fit::LeaveOut => {
                self.written.tracks[number].left_out += 1;
                return Ok(());
            }
            Fit::Place { at, silent } => (at, silent),
        };
        self.silence(number, silent, at)?;
        if let Some(chain) = &mut self.tracks[number].chain {
            chain.put(at, length);
        }
        let times = Times { pts: at, dts: at, duration: ready.duration };
        self.write(number, ready, times)
    }

    /// Writes `count` packets of silence that end at `until`.
    fn silence(&mut self, number: usize, count: u64, until: i64) -> Result<(), MediaError> {
        let track = &self.tracks[number];
        let Some(silence) = track.silence.clone().filter(|_| count > 0) else { return Ok(()) };
        let (clock, hash, step) = (track.clock, track.silent_hash, silence.samples);
        let data: Arc<[u8]> = silence.data.into();
        for left in (1..=i64::try_from(count).unwrap_or(i64::MAX)).rev() {
            let at = until - left * step;
            self.note(number, hash, &data, at);
            let packet = Packet::of(&data, clock)?;
            let times = Times { pts: at, dts: at, duration: step };
            self.muxer.write_placed(number, packet, times, self.sort)?;
            let own = rescale(at, clock, NANOSECONDS);
            let end = rescale(at + step, clock, NANOSECONDS);
            let written = &mut self.written.tracks[number];
            written.reach(own, end);
            written.silent += 1;
            written.total += data.len() as u64;
            written.length += step;
        }
        Ok(())
    }

    fn write(&mut self, number: usize, ready: Ready, times: Times) -> Result<(), MediaError> {
        let track = &self.tracks[number];
        let own = rescale(ready.pts, track.clock, NANOSECONDS);
        let (pts, end) = (
            rescale(times.pts, track.clock, NANOSECONDS),
            rescale(times.pts + times.duration, track.clock, NANOSECONDS),
        );
        let written = &mut self.written.tracks[number];
        written.reach(pts, end);
        if self.leader == Some(number) {
            self.progress.note(end);
        }
        written.keys += u64::from(ready.key && track.kind == StreamKind::Video);
        let count = match &track.samples {
            Some((size, _)) => written.total / size,
            None => written.packets + written.silent,
        };
        if let Some(seam) = self.written.seams.last_mut()
            && let Some(first) = seam.first.get_mut(number)
        {
            first.get_or_insert((count, own));
        }
        let kept = Muxer::keeps_additions(&self.plan.format);
        if ready.packet.block_addition().is_some() && !kept {
            self.lose_alpha(&format!(
                "stream {number}: the container \"{}\" cannot hold its transparency (alpha), which is \
                 not in the output; choose .mkv or .webm",
                self.plan.format
            ));
        }
        let written = &mut self.written.tracks[number];
        written.packets += 1;
        written.bytes += ready.size;
        written.total += ready.size;
        written.length += ready.length;
        let hash = with_addition(ready.hash, &ready.packet, &self.plan.format);
        self.note(number, hash, ready.packet.data(), times.pts);
        self.muxer.write_placed(number, ready.packet, times, self.sort)
    }

    /// Keeps what the proof has to know of a packet: its hash and its time.
    fn note(&mut self, number: usize, hash: u64, data: &[u8], time: i64) {
        if !self.settings.proof {
            return;
        }
        let ledger = &mut self.written.tracks[number].ledger;
        match &mut self.tracks[number].samples {
            Some((_, blocks)) => blocks.push(data, time).iter().for_each(|b| ledger.push(b.0, b.1)),
            None => ledger.push(hash, time),
        }
    }

    /// The segment ends. Its length is that of its video, or of audio that goes on longer than
    /// `TAIL`; audio packets with their middle behind that end are left out, and a track that ends
    /// too early is filled with silence, so that the next segment begins on time.
    fn end(&mut self) -> Result<(), MediaError> {
        let Some(leader) = self.leader else { return Ok(()) };
        let mut length = self.tracks[leader].end;
        let sounds = self.tracks.iter().filter(|t| t.chain.is_some());
        let longest = sounds.map(|t| rescale(t.end, t.clock, self.clock)).max().unwrap_or(0);
        if rescale(longest - length, self.clock, NANOSECONDS) > TAIL {
            length = longest;
        }
        let next = self.at + length.max(0);
        for number in 0..self.tracks.len() {
            let track = &self.tracks[number];
            let until = rescale(next, self.clock, track.clock);
            let Some(mut end) = track.chain.as_ref().map(|c| c.end().unwrap_or(0)) else {
                continue;
            };
            while let Some(ready) = self.tracks[number].pending.pop_front() {
                if 2 * end + ready.length > 2 * until {
                    self.written.tracks[number].left_out += 1;
                    continue;
                }
                self.sound(ready)?;
                end =
                    self.tracks[number].chain.as_ref().and_then(AudioTimeline::end).unwrap_or(end);
            }
            let Some(chain) = &mut self.tracks[number].chain else { continue };
            let (missing, step) = (chain.missing(until, 0), chain.silent.unwrap_or(0));
            if missing > 0 {
                let end = chain.end().unwrap_or(0) + missing as i64 * step;
                chain.put(end - step, step);
                self.silence(number, missing, end)?;
            }
        }
        self.at = next;
        Ok(())
    }

    /// Writes the container's end.
    pub(super) fn finish(mut self) -> Result<Written, JoinError> {
        self.written.duration = rescale(self.at, self.clock, NANOSECONDS);
        for (track, written) in self.tracks.iter_mut().zip(&mut self.written.tracks) {
            let rest = track.samples.as_mut().and_then(|(_, blocks)| blocks.end());
            if let Some((hash, time)) = rest.filter(|_| self.settings.proof) {
                written.ledger.push(hash, time);
            }
        }
        self.written.retimed += self.muxer.retimed();
        let chapters =
            if self.settings.chapters { self.a_chapter_each() } else { self.own_chapters() };
        self.muxer.set_chapters(&chapters)?;
        let spent = spent(self.plan, &self.written);
        let full = self.room > 0 && spent > self.room;
        if full {
            self.muxer.give_up_room(self.settings.faststart)?;
        }
        let mut sink = self.muxer.finish()?;
        if full {
            super::index_space::release(&mut sink, self.room).map_err(|e| MediaError {
                kind: MediaErrorKind::Write(e.kind()),
                message: format!("write the index: {e}"),
            })?;
        }
        Ok(self.written)
    }

    /// The seams, and where the segment of each ends, in nanoseconds.
    fn seams(&self) -> impl Iterator<Item = (&Seam, i64)> {
        let seams = &self.written.seams;
        seams.iter().zip(seams.iter().skip(1).map(|s| s.at).chain([self.written.duration]))
    }

    /// The chapters of the segments themselves, moved as their packets are.
    fn own_chapters(&self) -> Vec<Chapter> {
        let of = |(seam, end): (&Seam, i64)| {
            let at = seam.at;
            let moved = move |c: &Chapter| Chapter {
                start: c.start.saturating_add(at),
                end: c.end.saturating_add(at).min(end),
                title: c.title.clone(),
            };
            let own = self.plan.segments[seam.place].segment.chapters.iter().map(moved);
            own.filter(|c| c.start < c.end).collect::<Vec<_>>()
        };
        self.seams().flat_map(of).collect()
    }

    /// With `--chapters`.
    fn a_chapter_each(&self) -> Vec<Chapter> {
        let title = |place: usize| {
            let name = &self.plan.segments[place].segment.name;
            name.file_stem().unwrap_or_default().to_string_lossy().into_owned()
        };
        let chapter =
            |(seam, end): (&Seam, i64)| Chapter { start: seam.at, end, title: title(seam.place) };
        self.seams().map(chapter).collect()
    }
}
