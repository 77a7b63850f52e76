//! SHA-256 of files and bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cancel::Cancel;

/// How many bytes a file has, and their SHA-256 in hexadecimal.
///
/// # Errors
/// When it cannot be read; `Interrupted` when the job was cancelled meanwhile.
pub fn of_file(path: &Path, cancel: &Cancel) -> io::Result<(u64, String)> {
    let (size, digest) = of_reader(File::open(path)?, cancel)?;
    Ok((size, hexadecimal(&digest)))
}

/// How many bytes are still to be read, and their SHA-256.
///
/// # Errors
/// As [`of_file`].
pub fn of_reader(mut reader: impl Read, cancel: &Cancel) -> io::Result<(u64, [u8; 32])> {
    let mut buffer = vec![0; 1 << 20];
    let (mut digest, mut size) = (Sha256::new(), 0);
    loop {
        if cancel.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, digest.finalize().into())),
            Ok(count) => {
                digest.update(&buffer[..count]);
                size += count as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// SHA-256 in hexadecimal.
pub fn of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal, as digests are written.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_known_digest() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").expect("written");
        assert_eq!(of_file(&path, &Cancel::new()).expect("read"), (3, abc.to_owned()));
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(of_file(&path, &cancel).is_err());
    }
}
