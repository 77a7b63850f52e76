//! A server on loopback that gives a stream over HTTP and goes wrong as it is told, another way for
//! each connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a connection gives, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// all of it, and a clean end
    End,
    /// all of it, and a reset
    Reset,
    /// all of it, and then silence with the connection open
    Stall,
    /// no answer at all
    Hang,
    /// an error of HTTP
    Refuse,
    /// the first half, and a clean end
    Half,
}

/// A server, gone when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `media` by the acts in turn, and by the last one for ever after.
    pub(crate) fn start(media: Vec<u8>, kind: &'static str, acts: &[Act]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let address = listener.local_addr().expect("an address");
        let (served, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (acts, media) = (acts.to_vec(), Arc::new(media));
        let (count, end) = (Arc::clone(&served), Arc::clone(&over));
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let stream = match listener.accept() {
                    Ok((stream, _)) => stream,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {
                        thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                    Err(e) => panic!("accept: {e}"),
                };
                let number = count.fetch_add(1, Ordering::Relaxed);
                let act = acts[number.min(acts.len() - 1)];
                let (media, end) = (Arc::clone(&media), Arc::clone(&end));
                thread::spawn(move || serve(stream, &media, kind, act, &end));
            }
        });
        Server { address, served, over, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/test1.mpg", self.address)
    }

    /// Connections that came.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, media: &[u8], kind: &str, act: Act, end: &AtomicBool) {
    stream.set_nonblocking(false).expect("set");
    // A connection closed with something unread ends with RST and not with FIN (RFC 2525, 2.17).
    let mut request = [0; 4096];
    let most = if act == Act::Reset { 1 } else { request.len() };
    let _ = stream.read(&mut request[..most]);
    let silence = || {
        while !end.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(20));
        }
    };
    match act {
        Act::Hang => return silence(),
        Act::Refuse => {
            let _ = stream.write_all(b"HTTP/1.0 503 Service Unavailable\r\n\r\n");
            return;
        }
        _ => {}
    }
    // As a live server does: no length.
    let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n");
    let part = if act == Act::Half { media.len() / 2 / 188 * 188 } else { media.len() };
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&media[..part])).is_err() {
        return;
    }
    match act {
        Act::Stall => silence(),
        // What was sent is read first; a reset takes away what was not.
        Act::Reset => thread::sleep(Duration::from_millis(700)),
        _ => {}
    }
}
