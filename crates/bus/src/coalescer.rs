//! Merges hints about the same thing: the first is due at once, those within the interval after it are due together when
//! it is over. Pure: time comes in as an argument.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What became of a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The first of its key for an interval.
    New,
    /// Told together with another.
    Merged,
    /// Too many keys at once.
    Overflowed,
}

#[derive(Debug)]
pub(crate) struct Coalescer<K> {
    interval: Duration,
    capacity: usize,
    /// Whether a key was hinted since it was last due. Keys are here from their first hint to one quiet interval after.
    hinted: HashMap<K, bool>,
    /// Every key once, by the time it may be due next: the interval is the same for all, so the order is that of arrival.
    queue: VecDeque<(Instant, K)>,
}

impl<K: Copy + Eq + Hash> Coalescer<K> {
    /// At most one hint an interval for each key, at most `capacity` keys at once.
    pub(crate) fn new(interval: Duration, capacity: usize) -> Self {
        Self {
            interval,
            capacity,
            hinted: HashMap::new(),
            queue: VecDeque::new(),
        }
    }

    pub(crate) fn hint(&mut self, key: K, now: Instant) -> Taken {
        if let Some(hinted) = self.hinted.get_mut(&key) {
            *hinted = true;
            return Taken::Merged;
        }
        if self.hinted.len() >= self.capacity {
            return Taken::Overflowed;
        }
        self.hinted.insert(key, true);
        // Behind those that wait for their interval would be too late, so in front of them.
        self.queue.push_front((now, key));
        Taken::New
    }

    /// The keys that are due now. The next interval of each begins.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<K> {
        let mut due = Vec::new();
        while let Some((at, key)) = self.queue.front().copied() {
            if at > now {
                break;
            }
            self.queue.pop_front();
            if self.hinted.insert(key, false) == Some(true) {
                due.push(key);
                self.queue.push_back((now + self.interval, key));
            } else {
                // A quiet interval: forget it.
                self.hinted.remove(&key);
            }
        }
        due
    }

    /// The keys that wait for the end of their interval, due or not.
    pub(crate) fn take_all(&mut self) -> Vec<K> {
        self.queue.clear();
        self.hinted
            .drain()
            .filter(|(_, hinted)| *hinted)
            .map(|(key, _)| key)
            .collect()
    }

    /// When to look again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_hint_is_due_at_once_and_the_rest_when_the_second_is_over() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut coalescer = Coalescer::new(SECOND, 10);
        assert_eq!(coalescer.hint('a', at(0)), Taken::New);
        assert_eq!(coalescer.take_due(at(0)), ['a']);
        assert_eq!(coalescer.hint('a', at(100)), Taken::Merged);
        assert_eq!(coalescer.hint('a', at(900)), Taken::Merged);
        assert_eq!(coalescer.take_due(at(999)), Vec::<char>::new());
        assert_eq!(coalescer.next_due(), Some(at(1000)));
        assert_eq!(coalescer.take_due(at(1000)), ['a']);
        assert_eq!(coalescer.take_due(at(2000)), Vec::<char>::new(), "a quiet second");
        assert_eq!(coalescer.next_due(), None, "and it is forgotten");
        assert_eq!(coalescer.hint('a', at(2001)), Taken::New);
    }

    #[test]
    fn a_new_key_does_not_wait_behind_others() {
        let start = Instant::now();
        let mut coalescer = Coalescer::new(SECOND, 10);
        coalescer.hint('a', start);
        coalescer.take_due(start);
        coalescer.hint('b', start + SECOND / 2);
        assert_eq!(coalescer.take_due(start + SECOND / 2), ['b']);
    }

    #[test]
    fn keys_past_the_capacity_are_refused_and_known_ones_are_not() {
        let start = Instant::now();
        let mut coalescer = Coalescer::new(SECOND, 2);
        assert_eq!(coalescer.hint(1, start), Taken::New);
        assert_eq!(coalescer.hint(2, start), Taken::New);
        assert_eq!(coalescer.hint(3, start), Taken::Overflowed);
        assert_eq!(coalescer.hint(2, start), Taken::Merged);
    }

    #[test]
    fn what_waits_is_not_lost_at_the_end() {
        let start = Instant::now();
        let mut coalescer = Coalescer::new(SECOND, 10);
        coalescer.hint('a', start);
        coalescer.take_due(start);
        coalescer.hint('a', start);
        coalescer.hint('b', start);
        let mut rest = coalescer.take_all();
        rest.sort_unstable();
        assert_eq!(rest, ['a', 'b']);
        assert_eq!(coalescer.take_all(), Vec::<char>::new());
    }

    proptest! {
        /// Hints at any times, looked at whenever something is due: no two of a key closer than the interval, none
        /// lost, none later than the interval, and the memory bounded.
        #[test]
        fn at_most_one_an_interval_and_none_forgotten(hints in prop::collection::vec((0_u64..5_000, 0_u8..6), 1..300)) {
            let mut hints = hints;
            hints.sort_unstable();
            let start = Instant::now();
            let mut coalescer = Coalescer::new(SECOND, 4);
            let mut told: HashMap<u8, Vec<Instant>> = HashMap::new();
            let mut accepted: HashMap<u8, Vec<Instant>> = HashMap::new();
            let mut tell = |coalescer: &mut Coalescer<u8>, until: Instant| {
                while let Some(at) = coalescer.next_due().filter(|at| *at <= until) {
                    for key in coalescer.take_due(at) {
                        told.entry(key).or_default().push(at);
                    }
                }
            };
            for (millis, key) in hints {
                let now = start + Duration::from_millis(millis);
                tell(&mut coalescer, now);
                if coalescer.hint(key, now) != Taken::Overflowed {
                    accepted.entry(key).or_default().push(now);
                }
                tell(&mut coalescer, now);
                prop_assert!(coalescer.hinted.len() <= 4 && coalescer.queue.len() <= 4);
            }
            tell(&mut coalescer, start + Duration::from_mins(1));
            for (key, times) in &told {
                for pair in times.windows(2) {
                    prop_assert!(pair[1] - pair[0] >= SECOND, "{key} twice within a second");
                }
            }
            for (key, times) in &accepted {
                for hinted in times {
                    let after = told[key].iter().find(|at| *at >= hinted);
                    prop_assert!(after.is_some_and(|at| *at - *hinted <= SECOND), "{key} not told in time");
                }
            }
        }

        /// However many hints within a second: one event at once and one when it is over.
        #[test]
        fn a_second_of_hints_makes_at_most_two_events(millis in prop::collection::vec(0_u64..1_000, 1..500)) {
            let mut millis = millis;
            millis.sort_unstable();
            let start = Instant::now();
            let first = start + Duration::from_millis(millis[0]);
            let mut coalescer = Coalescer::new(SECOND, 4);
            let mut told = Vec::new();
            for at in &millis {
                let now = start + Duration::from_millis(*at);
                coalescer.hint('a', now);
                told.extend(coalescer.take_due(now).iter().map(|_| now));
            }
            prop_assert_eq!(&told, &[first]);
            let rest = coalescer.take_due(first + SECOND);
            prop_assert_eq!(rest.len(), usize::from(millis.len() > 1));
        }
    }
}
