//! Ports for servers that tests start, handed out so that tests running side by side do not take one another's.

use std::net::{TcpListener, UdpSocket};

use rand::RngExt as _;

/// Below the range from which the system gives ports to clients, and away from those of the test servers.
const RANGE: std::ops::Range<u16> = 10_240..20_000;

/// A stretch of free TCP ports. While this value lives, no other test is given them: it holds the UDP ports of the
/// same numbers, which nobody else wants.
pub(crate) struct Ports {
    first: u16,
    _held: Vec<UdpSocket>,
}

impl Ports {
    pub(crate) fn reserve(count: u16) -> Self {
        for _ in 0..1_000 {
            let first = rand::rng().random_range(RANGE.start..RANGE.end - count);
            let held: Option<Vec<_>> = (first..first + count).map(hold).collect();
            if let Some(held) = held {
                return Self { first, _held: held };
            }
        }
        panic!(
            "no {count} free ports in a row between {} and {}",
            RANGE.start, RANGE.end
        );
    }

    pub(crate) fn first(&self) -> u16 {
        self.first
    }
}

fn hold(port: u16) -> Option<UdpSocket> {
    let held = UdpSocket::bind(("127.0.0.1", port)).ok()?;
    TcpListener::bind(("127.0.0.1", port)).ok()?;
    Some(held)
}
