//! Ports on loopback for servers that take a number and bind it later.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use crate::counted::wait_for;
use crate::hostile::Dice;

/// A port that nothing has, by TCP or UDP, and that no other test gets until this test program
/// ends.
///
/// Below the ports that systems choose for outgoing connections (from 32768 on Linux, 49152 on
/// others), so that none of these takes it while a server is down. The port behind it is held as
/// a mark that it is taken: tests of other programs, and of other copies of filmgate, see that.
/// It is not tried by binding it: a child that another test starts meanwhile has a copy of the
/// socket until it executes its program, and the port would be in use for so long.
pub fn free_port() -> u16 {
    static MARKS: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let mut dice = Dice(RandomState::new().build_hasher().finish());
    for _ in 0..1_000 {
        let port = 20_000 + 2 * dice.below(6_000) as u16;
        let Ok(mark) = TcpListener::bind(("127.0.0.1", port + 1)) else { continue };
        if sockets(port).is_empty() {
            MARKS.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
            return port;
        }
    }
    panic!("no port is free between 20000 and 32000");
}

/// Waits until a program listens on the port, by TCP or UDP, without connecting to it: a listener
/// for one connection would take that for the one.
pub fn wait_until_bound(port: u16) {
    // LISTEN, and what a UDP socket without a peer has (include/net/tcp_states.h).
    wait_for("a listener", || sockets(port).iter().any(|state| state == "0A" || state == "07"));
}

/// The states of the sockets that have the port (proc(5)).
fn sockets(port: u16) -> Vec<String> {
    let local = format!(":{port:04X}");
    let mut states = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let mut columns = line.split_whitespace().skip(1);
            if columns.next().is_some_and(|address| address.ends_with(&local)) {
                states.extend(columns.nth(1).map(str::to_owned));
            }
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn listeners_are_seen() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        wait_until_bound(tcp.local_addr().expect("an address").port());
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        wait_until_bound(udp.local_addr().expect("an address").port());
    }

    #[test]
    fn no_port_is_given_twice() {
        let mut ports: Vec<u16> = (0..200).map(|_| free_port()).collect();
        assert!(ports.iter().all(|port| sockets(*port).is_empty()));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 200);
    }
}
