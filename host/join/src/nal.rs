//! The units of H.264 and HEVC packets: how they are framed, which of them are parameter sets, and
//! packets reframed. Nothing here looks inside a unit beyond its type.
//!
//! mp4, mkv and flv put a length before each unit and the parameter sets into the header (`avcC`,
//! `hvcC`: ISO/IEC 14496-15, 5.3.3 and 8.3.3); MPEG-TS puts start codes before them (H.264 and
//! H.265, annex B) and repeats the sets among them.

/// The codecs that are made of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitCodec {
    Avc,
    Hevc,
}

impl UnitCodec {
    /// By libav's name of a codec.
    pub(super) fn of(codec: &str) -> Option<UnitCodec> {
        match codec {
            "h264" => Some(UnitCodec::Avc),
            "hevc" => Some(UnitCodec::Hevc),
            _ => None,
        }
    }

    fn kind(self, unit: &[u8]) -> u8 {
        match (self, unit.first()) {
            (_, None) => 0,
            (UnitCodec::Avc, Some(byte)) => byte & 0x1f,
            (UnitCodec::Hevc, Some(byte)) => byte >> 1 & 0x3f,
        }
    }

    /// Sequence, picture and video parameter sets (H.264 table 7-1, H.265 table 7-1).
    pub(super) fn is_set(self, unit: &[u8]) -> bool {
        match self {
            UnitCodec::Avc => matches!(self.kind(unit), 7 | 8 | 13 | 15),
            UnitCodec::Hevc => matches!(self.kind(unit), 32..=34),
        }
    }

    /// What marks the beginning of a picture and nothing else.
    pub(super) fn is_delimiter(self, unit: &[u8]) -> bool {
        self.kind(unit) == if self == UnitCodec::Avc { 9 } else { 35 }
    }
}

/// How units stand behind one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// a length of this many bytes before each
    Length(u8),
    StartCodes,
}

/// What a stream's extradata say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) codec: UnitCodec,
    pub(super) framing: Framing,
    /// the parameter sets, in their order
    pub(super) sets: Vec<Vec<u8>>,
}

impl Setup {
    /// Reads extradata; none where they are damaged.
    pub(super) fn read(codec: UnitCodec, extradata: &[u8]) -> Option<Setup> {
        let (framing, sets) = match (codec, extradata) {
            (_, []) => (Framing::StartCodes, Vec::new()),
            (_, [0, 0, 0, 1, ..] | [0, 0, 1, ..]) => {
                let sets = units(extradata, Framing::StartCodes).filter(|u| codec.is_set(u));
                (Framing::StartCodes, sets.map(<[u8]>::to_vec).collect())
            }
            (UnitCodec::Avc, _) => {
                let length = (extradata.get(4)? & 3) + 1;
                (Framing::Length(length), avc_sets(extradata)?)
            }
            (UnitCodec::Hevc, _) => {
                let length = (extradata.get(21)? & 3) + 1;
                (Framing::Length(length), hevc_sets(extradata)?)
            }
        };
        Some(Setup { codec, framing, sets })
    }

    /// The sets with start codes, as extradata.
    pub(super) fn with_start_codes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for set in &self.sets {
            push(&mut out, set, Framing::StartCodes);
        }
        out
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn unit(&mut self) -> Option<Vec<u8>> {
        let length = self.take(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        self.take(length).map(<[u8]>::to_vec)
    }
}

fn avc_sets(extradata: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Bytes(extradata.get(5..)?);
    let mut sets = Vec::new();
    for _ in 0..bytes.byte()? & 0x1f {
        sets.push(bytes.unit()?);
    }
    for _ in 0..bytes.byte()? {
        sets.push(bytes.unit()?);
    }
    Some(sets)
}

fn hevc_sets(extradata: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Bytes(extradata.get(22..)?);
    let mut sets = Vec::new();
    for _ in 0..bytes.byte()? {
        bytes.byte()?;
        let count = bytes.take(2)?;
        for _ in 0..u16::from_be_bytes([count[0], count[1]]) {
            let unit = bytes.unit()?;
            // Messages may stand there, too.
            if UnitCodec::Hevc.is_set(&unit) {
                sets.push(unit);
            }
        }
    }
    Some(sets)
}

/// The units of a packet. What is damaged ends it: the last unit is then whatever is left.
pub(super) fn units(data: &[u8], framing: Framing) -> Units<'_> {
    let rest = match framing {
        Framing::Length(_) => data,
        Framing::StartCodes => find_code(data).map_or(&[][..], |(_, behind)| &data[behind..]),
    };
    Units { rest, framing }
}

pub(super) struct Units<'a> {
    rest: &'a [u8],
    framing: Framing,
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (unit, rest) = match self.framing {
            Framing::Length(bytes) => {
                let (length, rest) = self.rest.split_at_checked(usize::from(bytes))?;
                let length = length.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
                rest.split_at(length.min(rest.len()))
            }
            Framing::StartCodes => match find_code(self.rest) {
                Some((at, behind)) => (&self.rest[..at], &self.rest[behind..]),
                None => (self.rest, &[][..]),
            },
        };
        self.rest = rest;
        // Zeros may stand between a unit and the next start code (B.1.1).
        let length = match self.framing {
            Framing::Length(_) => unit.len(),
            Framing::StartCodes => unit.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1),
        };
        Some(&unit[..length])
    }
}

/// Where the next start code begins, and what stands behind it.
fn find_code(data: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    // Its last byte is rarer than zeros.
    while let Some(at) = memchr::memchr(1, &data[from..]).map(|at| at + from) {
        if at >= 2 && data[at - 1] == 0 && data[at - 2] == 0 {
            return Some((at - 2, at + 1));
        }
        from = at + 1;
    }
    None
}

fn push(out: &mut Vec<u8>, unit: &[u8], framing: Framing) {
    match framing {
        Framing::StartCodes => out.extend_from_slice(&[0, 0, 0, 1]),
        Framing::Length(bytes) => {
            let length = (unit.len() as u64).to_be_bytes();
            out.extend_from_slice(&length[8 - usize::from(bytes)..]);
        }
    }
    out.extend_from_slice(unit);
}

/// A packet with its units framed otherwise, and `sets` in front in place of those that it has.
pub(super) fn reframe(
    codec: UnitCodec,
    data: &[u8],
    from: Framing,
    to: Framing,
    sets: Option<&[Vec<u8>]>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + 256);
    let mut waiting = sets;
    for unit in units(data, from).filter(|u| !u.is_empty()) {
        if sets.is_some() && codec.is_set(unit) {
            continue;
        }
        if !codec.is_delimiter(unit) {
            waiting.take().into_iter().flatten().for_each(|set| push(&mut out, set, to));
        }
        push(&mut out, unit, to);
    }
    out
}

/// The sets that stand in a packet.
pub(super) fn sets_within(codec: UnitCodec, data: &[u8], framing: Framing) -> Vec<Vec<u8>> {
    units(data, framing).filter(|u| codec.is_set(u)).map(<[u8]>::to_vec).collect()
}

/// Hands over what of a packet is the same in every framing: all units but parameter sets and
/// delimiters.
pub(super) fn payload(
    codec: UnitCodec,
    data: &[u8],
    framing: Framing,
    mut take: impl FnMut(&[u8]),
) {
    for unit in units(data, framing) {
        if !unit.is_empty() && !codec.is_set(unit) && !codec.is_delimiter(unit) {
            take(unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: &[u8] = &[0, 0, 0, 1, 9, 16, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x65, 7, 0, 3, 0];
    const LENGTHS: &[u8] = &[0, 0, 0, 2, 9, 16, 0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 4, 0x65, 7, 0, 3];

    #[test]
    fn both_framings_hold_the_same_units() {
        let wanted: [&[u8]; 3] = [&[9, 16], &[0x67, 1, 2], &[0x65, 7, 0, 3]];
        assert_eq!(units(CODES, Framing::StartCodes).collect::<Vec<_>>(), wanted);
        assert_eq!(units(LENGTHS, Framing::Length(4)).collect::<Vec<_>>(), wanted);
        let (codes, lengths) = (Framing::StartCodes, Framing::Length(4));
        assert_eq!(reframe(UnitCodec::Avc, CODES, codes, lengths, None), LENGTHS);
        let mut payload_of = Vec::new();
        payload(UnitCodec::Avc, CODES, codes, |u| payload_of.push(u.to_vec()));
        assert_eq!(payload_of, [[0x65, 7, 0, 3]]);
    }

    #[test]
    fn sets_stand_in_front_behind_the_delimiter() {
        let sets = [vec![0x67, 9], vec![0x68, 8]];
        let to = Framing::Length(1);
        let out = reframe(UnitCodec::Avc, CODES, Framing::StartCodes, to, Some(&sets));
        assert_eq!(out, [2, 9, 16, 2, 0x67, 9, 2, 0x68, 8, 4, 0x65, 7, 0, 3]);
    }

    #[test]
    fn headers_are_read() {
        let avcc = [1, 100, 0, 31, 0xff, 0xe1, 0, 2, 0x67, 5, 1, 0, 1, 0x68, 0xfd, 0xf8, 0xf8, 0];
        let setup = Setup::read(UnitCodec::Avc, &avcc).expect("sound");
        assert_eq!((setup.framing, setup.sets.len()), (Framing::Length(4), 2));
        assert_eq!(setup.with_start_codes(), [0, 0, 0, 1, 0x67, 5, 0, 0, 0, 1, 0x68]);
        let mut hvcc = vec![1; 22];
        hvcc[21] = 3;
        hvcc.extend([2, 32, 0, 1, 0, 2, 0x40, 1, 39, 0, 1, 0, 2, 0x4e, 1]);
        let setup = Setup::read(UnitCodec::Hevc, &hvcc).expect("sound");
        assert_eq!((setup.framing, setup.sets), (Framing::Length(4), vec![vec![0x40, 1]]));
    }

    #[test]
    fn damage_ends_quietly() {
        for cut in 0..LENGTHS.len() {
            let _ = units(&LENGTHS[..cut], Framing::Length(4)).count();
            let _ = units(&CODES[..cut], Framing::StartCodes).count();
            let _ = Setup::read(UnitCodec::Avc, &CODES[..cut]);
            let _ = Setup::read(UnitCodec::Hevc, &LENGTHS[..cut]);
        }
        let all = units(&[0xff, 0xff, 0xff, 0xff, 1], Framing::Length(4)).collect::<Vec<_>>();
        assert_eq!(all, [[1]]);
    }
}
