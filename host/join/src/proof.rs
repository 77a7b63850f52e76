//! Verification: the output is read back and compared with what was read of the sources: payload of
//! every packet, number and size of packets, timestamps, and audio against video at each seam.
//!
//! The sources are not read a second time: the writer kept a hash and a time per packet
//! ([`super::ledger`]). The output is demuxed from the file, as any player would do it, so that
//! errors of the muxer and of the disk are found too.

use std::path::Path;

use serde::Serialize;

use super::clock::rescale;
use super::display_order::DisplayOrder;
use super::error::JoinError;
use super::ledger::{Check, Fault};
use super::payload::{Payload, SampleBlocks, is_no_text, unit_name, with_addition};
use super::plan::Plan;
use super::segment::quick;
use super::written::{Seam, Written, WrittenTrack};
use filmgate_av::{Input, MediaErrorKind, OpenOptions, Shape, StreamKind};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::Rational;
use filmgate_core::time::NANOSECONDS;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proof {
    pub tracks: Vec<TrackProof>,
    pub seams: usize,
    /// milliseconds: the largest change of the offset between audio and video
    pub worst_seam_ms: f64,
    /// seconds
    pub duration: f64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct TrackProof {
    pub kind: &'static str,
    pub codec: String,
    /// packets of the sources that are in the output, each with the source's payload
    pub packets: u64,
    /// bytes of their payload
    pub bytes: u64,
    /// packets of silence put in
    pub silent: u64,
    /// packets of sound left out at seams
    pub left_out: u64,
    /// milliseconds: what a player that counts samples is ahead of the time line at the end
    pub drift_ms: Option<f64>,
}

/// One stream of the output as it is read.
struct Track<'a> {
    stream: Option<usize>,
    payload: Payload,
    /// of PCM
    blocks: Option<SampleBlocks>,
    /// packets, or samples of PCM
    seen: u64,
    bytes: u64,
    last_dts: Option<i64>,
    span: Option<(i64, i64)>,
    /// what is known of its packets
    check: Check<'a>,
    /// how far its packets are from the times that they were given, and which one is where
    off: Option<TimeOffset>,
    base: Rational,
    /// nanoseconds of its longest packet
    longest: i64,
    /// the times of the first packets behind each seam
    seams: Vec<Option<i64>>,
    next_seam: usize,
}

/// Nanoseconds from the time that the writer gave to the muxer to the time that the demuxer reads:
/// of the first packet, the least and the most, with the packets' numbers.
#[derive(Clone, Copy)]
struct TimeOffset {
    first: i64,
    least: (i64, u64),
    most: (i64, u64),
}

impl TimeOffset {
    fn with(self, off: i64, packet: u64) -> TimeOffset {
        TimeOffset {
            least: self.least.min((off, packet)),
            most: if off > self.most.0 { (off, packet) } else { self.most },
            ..self
        }
    }
}

/// Reads the output back.
///
/// # Errors
/// Proof, with the first thing that is not as it should be, that the output cannot be read among them.
/// Media for what is no fault of the output: Cancelled, OutOfMemory.
pub fn prove(
    output: &Path,
    plan: &Plan,
    written: &Written,
    cancel: &Cancel,
) -> Result<Proof, JoinError> {
    read_back(output, plan, written, cancel).map_err(|error| match error {
        JoinError::Media(e)
            if !matches!(e.kind, MediaErrorKind::Cancelled | MediaErrorKind::OutOfMemory) =>
        {
            // The file aside is gone when this is read; what matters is why.
            let aside = output.display().to_string();
            let why = e.message.replace(&aside, "the output");
            JoinError::Proof(format!("it cannot be read back: {why}"))
        }
        other => other,
    })
}

fn read_back(
    output: &Path,
    plan: &Plan,
    written: &Written,
    cancel: &Cancel,
) -> Result<Proof, JoinError> {
    let options = OpenOptions { buffer: 256 << 10, ..quick(cancel) };
    let mut input = Input::open(output, &options)?;
    let shapes = (0..input.facts().streams.len())
        .map(|i| input.shape(i))
        .collect::<Result<Vec<Shape>, _>>()?;
    let mut tracks = tracks(plan, &shapes, written);
    attached(plan, &shapes, &tracks)?;
    let mut order = DisplayOrder::default();
    let disordered = |place: usize| disordered(plan, place);
    while let Some(packet) = input.read()? {
        let stream = packet.stream();
        let Some(number) = tracks.iter().position(|t| t.stream == Some(stream)) else { continue };
        if is_no_text(&plan.tracks[number].codec, packet.data()) {
            continue;
        }
        let track = &mut tracks[number];
        let time = |t: Option<i64>| {
            let base = packet.time_base();
            t.map(|t| rescale(t, base, NANOSECONDS))
        };
        let (pts, dts) = (time(packet.pts().or(packet.dts())), time(packet.dts()));
        let seen = track.seen;
        let fail = |what: String| Err(wrong(plan, number, seen, &what));
        let clock = plan.tracks[number].clock;
        let (count, hashed) = match (track.payload, &mut track.blocks) {
            (Payload::Samples(size), Some(blocks)) => {
                let time = rescale(pts.unwrap_or(0), NANOSECONDS, clock);
                let full = blocks.push(packet.data(), time).into_iter();
                let times = full.map(|(hash, at)| (hash, Some(rescale(at, clock, NANOSECONDS))));
                (packet.size() as u64 / size, times.collect())
            }
            _ => {
                let hash = track.payload.hash(packet.data());
                (1, vec![(with_addition(hash, &packet, &plan.format), pts)])
            }
        };
        for (hash, time) in hashed {
            compare(plan, &written.seams, (number, track), (hash, time), packet.time_base())?;
        }
        let film = plan.tracks[number].kind == StreamKind::Video && !plan.tracks[number].cover;
        let ordered = matches!(plan.tracks[number].kind, StreamKind::Video | StreamKind::Audio);
        if let (Some(last), Some(dts), true) = (track.last_dts, packet.dts(), ordered)
            && dts < last
        {
            return fail(format!("goes back in time, to {dts}"));
        }
        if let Some((seam, before)) = due(&written.seams, number, track, count) {
            if film && !packet.is_key() {
                return fail(format!("begins segment {} and is not a key frame", seam + 1));
            }
            track.seams[seam] = pts.map(|pts| pts + rescale(before, clock, NANOSECONDS));
            track.next_seam = seam + 1;
            if plan.leader() == Some(number) && film {
                let place = written.seams[seam].place;
                order.seam(plan, place, (&input, stream)).map_err(disordered)?;
            }
        }
        if plan.leader() == Some(number) && film {
            order.packet(&packet).map_err(disordered)?;
        }
        track.last_dts = packet.dts();
        track.bytes += track.payload.size(packet.data());
        track.seen += count;
        if let Some(pts) = pts.or(dts) {
            let (first, last) = track.span.unwrap_or((pts, pts));
            track.span = Some((first.min(pts), last.max(pts + packet.length())));
            track.longest = track.longest.max(packet.length());
        }
    }
    order.end().map_err(disordered)?;
    for (number, track) in tracks.iter_mut().enumerate() {
        if let Some((hash, at)) = track.blocks.as_mut().and_then(SampleBlocks::end) {
            let (base, clock) = (track.base, plan.tracks[number].clock);
            let hashed = (hash, Some(rescale(at, clock, NANOSECONDS)));
            compare(plan, &written.seams, (number, track), hashed, base)?;
        }
    }
    judge(plan, written, &tracks)
}

/// Holds the next packet of a track, or block of samples, against what was written.
fn compare(
    plan: &Plan,
    seams: &[Seam],
    (number, track): (usize, &mut Track<'_>),
    (hash, time): (u64, Option<i64>),
    base: Rational,
) -> Result<(), JoinError> {
    let seen = track.seen;
    let fail = |what: &str| Err(wrong(plan, number, seen, what));
    let wanted = match track.check.next(hash) {
        Ok(time) => time,
        Err(Fault::OneTooMany) => return fail("is one too many"),
        Err(Fault::Differs(0)) => return fail("is not the source's"),
        Err(Fault::Differs(before)) => {
            let segment = named(plan, seams, number, seen);
            let before = match track.blocks {
                Some(_) => "those".to_owned(),
                None => before.to_string(),
            };
            return fail(&format!(
                "or one of the {before} before it is not the source's, in {segment}"
            ));
        }
    };
    let ordered = matches!(plan.tracks[number].kind, StreamKind::Video | StreamKind::Audio);
    if let (Some(time), true) = (time, ordered) {
        track.base = base;
        let off = time - rescale(wanted, plan.tracks[number].clock, NANOSECONDS);
        let start = TimeOffset { first: off, least: (off, seen), most: (off, seen) };
        track.off = Some(track.off.unwrap_or(start).with(off, seen));
    }
    Ok(())
}

/// The pictures of a segment are shown in another order than they were coded in.
fn disordered(plan: &Plan, place: usize) -> JoinError {
    let path = plan.segments[place].segment.path.display();
    JoinError::Proof(format!(
        "the pictures of {path} are shown in another order than they were coded in: its container \
         has wrong display times; `filmgate run` re-encodes it with right ones"
    ))
}

/// That the files that are attached to the film are there: they have no packets.
fn attached(plan: &Plan, shapes: &[Shape], tracks: &[Track<'_>]) -> Result<(), JoinError> {
    for (number, track) in plan.tracks.iter().enumerate() {
        let model = &plan.segments[track.model.0].shapes[track.model.1];
        let found = tracks[number].stream.and_then(|s| shapes.get(s));
        let same = found.is_some_and(|s| s.extradata == model.extradata);
        if track.kind == StreamKind::Attachment && !same {
            let codec = &track.codec;
            return Err(JoinError::Proof(format!("attachment ({codec}) is not the source's")));
        }
    }
    Ok(())
}

fn wrong(plan: &Plan, number: usize, packet: u64, what: &str) -> JoinError {
    let track = &plan.tracks[number];
    let (kind, codec, unit) = (track.kind.name(), &track.codec, unit_name(&track.codec));
    JoinError::Proof(format!("{kind} ({codec}) {unit} {packet} {what}"))
}

/// The segment that a packet comes from.
fn named(plan: &Plan, seams: &[Seam], number: usize, packet: u64) -> String {
    let begun = |s: &&Seam| s.first[number].is_some_and(|(first, _)| first <= packet);
    let place = seams.iter().rfind(begun).map_or(0, |s| s.place);
    plan.segments[place].segment.name.display().to_string()
}

/// The seam that begins within the next `count` packets or samples, and how many precede it there.
fn due(seams: &[Seam], number: usize, track: &mut Track<'_>, count: u64) -> Option<(usize, i64)> {
    while let Some(seam) = seams.get(track.next_seam) {
        match seam.first.get(number).copied().flatten() {
            Some((first, _)) if first >= track.seen + count => return None,
            Some((first, _)) if first >= track.seen => {
                return Some((track.next_seam, (first - track.seen) as i64));
            }
            _ => track.next_seam += 1,
        }
    }
    None
}

fn tracks<'a>(plan: &Plan, shapes: &[Shape], written: &'a Written) -> Vec<Track<'a>> {
    let number = |track: usize| {
        let of = |t: &super::plan::Track| (t.kind, t.cover);
        let kind = of(&plan.tracks[track]);
        plan.tracks.iter().take(track).filter(|t| of(t) == kind).count()
    };
    (0..plan.tracks.len())
        .map(|track| {
            let wanted = (plan.tracks[track].kind, plan.tracks[track].cover);
            let mut alike =
                shapes.iter().filter(|s| (s.facts.kind, s.facts.attached_picture) == wanted);
            let shape = alike.nth(number(track));
            let payload =
                shape.map_or(Payload::Whole, |s| Payload::of(s, plan.tracks[track].whole));
            let blocks = match payload {
                Payload::Samples(size) => Some(SampleBlocks::new(size)),
                _ => None,
            };
            Track {
                stream: shape.map(|s| s.facts.index),
                payload,
                blocks,
                seen: 0,
                bytes: 0,
                last_dts: None,
                span: None,
                check: written.tracks[track].ledger.check(),
                off: None,
                base: NANOSECONDS,
                longest: 0,
                seams: vec![None; written.seams.len()],
                next_seam: 0,
            }
        })
        .collect()
}

fn judge(plan: &Plan, written: &Written, tracks: &[Track<'_>]) -> Result<Proof, JoinError> {
    let mut proof = Proof {
        seams: written.seams.len(),
        duration: written.duration as f64 / 1e9,
        ..Proof::default()
    };
    for (number, (track, expected)) in tracks.iter().zip(&written.tracks).enumerate() {
        let fail = |what: String| Err(wrong(plan, number, track.seen, &what));
        let count = match track.payload {
            Payload::Samples(size) => expected.total / size,
            _ => expected.packets + expected.silent,
        };
        if (track.seen, track.bytes) != (count, expected.total) {
            return fail(format!(
                "is the end: {} {}s of {count}, {} bytes of {}",
                track.seen,
                unit_name(&plan.tracks[number].codec),
                track.bytes,
                expected.total
            ));
        }
        let length = |span: Option<(i64, i64)>| span.map_or(0, |(first, last)| last - first);
        let (found, wanted) = (length(track.span), length(expected.span));
        // A container that stores no durations (mpegts, flv) may end a stream at its last timestamp,
        // one packet early: 40 ms of video at 25 frames/s, 21.3 ms of AAC at 48 kHz (1024 samples).
        // The length of a packet is that of the sources, as one of the output may be wrong. At least
        // 50 ms: containers that count milliseconds (mkv, flv) round short packets.
        let slack = expected.longest.max(50_000_000);
        let timed = !plan.tracks[number].cover && plan.tracks[number].kind != StreamKind::Subtitle;
        if timed && (found - wanted).abs() > slack {
            let (found, wanted) = (found as f64 / 1e9, wanted as f64 / 1e9);
            return fail(format!("ends {found:.3} s behind the first, and not {wanted:.3} s"));
        }
        proof.tracks.push(TrackProof {
            kind: plan.tracks[number].kind.name(),
            codec: plan.tracks[number].codec.clone(),
            packets: expected.packets,
            bytes: expected.bytes,
            silent: expected.silent,
            left_out: expected.left_out,
            drift_ms: drift(plan, number, expected),
        });
    }
    times(plan, tracks)?;
    proof.worst_seam_ms = seams(plan, written, tracks)?;
    Ok(proof)
}

/// Checks that every packet has the time that the writer gave it, as exactly as the container can
/// say it. All packets of all tracks may be moved by the same amount: muxers shift the output so that
/// the first decoding time is not negative (libav's `avoid_negative_ts`), and mpegts adds its
/// `muxdelay`. The first packet of the leading track is the reference.
fn times(plan: &Plan, tracks: &[Track<'_>]) -> Result<(), JoinError> {
    let Some(leader) = plan.leader() else { return Ok(()) };
    let Some(moved) = tracks[leader].off.map(|off| off.first) else { return Ok(()) };
    for (number, track) in tracks.iter().enumerate() {
        let Some(off) = track.off else { continue };
        // One tick for the rounding of this packet, one for that of the reference: 2 ms in mkv and
        // flv, 22 µs in mpegts (90 kHz). 1 µs more for the detour over nanoseconds.
        let slack = 2 * rescale(1, track.base, NANOSECONDS) + 1000;
        // libav's muxers of MPEG-TS and MPEG-PS put several frames of audio into one packet with one
        // timestamp, and the demuxer counts on from there by lengths that are rounded to ticks: AC-3 at
        // 44.1 kHz has 1536 samples, 3134.69 ticks, a frame. At most 0.7 s (libav's `max_delay`) lie in
        // one packet, 20 of these frames: 20 ticks more.
        let packed = matches!(&*plan.format, "mpegts" | "mpeg" | "vob" | "dvd" | "svcd");
        let frames = 700_000_000 / track.longest.max(1_000_000);
        let audio = plan.tracks[number].kind == StreamKind::Audio;
        let slack =
            slack + if packed && audio { frames * rescale(1, track.base, NANOSECONDS) } else { 0 };
        // libav's Matroska muxer and demuxer both correct timestamps for Opus' pre-skip
        // (CodecDelay), which counts it twice: usually 312 samples at 48 kHz, 6.5 ms; 8 ms are 384.
        let twice = plan.format == "matroska" || plan.format == "webm";
        let slack =
            slack + if twice && plan.tracks[number].codec == "opus" { 8_000_000 } else { 0 };
        for (off, packet) in [off.least, off.most] {
            if (off - moved).abs() > slack {
                let off = (off - moved) as f64 / 1e6;
                let what = format!("is {off:.3} ms away from its time");
                return Err(wrong(plan, number, packet, &what));
            }
        }
    }
    Ok(())
}

/// How much longer a player that counts samples plays than the time line says, in milliseconds.
fn drift(plan: &Plan, number: usize, expected: &WrittenTrack) -> Option<f64> {
    let track = &plan.tracks[number];
    let (first, last) = expected.span.filter(|_| track.kind == StreamKind::Audio)?;
    let played = rescale(expected.length, track.clock, NANOSECONDS);
    Some((played - (last - first)) as f64 / 1e6)
}

/// The largest change at a seam of audio against video, compared with the source, in milliseconds.
fn seams(plan: &Plan, written: &Written, tracks: &[Track<'_>]) -> Result<f64, JoinError> {
    let Some(leader) = plan.leader().filter(|l| plan.tracks[*l].kind == StreamKind::Video) else {
        return Ok(0.0);
    };
    let mut worst: f64 = 0.0;
    for (number, track) in tracks.iter().enumerate() {
        if plan.tracks[number].kind != StreamKind::Audio {
            continue;
        }
        for (place, seam) in written.seams.iter().enumerate() {
            let found = (tracks[leader].seams[place], track.seams[place]);
            let (Some(picture), Some(sound)) = found else { continue };
            let own = (seam.first[leader], seam.first[number]);
            let (Some((_, own_picture)), Some((_, own_sound))) = own else { continue };
            let off = (sound - picture) - (own_sound - own_picture);
            // Audio can only be placed in whole packets: `AudioTimeline` keeps it within half a packet
            // of its own time, before and at this seam, one packet in sum (21.3 ms for AAC at
            // 48 kHz; 20 ms at least, an Opus packet). 2 ms: two ticks of mkv or flv.
            if off.abs() > track.longest.max(20_000_000) + 2_000_000 {
                let name = plan.segments[seam.place].segment.name.display();
                return Err(JoinError::Proof(format!(
                    "audio and video of {name} are {:.1} ms further apart than in the source",
                    off as f64 / 1e6
                )));
            }
            worst = worst.max((off as f64 / 1e6).abs());
        }
    }
    Ok(worst)
}
