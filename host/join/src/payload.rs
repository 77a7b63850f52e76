//! What of a packet must be the same in the output as in its source, as a hash: everything, but for
//! the framing that containers want differently.

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

use super::nal::{self, Framing, Setup, UnitCodec};
use filmgate_av::{Muxer, Packet, Shape};

/// How the payload of a stream's packets is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// all of it
    Whole,
    /// the units of H.264 or HEVC, parameter sets and delimiters apart
    Units(UnitCodec, Framing),
    /// AAC, perhaps with a header of its own before each packet
    Aac,
    /// samples of so many bytes, all channels together, whose packets a demuxer may cut between any two
    Samples(u64),
}

/// Samples of PCM that are hashed together.
const BLOCK: u64 = 1024;

/// PCM in blocks of as many samples, however it is cut into packets: mov's demuxer cuts it differently
/// from Matroska's.
#[derive(Clone)]
pub(super) struct SampleBlocks {
    /// bytes of a sample
    size: u64,
    hash: Xxh3,
    /// bytes of the block that is not full
    filled: u64,
    /// of its first sample
    time: i64,
}

impl SampleBlocks {
    pub(super) fn new(size: u64) -> SampleBlocks {
        SampleBlocks { size, hash: Xxh3::new(), filled: 0, time: 0 }
    }

    /// Samples, the first of which is heard at `time`, counted in samples: the hash and the time of
    /// each block that is full.
    pub(super) fn push(&mut self, mut data: &[u8], mut time: i64) -> Vec<(u64, i64)> {
        let (whole, mut full) = (BLOCK * self.size, Vec::new());
        while !data.is_empty() {
            if self.filled == 0 {
                self.time = time;
            }
            let room = usize::try_from(whole - self.filled).unwrap_or(usize::MAX);
            let (part, rest) = data.split_at(room.min(data.len()));
            self.hash.update(part);
            self.filled += part.len() as u64;
            time += (part.len() as u64 / self.size) as i64;
            data = rest;
            if self.filled == whole {
                full.extend(self.end());
            }
        }
        full
    }

    /// The block that is not full, if there is one.
    pub(super) fn end(&mut self) -> Option<(u64, i64)> {
        let block = (self.filled > 0).then(|| (self.hash.digest(), self.time));
        *self = SampleBlocks::new(self.size);
        block
    }
}

/// Bytes of a sample of PCM, all channels together; none for other codecs, and for the kinds of PCM
/// whose packets have a header or hold one channel after the other.
pub(super) fn sample_bytes(shape: &Shape) -> Option<u64> {
    let name = shape.facts.codec.strip_prefix("pcm_")?;
    let bits: u64 = match name.trim_end_matches("le").trim_end_matches("be") {
        "alaw" | "mulaw" | "s8" | "u8" => 8,
        "s16" | "u16" => 16,
        "s24" | "u24" => 24,
        "s32" | "u32" | "f32" => 32,
        "s64" | "f64" => 64,
        _ => return None,
    };
    let channels = shape.facts.audio.as_ref()?.channels;
    (channels > 0).then(|| u64::from(channels) * bits / 8)
}

/// What is counted of a track in messages.
pub(super) fn unit_name(codec: &str) -> &'static str {
    if codec.starts_with("pcm_") { "sample" } else { "packet" }
}

impl Payload {
    /// `whole`: the packets stand in the output as in the source, to the last byte.
    pub(super) fn of(shape: &Shape, whole: bool) -> Payload {
        match UnitCodec::of(&shape.facts.codec) {
            Some(codec) if !whole && !shape.facts.attached_picture => {
                match Setup::read(codec, &shape.extradata) {
                    Some(setup) => Payload::Units(codec, setup.framing),
                    None => Payload::Whole,
                }
            }
            _ if shape.facts.codec == "aac" => Payload::Aac,
            _ => sample_bytes(shape).map_or(Payload::Whole, Payload::Samples),
        }
    }

    pub(super) fn hash(self, data: &[u8]) -> u64 {
        match self {
            Payload::Whole | Payload::Samples(_) => xxh3_64(data),
            Payload::Aac => xxh3_64(strip_adts(data)),
            Payload::Units(codec, framing) => {
                let mut hash = Xxh3::new();
                nal::payload(codec, data, framing, |unit| {
                    hash.update(&(unit.len() as u64).to_le_bytes());
                    hash.update(unit);
                });
                hash.digest()
            }
        }
    }

    /// Bytes of it.
    pub(super) fn size(self, data: &[u8]) -> u64 {
        match self {
            Payload::Whole | Payload::Samples(_) => data.len() as u64,
            Payload::Aac => strip_adts(data).len() as u64,
            Payload::Units(codec, framing) => {
                let mut size = 0;
                nal::payload(codec, data, framing, |unit| size += unit.len() as u64);
                size
            }
        }
    }
}

/// The hash of a payload and of what the container stores beside it: the alpha plane of VP9.
pub(super) fn with_addition(hash: u64, packet: &Packet, format: &str) -> u64 {
    match packet.block_addition().filter(|_| Muxer::keeps_additions(format)) {
        Some(bytes) => xxh3_64_with_seed(bytes, hash),
        None => hash,
    }
}

/// A packet of AAC without the header that MPEG-TS puts before it (ISO/IEC 13818-7, 6.2): the
/// sync word, and 7 bytes, or 9 where a checksum is among them.
pub(super) fn strip_adts(data: &[u8]) -> &[u8] {
    match data {
        [0xff, second, ..] if second & 0xf6 == 0xf0 && data.len() > 9 => {
            let length = usize::from(data[3] & 3) << 11
                | usize::from(data[4]) << 3
                | usize::from(data[5]) >> 5;
            let header = if second & 1 == 1 { 7 } else { 9 };
            if length == data.len() { &data[header..] } else { data }
        }
        _ => data,
    }
}

/// What a decoder is told of a stream whose packets have such headers: the object type, rate and
/// channels of the first one, as mp4 keeps them (ISO/IEC 14496-3, 1.6.2.1).
pub(super) fn adts_config(data: &[u8]) -> Option<[u8; 2]> {
    match data {
        [0xff, second, third, fourth, ..] if second & 0xf6 == 0xf0 => {
            let object = (third >> 6) + 1;
            let rate = third >> 2 & 15;
            let channels = (third & 1) << 2 | fourth >> 6;
            Some([object << 3 | rate >> 1, (rate & 1) << 7 | channels << 3])
        }
        _ => None,
    }
}

/// Samples of a packet of Opus at 48 kHz, by its first bytes (RFC 6716, 3.1 and 3.2).
pub(super) fn opus_samples(data: &[u8]) -> Option<i64> {
    let first = *data.first()?;
    let frame = match first >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => i64::from(data.get(1)? & 0x3f),
    };
    Some(frame * frames)
}

/// A text that is nothing, as mp4 puts it between two that are something.
pub(super) fn is_no_text(codec: &str, data: &[u8]) -> bool {
    codec == "mov_text" && matches!(data, [] | [0] | [0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_the_same_however_they_are_cut() {
        let data: Vec<u8> = (0..10_000u32).map(|n| (n * 7 % 251) as u8).collect();
        let blocks = |cut: usize| {
            let mut blocks = SampleBlocks::new(4);
            let mut all = Vec::new();
            for (number, part) in data.chunks(cut).enumerate() {
                all.extend(blocks.push(part, 7 + (number * cut / 4) as i64));
            }
            all.extend(blocks.end());
            all
        };
        let whole = blocks(10_000);
        assert_eq!(whole.iter().map(|b| b.1).collect::<Vec<_>>(), [7, 1031, 2055]);
        for cut in [4, 36, 4096, 8192] {
            assert_eq!(blocks(cut), whole, "{cut}");
        }
        assert_ne!(SampleBlocks::new(4).push(&data[1..], 7)[0], whole[0]);
    }

    #[test]
    fn opus_says_how_long_it_is() {
        // 20 ms of CELT, one frame; two frames of 60 ms of SILK; three of 2.5 ms.
        assert_eq!(opus_samples(&[0xfc, 1]), Some(960));
        assert_eq!(opus_samples(&[3 << 3 | 1]), Some(5760));
        assert_eq!(opus_samples(&[16 << 3 | 3, 3]), Some(360));
        assert_eq!(opus_samples(&[]), None);
    }

    #[test]
    fn headers_come_off() {
        // AAC-LC, 44.1 kHz, stereo, 12 bytes in all, without a checksum.
        let packet = [0xff, 0xf1, 0x50, 0x80, 1, 0x9f, 0xfc, 1, 2, 3, 4, 5];
        assert_eq!(strip_adts(&packet), [1, 2, 3, 4, 5]);
        assert_eq!(adts_config(&packet), Some([0x12, 0x10]));
        // Raw data that happen to begin like a header are not one of their length.
        assert_eq!(strip_adts(&packet[..11]), &packet[..11]);
        assert_eq!(Payload::Aac.hash(&packet), Payload::Whole.hash(&packet[7..]));
    }
}
