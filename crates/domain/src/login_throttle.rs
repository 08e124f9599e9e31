//! Slowing down the guessing of passwords without locking anybody out.
//!
//! Failed logins are counted per bucket: an account as strangers try it, an account from a device that has logged in
//! to it before, a source address. A bucket past its limit admits one attempt after each delay, and the delay doubles.

use time::{Duration, OffsetDateTime};

/// Failures are counted within this long (the figure of ASVS 6.3.1 in our promises: 10 in 15 minutes).
pub const WINDOW: Duration = Duration::minutes(15);
/// Failures that an account's bucket takes before it delays.
pub const ACCOUNT_FAILURES: u32 = 10;
/// Failures that a source address takes before it delays: more, since many people share one.
pub const ADDRESS_FAILURES: u32 = 100;
/// The delay that follows the last free failure; each further failure doubles it.
pub const FIRST_DELAY: Duration = Duration::seconds(30);
/// No delay is longer.
pub const MAX_DELAY: Duration = Duration::minutes(15);

/// What is known of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub failures: u32,
    pub window_start: OffsetDateTime,
    pub blocked_until: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead. The attempt is already counted as a failure in this new state, so that attempts made at the same
    /// time count one another; a success takes it back.
    Admit(Bucket),
    /// Too many failures; nothing is counted, so that waiting is never made longer by trying.
    Refuse { until: OffsetDateTime },
}

impl Bucket {
    pub fn new(now: OffsetDateTime) -> Self {
        Self {
            failures: 0,
            window_start: now,
            blocked_until: None,
        }
    }

    /// Whether an attempt may be made now, in a bucket that takes `limit` failures.
    pub fn attempt(self, limit: u32, now: OffsetDateTime) -> Decision {
        if let Some(until) = self.blocked_until.filter(|until| now < *until) {
            return Decision::Refuse { until };
        }
        let before = if self.is_over(now) { Self::new(now) } else { self };
        let failures = before.failures.saturating_add(1);
        Decision::Admit(Self {
            failures,
            blocked_until: failures.checked_sub(limit).map(|excess| now + delay(excess)),
            ..before
        })
    }

    /// Takes one counted attempt back, because it was no failure.
    pub fn undo(self, limit: u32) -> Self {
        let failures = self.failures.saturating_sub(1);
        Self {
            failures,
            blocked_until: self.blocked_until.filter(|_| failures >= limit),
            ..self
        }
    }

    /// Whether everything is forgiven: a window passed since the start, and since the last delay ended.
    pub fn is_over(self, now: OffsetDateTime) -> bool {
        let last = self
            .blocked_until
            .map_or(self.window_start, |until| until.max(self.window_start));
        now >= last + WINDOW
    }
}

fn delay(excess: u32) -> Duration {
    // 2^5 times the first delay is past the longest one already.
    (FIRST_DELAY * 2_i32.pow(excess.min(5))).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn at(seconds: i64) -> OffsetDateTime {
        START + Duration::seconds(seconds)
    }

    fn bucket(failures: u32, blocked_until: Option<i64>) -> Bucket {
        Bucket {
            failures,
            window_start: START,
            blocked_until: blocked_until.map(at),
        }
    }

    fn admitted(failures: u32, window_start: i64, blocked_until: Option<i64>) -> Decision {
        Decision::Admit(Bucket {
            window_start: at(window_start),
            ..bucket(failures, blocked_until)
        })
    }

    fn refused(until: i64) -> Decision {
        Decision::Refuse { until: at(until) }
    }

    #[rstest::rstest]
    #[case::the_first_failure(bucket(0, None), 0, admitted(1, 0, None))]
    #[case::still_free(bucket(8, None), 60, admitted(9, 0, None))]
    #[case::the_tenth_starts_the_delay(bucket(9, None), 60, admitted(10, 0, Some(90)))]
    #[case::the_eleventh_is_refused(bucket(10, Some(90)), 61, refused(90))]
    #[case::refused_up_to_the_last_moment(bucket(10, Some(90)), 89, refused(90))]
    #[case::one_more_after_the_delay(bucket(10, Some(90)), 90, admitted(11, 0, Some(150)))]
    #[case::the_delay_doubles(bucket(11, Some(150)), 150, admitted(12, 0, Some(270)))]
    #[case::up_to_fifteen_minutes(bucket(14, Some(700)), 700, admitted(15, 0, Some(1_600)))]
    #[case::and_no_further(bucket(500, Some(700)), 700, admitted(501, 0, Some(1_600)))]
    #[case::a_window_later_all_is_forgiven(bucket(9, None), 900, admitted(1, 900, None))]
    #[case::just_before_it_is_not(bucket(8, None), 899, admitted(9, 0, None))]
    #[case::a_delay_keeps_the_window_open(bucket(12, Some(800)), 1_699, admitted(13, 0, Some(1_939)))]
    #[case::until_a_quiet_window_after_it(bucket(12, Some(800)), 1_700, admitted(1, 1_700, None))]
    fn an_attempt_is_decided(#[case] before: Bucket, #[case] now: i64, #[case] expected: Decision) {
        assert_eq!(before.attempt(ACCOUNT_FAILURES, at(now)), expected);
    }

    #[rstest::rstest]
    #[case::a_success_among_few_failures(bucket(3, None), bucket(2, None))]
    #[case::at_the_limit_the_delay_ends(bucket(10, Some(90)), bucket(9, None))]
    #[case::past_the_limit_it_stays(bucket(12, Some(90)), bucket(11, Some(90)))]
    #[case::never_below_zero(bucket(0, None), bucket(0, None))]
    fn a_success_is_taken_back(#[case] before: Bucket, #[case] after: Bucket) {
        assert_eq!(before.undo(ACCOUNT_FAILURES), after);
    }

    #[test]
    fn a_day_of_guessing_every_second_gets_few_guesses() {
        let (mut bucket, mut guesses) = (Bucket::new(START), 0);
        for second in 0..86_400 {
            if let Decision::Admit(next) = bucket.attempt(ACCOUNT_FAILURES, at(second)) {
                bucket = next;
                guesses += 1;
            }
        }
        // 10 at once, 5 while the delay doubles, then one each 15 minutes.
        assert!((100..=111).contains(&guesses), "{guesses}");
    }

    proptest! {
        #[test]
        fn whatever_the_timing_a_window_admits_the_limit_and_the_delays(gaps in prop::collection::vec(0_i64..400, 1..300)) {
            let (mut bucket, mut now, mut admitted) = (Bucket::new(START), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if let Decision::Admit(next) = bucket.attempt(ACCOUNT_FAILURES, at(now)) {
                    bucket = next;
                    admitted.push(now);
                }
            }
            for (index, first) in admitted.iter().enumerate() {
                let within = admitted[index..].iter().filter(|time| **time < first + 900).count();
                // Two windows may meet: 9 free failures at the end of one, 10 and 5 delayed ones in the next.
                prop_assert!(within <= 24, "{} attempts within one window", within);
            }
        }
    }
}
