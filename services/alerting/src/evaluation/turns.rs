//! Whose turn it is to evaluate in this process, decided before a connection is taken: evaluations of one rule wait for
//! each other in the database anyway, and each that waited there would hold a connection.

use std::hash::{BuildHasher as _, RandomState};

use domain::ids::AlertRuleId;
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// Evaluations at the same time, of the pool's connections.
const AT_ONCE: usize = 5;
/// Rules share a lock by chance; more locks than rules under evaluation make that rare.
const LOCKS: usize = 256;

pub(crate) struct Turns {
    slots: Semaphore,
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

/// Held during an evaluation.
pub(super) struct Turn<'a> {
    _rule: MutexGuard<'a, ()>,
    _slot: Option<SemaphorePermit<'a>>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            slots: Semaphore::new(AT_ONCE),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }

    pub(super) async fn take(&self, rule: AlertRuleId) -> Turn<'_> {
        let place = self.hasher.hash_one(rule) as usize % self.locks.len();
        let rule = self.locks[place].lock().await;
        Turn {
            _rule: rule,
            // Never closed.
            _slot: self.slots.acquire().await.ok(),
        }
    }
}
