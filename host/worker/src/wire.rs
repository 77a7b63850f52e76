//! Messages between parent and worker: JSON and open files, in datagrams that have a bound.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
    sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The largest message, in bytes.
pub const MESSAGE_BYTES: usize = 64 << 10;

/// Open files that travel beside one message.
const FILES: usize = 16;

/// From the parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ToWorker {
    Job(Value),
    Answer(Value),
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ToParent {
    /// what it does now; the first one says that it took the job
    Stage(String),
    Ask(Value),
    Done(Value),
}

/// A message that was received.
#[derive(Debug)]
pub(crate) enum Received<T> {
    Message(T, Vec<OwnedFd>),
    /// none yet, of a socket that does not wait
    Nothing,
    /// the other end is gone
    End,
    /// what came is no message
    Garbage(String),
}

/// The two ends of a connection.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SocketType::SEQPACKET;
    Ok(socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// Sends a message with open files. With `wait` off, `WouldBlock` where the other end does not read.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    message: &impl Serialize,
    files: &[BorrowedFd<'_>],
    wait: bool,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MESSAGE_BYTES || files.len() > FILES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let flags = SendFlags::NOSIGNAL | if wait { SendFlags::empty() } else { SendFlags::DONTWAIT };
    loop {
        match sendmsg(socket, &[IoSlice::new(&bytes)], &mut beside, flags) {
            Err(Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// The next message. Files that come beside it are closed when an exec follows.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
    wait: bool,
) -> io::Result<Received<T>> {
    let mut bytes = vec![0; MESSAGE_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let flags = if wait { flags } else { flags | RecvFlags::DONTWAIT };
    let got = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut beside, flags) {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::CONNRESET) => return Ok(Received::End),
            other => break other?,
        }
    };
    let mut files = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            files.extend(rights);
        }
    }
    if got.bytes == 0 {
        return Ok(Received::End);
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Ok(Received::Garbage("a message that is too long".to_owned()));
    }
    Ok(match serde_json::from_slice(&bytes[..got.bytes]) {
        Ok(message) => Received::Message(message, files),
        Err(e) => Received::Garbage(format!("{} bytes that are no message: {e}", got.bytes)),
    })
}

/// A file in memory without a name, for this process and those that it is sent to.
///
/// # Errors
/// The system's.
pub fn unnamed_file() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        Ok(File::from(rustix::fs::memfd_create("filmgate", flags)?))
    }
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// A file in memory with this content, which nobody can change any more (fcntl(2), file seals).
///
/// # Errors
/// The system's.
pub fn sealed_file(content: &[u8]) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(memfd_create("filmgate", flags)?);
        io::Write::write_all(&mut file, content)?;
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        fcntl_add_seals(&file, seals)?;
        Ok(file)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = content;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits for the socket to be readable, or writable, at most so long; whether it is.
pub(crate) fn wait(socket: &OwnedFd, write: bool, most: std::time::Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let flags = if write { PollFlags::OUT } else { PollFlags::IN };
    let mut sockets = [PollFd::from_borrowed_fd(socket.as_fd(), flags)];
    match poll(&mut sockets, Timespec::try_from(most).ok().as_ref()) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_message_arrives_with_its_files() {
        let (a, b) = pair().expect("a socket");
        let mut file = unnamed_file().expect("a file");
        file.write_all(b"content").expect("written");
        let job = ToWorker::Job(serde_json::json!({ "kind": "image" }));
        send(a.as_fd(), &job, &[file.as_fd()], true).expect("sent");
        let got = receive::<ToWorker>(b.as_fd(), true).expect("received");
        let Received::Message(ToWorker::Job(value), mut files) = got else { panic!("{got:?}") };
        assert_eq!(value["kind"], "image");
        let mut file = File::from(files.pop().expect("a file"));
        let mut text = String::new();
        file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("read");
        assert_eq!(text, "content");
        drop(a);
        assert!(matches!(receive::<ToWorker>(b.as_fd(), true), Ok(Received::End)));
    }

    #[test]
    fn garbage_and_too_much_are_told_from_messages() {
        let (a, b) = pair().expect("a socket");
        let raw = |bytes: &[u8]| {
            rustix::net::send(&a, bytes, SendFlags::empty()).expect("sent");
            receive::<ToParent>(b.as_fd(), true).expect("received")
        };
        for bytes in [&b"\0"[..], b"{}", b"{\"stage\":1}", b"[[[[[[", &vec![b'['; MESSAGE_BYTES]] {
            let got = raw(bytes);
            assert!(matches!(got, Received::Garbage(_)), "{got:?}");
        }
        let got = raw(&vec![b'"'; MESSAGE_BYTES + 1]);
        assert!(matches!(&got, Received::Garbage(why) if why.contains("too long")), "{got:?}");
        let long = ToParent::Stage("a".repeat(MESSAGE_BYTES));
        assert!(send(a.as_fd(), &long, &[], true).is_err());
    }
}
