//! How often one place on the network may call what needs no login.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

/// In a minute. A hundred jobs behind one address that call twice a minute fit.
const MOST: u32 = 300;
/// Addresses that are remembered.
const ADDRESSES: u64 = 50_000;

/// Counts calls by address, minute by minute.
pub(crate) struct Calls(Cache<Option<IpAddr>, Arc<AtomicU32>>);

impl Calls {
    pub(crate) fn new() -> Self {
        let minute = Duration::from_mins(1);
        Self(
            Cache::builder()
                .max_capacity(ADDRESSES)
                .time_to_live(minute)
                .build(),
        )
    }

    /// Counts a call, and says whether it is one too many.
    pub(crate) fn admit(&self, caller: Option<IpAddr>) -> bool {
        let count = self.0.get_with(caller, Arc::default);
        count.fetch_add(1, Ordering::Relaxed) < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_measure() {
        let calls = Calls::new();
        let [one, other] = [1, 2].map(|n| Some(IpAddr::from([192, 0, 2, n])));
        assert!((0..MOST).all(|_| calls.admit(one)));
        assert!(!calls.admit(one));
        assert!(calls.admit(other));
    }
}
