//! The room that is kept in front of an mp4 for its index (`moov`), so that a player can begin
//! before it has the whole file, and the media need not be moved behind the index at the end.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes that an index of tracks with so many packets takes at most, by the tables of ISO/IEC
/// 14496-12, 8.6 and 8.7: of every packet its size, its step and the distance of showing from
/// decoding; of every key frame its number; of every run of packets of one track its place, and
/// how many they are.
pub(super) fn needed(packets: &[u64], keys: u64, segments: u64) -> u64 {
    const PACKET: u64 = 4 + 8 + 8;
    const RUN: u64 = 8 + 12;
    const TRACK: u64 = 16 << 10;
    let all: u64 = packets.iter().sum();
    let most = packets.iter().copied().max().unwrap_or(0);
    // Runs of one track are ended by packets of another.
    let runs = (2 * (all - most)).min(all) + segments + all / 16;
    all * PACKET + keys * 4 + runs * RUN + packets.len() as u64 * TRACK + 64 * segments + (64 << 10)
}

/// Makes the room that was not used a box that players pass over (`free`, ISO/IEC 14496-12,
/// 8.1.2).
///
/// # Errors
/// The system's; InvalidData where there is no such room.
pub(super) fn release<S: Read + Write + Seek + ?Sized>(file: &mut S, room: u64) -> io::Result<()> {
    let mut at = 0;
    // It lies behind the file type, or behind the index that was moved before it.
    for _ in 0..4 {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head)?;
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        if head == [0; 8] {
            let size = u32::try_from(room).map_err(|_| io::ErrorKind::InvalidData)?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&size.to_be_bytes())?;
            file.write_all(b"free")?;
            return file.flush();
        }
        at += u64::from(size);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "no room was kept in front of it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn room_becomes_a_box() {
        let mut bytes = vec![0, 0, 0, 12];
        bytes.extend(b"ftypisom");
        bytes.extend([0; 64]);
        bytes.extend(b"mdat");
        let mut file = Cursor::new(bytes);
        release(&mut file, 64).expect("there is room");
        assert_eq!(&file.get_ref()[12..20], b"\0\0\0\x40free");
        assert_eq!(&file.get_ref()[76..], b"mdat");
        assert!(release(&mut Cursor::new(vec![0, 0, 0, 8, 1, 1, 1, 1]), 64).is_err());
    }
}
