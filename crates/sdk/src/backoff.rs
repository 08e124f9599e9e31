//! When to try again: exponential with full jitter, and never before the server said.

use std::time::{Duration, Instant};

/// A longer `Retry-After` is a mistake of somebody in between; ingest's longest is a minute.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_mins(5);
/// While a shutdown waits, a long pause would be the end of its lines.
const MAX_PAUSE_WHEN_STOPPING: Duration = Duration::from_secs(1);

/// The pauses between tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// The longest first pause.
    pub(crate) initial: Duration,
    /// The longest of all.
    pub(crate) max: Duration,
}

impl Schedule {
    /// The longest pause after this many failures in a row: doubled by each, up to the maximum.
    fn ceiling(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.initial.saturating_mul(doubled).min(self.max)
    }

    /// `dice` is from 0 to 1. Jitter is full, so that many senders that failed together do not come back together; it is
    /// added to what the server asked for.
    fn pause(&self, failures: u32, retry_after: Option<Duration>, dice: f64) -> Duration {
        let jittered = self.ceiling(failures).mul_f64(dice.clamp(0.0, 1.0));
        retry_after.map_or(jittered, |after| after.min(MAX_RETRY_AFTER) + jittered)
    }
}

/// How the server has been lately. One for all batches: a server that is away is away for the next batch as well.
pub(crate) struct Backoff {
    schedule: Schedule,
    failures: u32,
    resume_at: Option<Instant>,
    /// The pause is the server's wish, and not to be cut short.
    by_server: bool,
}

impl Backoff {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            failures: 0,
            resume_at: None,
            by_server: false,
        }
    }

    /// No request before this time.
    pub(crate) fn resume_at(&self) -> Option<Instant> {
        self.resume_at
    }

    /// Failures in a row so far.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Gives the time of the next try.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        retry_after: Option<Duration>,
        stopping: bool,
        dice: f64,
    ) -> Instant {
        self.failures = self.failures.saturating_add(1);
        self.by_server = retry_after.is_some();
        let mut schedule = self.schedule;
        if stopping {
            schedule.max = schedule.max.min(MAX_PAUSE_WHEN_STOPPING);
        }
        let resume_at = now + schedule.pause(self.failures, retry_after, dice);
        self.resume_at = Some(resume_at);
        resume_at
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.resume_at = None;
    }

    /// The pause is over.
    pub(crate) fn rested(&mut self) {
        self.resume_at = None;
    }

    /// A shutdown has begun: the next try is now, unless the server asked for more time.
    pub(crate) fn hurry(&mut self) {
        if !self.by_server {
            self.succeeded();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        initial: Duration::from_millis(200),
        max: Duration::from_secs(30),
    };

    #[rstest::rstest]
    #[case(1, 200)]
    #[case(2, 400)]
    #[case(3, 800)]
    #[case(8, 25_600)]
    #[case(9, 30_000)]
    #[case(40, 30_000)]
    #[case(u32::MAX, 30_000)]
    fn the_ceiling_doubles_up_to_the_maximum(#[case] failures: u32, #[case] millis: u64) {
        assert_eq!(SCHEDULE.pause(failures, None, 1.0), Duration::from_millis(millis));
    }

    #[test]
    fn jitter_is_full() {
        assert_eq!(SCHEDULE.pause(3, None, 0.0), Duration::ZERO);
        assert_eq!(SCHEDULE.pause(3, None, 0.5), Duration::from_millis(400));
    }

    #[test]
    fn the_server_is_never_asked_before_it_wants() {
        let after = Duration::from_secs(7);
        assert_eq!(SCHEDULE.pause(1, Some(after), 0.0), after);
        assert_eq!(
            SCHEDULE.pause(1, Some(after), 1.0),
            after + Duration::from_millis(200)
        );
        let absurd = Duration::from_secs(u64::MAX);
        assert_eq!(SCHEDULE.pause(1, Some(absurd), 0.0), MAX_RETRY_AFTER);
    }

    #[test]
    fn failures_add_up_until_something_succeeds() {
        let (mut backoff, now) = (Backoff::new(SCHEDULE), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..3 {
            pauses.push((backoff.failed(now, None, false, 1.0) - now).as_millis());
        }
        backoff.succeeded();
        assert_eq!(backoff.resume_at(), None);
        pauses.push((backoff.failed(now, None, false, 1.0) - now).as_millis());
        assert_eq!(pauses, [200, 400, 800, 200]);
    }

    #[test]
    fn a_shutdown_cuts_our_own_pauses_short_and_not_the_servers() {
        let (mut backoff, now) = (Backoff::new(SCHEDULE), Instant::now());
        for _ in 0..10 {
            backoff.failed(now, None, false, 1.0);
        }
        backoff.hurry();
        assert_eq!((backoff.resume_at(), backoff.failures()), (None, 0));
        for _ in 0..10 {
            backoff.failed(now, None, true, 1.0);
        }
        assert_eq!(backoff.resume_at(), Some(now + MAX_PAUSE_WHEN_STOPPING));

        let asked = backoff.failed(now, Some(Duration::from_secs(9)), false, 0.0);
        backoff.hurry();
        assert_eq!(backoff.resume_at(), Some(asked));
    }
}
