//! Files that plugins, modules and parameters are read from: plain ones, of bounded size. A pipe
//! or a device is refused at once instead of being waited for.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc::O_NONBLOCK;

/// All of a plain file of at most `most` bytes.
///
/// # Errors
/// What the system says; `InvalidInput` for what is no plain file, `FileTooLarge`.
pub fn read_plain(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Without O_NONBLOCK the open itself would wait for a pipe's writer (fifo(7)).
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {} MiB, the most that is taken", most >> 20),
        ))
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_a_bounded_size_are_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let (plain, pipe) = (dir.path().join("plain"), dir.path().join("pipe"));
        std::fs::write(&plain, "12345").expect("written");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert_eq!(read_plain(&plain, 5).expect("it fits"), b"12345");
        let kind = |path: &Path, most| read_plain(path, most).map_err(|e| e.kind());
        assert_eq!(kind(&plain, 4), Err(io::ErrorKind::FileTooLarge));
        assert_eq!(kind(&pipe, 5), Err(io::ErrorKind::InvalidInput));
        assert_eq!(kind(Path::new("/dev/zero"), 5), Err(io::ErrorKind::InvalidInput));
        assert_eq!(kind(dir.path(), 5), Err(io::ErrorKind::InvalidInput));
    }
}
