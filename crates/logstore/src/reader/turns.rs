//! Whose turn it is: searches of several organisations share the processor, or what else there is little of, evenly,
//! however many each of them runs. A person's search is many short turns with pauses between them, in which answers are read,
//! questions sent and columns fetched, so who was here a moment ago counts as well: else whoever never pauses would have
//! all cores in each pause.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use domain::ids::OrgId;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Who had a turn so lately will soon be back: longer than it takes to read an answer and send the next question, or to fetch
/// what is looked at next.
const SOON_BACK: Duration = Duration::from_millis(100);

/// Cheap to clone; all clones share the same.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cores: usize,
    claims: Mutex<HashMap<OrgId, Claims>>,
    changed: Notify,
}

/// What an organisation has at the processor, and waits for. It is remembered for [`SOON_BACK`] after it had anything.
#[derive(Debug)]
struct Claims {
    running: usize,
    waiting: usize,
    /// How long it had cores since others came; who comes begins like whoever had them for the shortest.
    used: Duration,
    changed: Instant,
}

impl Claims {
    fn is_here(&self) -> bool {
        self.running + self.waiting > 0
    }
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
    /// for others, who leave one to those that will soon be back. One core is anybody's share: who comes to others that have
    /// all of them need not wait until they are done.
    fn claim(&self, org_id: OrgId) -> bool {
        let mut claims = self.claims();
        claims.retain(|_, of| of.is_here() || of.changed.elapsed() < SOON_BACK);
        let here = claims.values().filter(|of| of.is_here()).count();
        let kept_free = usize::from(here < claims.len());
        let even = (self.cores / here.max(1)).min(self.cores - kept_free).max(1);
        let least = claims.values().map(|of| of.used).min().unwrap_or_default();
        let Some(own) = claims.get_mut(&org_id) else {
            return false;
        };
        let share = if own.used <= least { self.cores } else { even };
        let has_room = own.running < share;
        own.running += usize::from(has_room);
        has_room
    }

    fn change(&self, org_id: OrgId, change: impl FnOnce(&mut Claims)) {
        if let Some(own) = self.claims().get_mut(&org_id) {
            change(own);
            own.changed = Instant::now();
        }
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
            running: 0,
            waiting: 0,
            used: least.unwrap_or_default(),
            changed: Instant::now(),
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

    /// So many turns, which are to be had at once.
    fn take(turns: &Turns, org_id: OrgId, count: usize) -> Vec<Turn> {
        (0..count)
            .map(|_| turns.take(org_id).now_or_never().expect("a turn"))
            .collect()
    }

    fn has_to_wait(turns: &Turns, org_id: OrgId) -> bool {
        turns.take(org_id).now_or_never().is_none()
    }

    /// As if it had been gone for so long as to be no more expected.
    fn let_time_pass(turns: &Turns, org_id: OrgId) {
        if let Some(claims) = turns.0.claims().get_mut(&org_id) {
            claims.changed -= SOON_BACK;
        }
    }

    #[tokio::test]
    async fn one_organisation_has_all_cores_and_shares_them_with_who_used_less() {
        let turns = Turns::of_cores(4);
        let (a, b) = (OrgId::generate(), OrgId::generate());
        let mut of_a = take(&turns, a, 4);
        assert!(has_to_wait(&turns, a), "all cores are taken");
        use_up(&turns, a, Duration::from_secs(1));
        let mut fifth = Box::pin(turns.take(a));
        assert!(fifth.as_mut().now_or_never().is_none());
        // Another is let in at once, and begins like the one that is there.
        let mut of_b = take(&turns, b, 4);
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
        assert!(has_to_wait(&turns, b));
        of_b.truncate(1);
        of_b.extend(take(&turns, b, 1));
        assert!(has_to_wait(&turns, b));
        of_a.extend(take(&turns, a, 1));
    }

    #[tokio::test]
    async fn who_used_more_leaves_a_core_to_who_will_soon_be_back() {
        let turns = Turns::of_cores(4);
        let (greedy, other) = (OrgId::generate(), OrgId::generate());
        let mut held = take(&turns, greedy, 1);
        drop(take(&turns, other, 1));
        use_up(&turns, greedy, Duration::from_secs(1));
        held.extend(take(&turns, greedy, 2));
        assert!(has_to_wait(&turns, greedy), "one is kept free");
        // Who comes back is still known to have used less.
        drop(take(&turns, other, 4));
        let_time_pass(&turns, other);
        held.extend(take(&turns, greedy, 1));
        assert!(!turns.0.claims().contains_key(&other), "who is gone is forgotten");
    }

    #[tokio::test]
    async fn who_used_less_has_all_cores_whoever_will_be_back() {
        let turns = Turns::of_cores(4);
        let (greedy, other) = (OrgId::generate(), OrgId::generate());
        let held = take(&turns, greedy, 1);
        use_up(&turns, greedy, Duration::from_secs(1));
        drop(take(&turns, other, 1));
        use_up(&turns, greedy, Duration::from_secs(1));
        drop(held);
        assert_eq!(take(&turns, other, 4).len(), 4);
    }

    #[tokio::test]
    async fn there_is_a_core_for_everybody_and_nobody_is_remembered() {
        let turns = Turns::of_cores(2);
        let all: Vec<OrgId> = (0..5).map(|_| OrgId::generate()).collect();
        let held: Vec<Turn> = all.iter().flat_map(|org_id| take(&turns, *org_id, 1)).collect();
        drop(held);
        let org_id = OrgId::generate();
        assert_eq!(turns.run(org_id, || 7).await, 7);
        for org_id in &all {
            let_time_pass(&turns, *org_id);
        }
        assert_eq!(turns.run(org_id, || 7).await, 7);
        assert_eq!(turns.0.claims().len(), 1);
    }
}
