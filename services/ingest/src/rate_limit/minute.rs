//! What one process holds of one key's current minute. Pure: time comes in as an argument.

use std::time::{Duration, Instant};

use db::rate_buckets::Grant;

/// Answers for one minute differ by the time they were under way; those of two minutes by about sixty seconds.
const ANOTHER_MINUTE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Minute {
    tokens: u32,
    /// No later than the database's minute ends. Nothing is held without it.
    ends: Option<Instant>,
    /// The fewest tokens that were asked for in vain: within a minute, what is left only shrinks.
    refused: Option<u32>,
    /// Tells the tokens of one minute from those of another.
    generation: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spending {
    Spent {
        generation: u64,
    },
    /// More must be leased first.
    Short,
    /// More cannot be leased before this time is over.
    Exhausted {
        wait: Duration,
    },
}

impl Minute {
    pub(super) fn spend(&mut self, need: u32, now: Instant) -> Spending {
        if let Err(wait) = self.left_for(need, now) {
            return Spending::Exhausted { wait };
        }
        if self.tokens < need {
            return Spending::Short;
        }
        self.tokens -= need;
        Spending::Spent {
            generation: self.generation,
        }
    }

    /// Whether so many tokens may still be had; if surely not, how long the minute lasts.
    pub(super) fn left_for(&mut self, need: u32, now: Instant) -> Result<(), Duration> {
        self.pass_to(now);
        let missing = need.saturating_sub(self.tokens);
        match (self.ends, self.refused) {
            (Some(ends), Some(refused)) if missing >= refused => Err(ends - now),
            _ => Ok(()),
        }
    }

    /// What can be spent now.
    pub(super) fn tokens(&mut self, now: Instant) -> u32 {
        self.pass_to(now);
        self.tokens
    }

    /// Takes the answer to a question for `asked_for` tokens that was sent at `asked`.
    pub(super) fn receive(&mut self, asked: Instant, grant: Grant, asked_for: u32) {
        let ends = asked + grant.remaining;
        if self.ends.is_some_and(|known| ends > known + ANOTHER_MINUTE) {
            self.begin();
        }
        // Every answer errs to the early side.
        self.ends = Some(self.ends.map_or(ends, |known| known.max(ends)));
        if grant.tokens == 0 {
            self.refused = Some(self.refused.map_or(asked_for, |fewest| fewest.min(asked_for)));
        }
        self.tokens += grant.tokens;
    }

    /// Tokens that were spent and not used; those of another minute are worth nothing.
    pub(super) fn give_back(&mut self, tokens: u32, generation: u64) {
        if generation == self.generation {
            self.tokens += tokens;
        }
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends.is_none_or(|ends| ends <= now)
    }

    fn pass_to(&mut self, now: Instant) {
        if self.ends.is_some() && self.is_over(now) {
            self.begin();
        }
    }

    fn begin(&mut self) {
        *self = Self {
            generation: self.generation + 1,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn grant(tokens: u32, seconds: u32) -> Grant {
        Grant {
            tokens,
            remaining: SECOND * seconds,
        }
    }

    #[test]
    fn tokens_are_spent_until_they_run_out() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        assert_eq!(minute.spend(5, now), Spending::Short);
        minute.receive(now, grant(8, 30), 5);
        assert_eq!(minute.spend(5, now), Spending::Spent { generation: 0 });
        assert_eq!(minute.spend(5, now), Spending::Short);
        assert_eq!(minute.spend(3, now), Spending::Spent { generation: 0 });
    }

    #[test]
    fn leases_die_with_the_minute() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        minute.receive(now, grant(8, 30), 5);
        assert_eq!(minute.spend(1, now + SECOND * 30), Spending::Short);
        assert_eq!(minute.tokens(now + SECOND * 30), 0);
    }

    #[test]
    fn an_answer_of_the_next_minute_makes_the_old_tokens_worthless() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        minute.receive(now, grant(8, 1), 5);
        // The question was under way while the database's minute ended; ours had not ended yet.
        minute.receive(now + SECOND / 2, grant(3, 60), 3);
        assert_eq!(minute.tokens(now + SECOND / 2), 3);
    }

    #[test]
    fn a_refusal_is_remembered_for_its_size_and_its_minute() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        minute.receive(now, grant(2, 30), 2);
        minute.receive(now, grant(0, 30), 10);
        assert_eq!(minute.spend(12, now), Spending::Exhausted { wait: SECOND * 30 });
        assert_eq!(
            minute.spend(11, now),
            Spending::Short,
            "9 more were never asked for"
        );
        assert_eq!(minute.left_for(1, now), Ok(()));
        assert_eq!(minute.spend(2, now), Spending::Spent { generation: 0 });
        minute.receive(now, grant(0, 30), 1);
        assert_eq!(minute.left_for(1, now + SECOND), Err(SECOND * 29));
        assert_eq!(minute.left_for(1, now + SECOND * 30), Ok(()));
    }

    #[test]
    fn what_goes_back_counts_in_its_own_minute_only() {
        let (mut minute, now) = (Minute::default(), Instant::now());
        minute.receive(now, grant(8, 30), 5);
        assert_eq!(minute.spend(8, now), Spending::Spent { generation: 0 });
        minute.give_back(3, 0);
        assert_eq!(minute.tokens(now), 3);
        minute.receive(now + SECOND * 31, grant(1, 60), 1);
        minute.give_back(5, 0);
        assert_eq!(minute.tokens(now + SECOND * 31), 1);
    }

    proptest! {
        /// A model of the database's bucket and one process: whatever the latencies, what is spent within a minute of the
        /// database was leased from that minute.
        #[test]
        fn nothing_leased_in_one_minute_is_spent_in_another(
            steps in prop::collection::vec((0_u64..20_000, 0_u64..3_000, 0_u64..3_000, 1_u32..20), 1..100),
        ) {
            const LIMIT: u32 = 60;
            let start = Instant::now();
            let at = |millis: u64| start + Duration::from_millis(millis);
            let (mut minute, mut clock) = (Minute::default(), 0);
            let mut leased: std::collections::HashMap<u64, u32> = std::collections::HashMap::new();
            let mut spent: std::collections::HashMap<u64, u32> = std::collections::HashMap::new();
            for (pause, there, back, need) in steps {
                clock += pause;
                let mut spending = minute.spend(need, at(clock));
                if spending == Spending::Short {
                    let missing = need - minute.tokens(at(clock)).min(need);
                    let (asked, served) = (clock, clock + there);
                    let free = LIMIT - leased.get(&(served / 60_000)).copied().unwrap_or(0);
                    let tokens = if free < missing { 0 } else { missing.max(LIMIT / 20).min(free) };
                    *leased.entry(served / 60_000).or_default() += tokens;
                    clock = served + back;
                    let remaining = Duration::from_millis(60_000 - served % 60_000);
                    minute.receive(at(asked), Grant { tokens, remaining }, missing);
                    spending = minute.spend(need, at(clock));
                }
                if !matches!(spending, Spending::Spent { .. }) {
                    continue;
                }
                *spent.entry(clock / 60_000).or_default() += need;
            }
            for (minute, spent) in spent {
                prop_assert!(spent <= LIMIT, "{spent} in minute {minute}");
            }
        }
    }
}
