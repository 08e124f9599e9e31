//! Whose turn it is: searches of several organisations share the processor, or what else there is little of, evenly,
//! however many each of them runs.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Cheap to clone; all clones share the same.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cores: usize,
    claims: Mutex<HashMap<OrgId, Claims>>,
    changed: Notify,
}

/// What an organisation has at the processor, and waits for.
#[derive(Debug, Default)]
struct Claims {
    running: usize,
    waiting: usize,
    /// How long it had cores since others came; who comes begins like whoever had them for the shortest.
    used: Duration,
}

/// The right to one core, until dropped.
#[derive(Debug)]
pub(super) struct Turn {
    of: Arc<Shared>,
    org_id: OrgId,
    since: Instant,
}

/// Counts somebody among those who wait, until dropped.
struct Waiting<'t> {
    at: &'t Shared,
    org_id: OrgId,
}

impl Default for Turns {
    fn default() -> Self {
        /// On one core, too, somebody may work while another waits.
        const LEAST: usize = 2;
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::of_cores(cores.max(LEAST))
    }
}

impl Turns {
    fn of_cores(cores: usize) -> Self {
        Self(Arc::new(Shared {
            cores,
            claims: Mutex::default(),
            changed: Notify::new(),
        }))
    }

    /// How many threads are worth starting for one search.
    pub(super) fn cores(&self) -> usize {
        self.0.cores
    }

    /// Does the work on a thread of its own, when it is the organisation's turn. Dropped before that, it is not done.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        org_id: OrgId,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> R {
        let turn = self.take(org_id).await;
        let working = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working
            .await
            .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
    }

    pub(super) async fn take(&self, org_id: OrgId) -> Turn {
        let _waiting = Waiting::begin(&self.0, org_id);
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if self.0.claim(org_id) {
                return Turn {
                    of: Arc::clone(&self.0),
                    org_id,
                    since: Instant::now(),
                };
            }
            changed.await;
        }
    }
}

impl Shared {
    fn claims(&self) -> MutexGuard<'_, HashMap<OrgId, Claims>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a core if the organisation has less than its share: all of them for the one that used them least, an even share
    /// for others. One core is anybody's share: who comes to others that have all of them need not wait until they are done.
    fn claim(&self, org_id: OrgId) -> bool {
        let mut claims = self.claims();
        let even = (self.cores / claims.len().max(1)).max(1);
        let least = claims
            .values()
            .map(|claims| claims.used)
            .min()
            .unwrap_or_default();
        let own = claims.entry(org_id).or_default();
        let share = if own.used <= least { self.cores } else { even };
        let has_room = own.running < share;
        own.running += usize::from(has_room);
        has_room
    }

    fn change(&self, org_id: OrgId, change: impl FnOnce(&mut Claims)) {
        let mut claims = self.claims();
        let own = claims.entry(org_id).or_default();
        change(own);
        if own.running == 0 && own.waiting == 0 {
            claims.remove(&org_id);
        }
        drop(claims);
        self.changed.notify_waiters();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.change(self.org_id, |claims| {
            claims.running -= 1;
            claims.used += self.since.elapsed();
        });
    }
}

impl<'t> Waiting<'t> {
    fn begin(at: &'t Shared, org_id: OrgId) -> Self {
        let mut claims = at.claims();
        let least = claims.values().map(|claims| claims.used).min();
        let begin = || Claims {
            used: least.unwrap_or_default(),
            ..Claims::default()
        };
        claims.entry(org_id).or_insert_with(begin).waiting += 1;
        drop(claims);
        Self { at, org_id }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.at.change(self.org_id, |claims| claims.waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn use_up(turns: &Turns, org_id: OrgId, used: Duration) {
        turns.0.change(org_id, |claims| claims.used += used);
    }

    #[tokio::test]
    async fn one_organisation_has_all_cores_and_shares_them_with_who_used_less() {
        let turns = Turns::of_cores(4);
        let (a, b) = (OrgId::generate(), OrgId::generate());
        let mut of_a: Vec<Turn> = (0..4).map(|_| turns.take(a).now_or_never().unwrap()).collect();
        assert!(turns.take(a).now_or_never().is_none(), "all cores are taken");
        use_up(&turns, a, Duration::from_secs(1));
        let mut fifth = Box::pin(turns.take(a));
        assert!(fifth.as_mut().now_or_never().is_none());
        // Another is let in at once, and begins like the one that is there.
        let mut of_b: Vec<Turn> = (0..4).map(|_| turns.take(b).now_or_never().unwrap()).collect();
        use_up(&turns, a, Duration::from_secs(1));
        of_a.truncate(2);
        assert!(
            fifth.as_mut().now_or_never().is_none(),
            "half of them is its share now"
        );
        of_a.truncate(1);
        of_a.push(fifth.await);
        // Whoever used more has the even share.
        use_up(&turns, b, Duration::from_hours(1));
        assert!(turns.take(b).now_or_never().is_none());
        of_b.truncate(1);
        of_b.push(turns.take(b).now_or_never().unwrap());
        assert!(turns.take(b).now_or_never().is_none());
        of_a.push(turns.take(a).now_or_never().unwrap());
        drop(of_b);
        assert!(turns.0.claims().len() == 1, "who is gone is forgotten");
    }

    #[tokio::test]
    async fn there_is_a_core_for_everybody_and_nobody_is_remembered() {
        let turns = Turns::of_cores(2);
        let held: Vec<Turn> = (0..5)
            .map(|_| turns.take(OrgId::generate()).now_or_never().unwrap())
            .collect();
        drop(held);
        let org_id = OrgId::generate();
        assert_eq!(turns.run(org_id, || 7).await, 7);
        assert!(turns.0.claims().is_empty());
    }
}
