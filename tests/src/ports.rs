//! Ports on loopback for servers that take a number and bind it later.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use crate::hostile::Dice;

/// A port that nothing listens on, by TCP or UDP, and that no other test gets until this test
/// program ends.
///
/// Below the ports that systems choose for outgoing connections (from 32768 on Linux, 49152 on
/// others), so that none of these takes it while a server is down. The port behind it is held as
/// a mark that it is taken: tests of other programs, and of other copies of filmgate, see that.
pub fn free_port() -> u16 {
    static MARKS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let mut dice = Dice(RandomState::new().build_hasher().finish());
    for _ in 0..1_000 {
        let port = 20_000 + 2 * dice.below(6_000) as u16;
        let Ok(mark) = TcpListener::bind(("127.0.0.1", port + 1)) else { continue };
        let tried = (TcpListener::bind(("127.0.0.1", port)), UdpSocket::bind(("127.0.0.1", port)));
        if let (Ok(_), Ok(_)) = tried {
            MARKS.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
            return port;
        }
    }
    panic!("no port is free between 20000 and 32000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut ports: Vec<u16> = (0..200).map(|_| free_port()).collect();
        for port in &ports {
            TcpListener::bind(("127.0.0.1", *port)).expect("it is free");
        }
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 200);
    }
}
