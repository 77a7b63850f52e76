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
            _ => Payload::Whole,
        }
    }

    pub(super) fn hash(self, data: &[u8]) -> u64 {
        match self {
            Payload::Whole => xxh3_64(data),
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
            Payload::Whole => data.len() as u64,
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
