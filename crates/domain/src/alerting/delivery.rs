//! What an answer of a receiver means, and when to try again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How long to wait at most after each failed attempt; after the last of them fails too, the notification is dead
/// and visible. A failing receiver is so retried for the best part of a day, as Svix does with webhooks.
pub const RETRY_DELAYS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(12),
];
/// A receiver may ask for this much patience and no more: longer, and a page would be worthless when it comes.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its (next) attempt.
    Pending,
    /// A worker has it.
    Claimed,
    Sent,
    /// Given up; a person may revive it.
    Dead,
    /// It may have arrived, and the channel's policy is not to send it again; a person may.
    Unknown,
    /// A silence, a maintenance window or the channel's state holds it back.
    Held,
    /// The routes chose nobody: a row without a channel, so that this is on record.
    Unrouted,
}

impl JobState {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Claimed,
        Self::Sent,
        Self::Dead,
        Self::Unknown,
        Self::Held,
        Self::Unrouted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Unrouted => "unrouted",
        }
    }
}

impl std::str::FromStr for JobState {
    type Err = UnknownDeliveryWord;
    fn from_str(text: &str) -> Result<Self, UnknownDeliveryWord> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownDeliveryWord)
    }
}

crate::text_column!(JobState);

/// What came of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Written before sending: whoever finds it later knows that the receiver may have got it.
    Started,
    Sent,
    /// The receiver will never take it as it is: no further attempt.
    Refused,
    /// The receiver did not take it; it may later.
    Failed,
    /// It went out, and no answer came back: the receiver may have got it.
    Unknown,
}

impl AttemptOutcome {
    pub const ALL: [Self; 5] = [
        Self::Started,
        Self::Sent,
        Self::Refused,
        Self::Failed,
        Self::Unknown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl std::str::FromStr for AttemptOutcome {
    type Err = UnknownDeliveryWord;
    fn from_str(text: &str) -> Result<Self, UnknownDeliveryWord> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or(UnknownDeliveryWord)
    }
}

crate::text_column!(AttemptOutcome);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a notification's state is one of pending, claimed, sent, dead, unknown, held, unrouted")]
pub struct UnknownDeliveryWord;

/// What an HTTP status means. A redirect is refused: it would lead where nobody checked.
pub fn outcome_of_status(status: u16) -> AttemptOutcome {
    match status {
        200..=299 => AttemptOutcome::Sent,
        // Request Timeout, Too Early and Too Many Requests ask for another try; other 4xx will not change by it.
        408 | 425 | 429 | 500..=599 => AttemptOutcome::Failed,
        _ => AttemptOutcome::Refused,
    }
}

/// What becomes of a notification after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    Sent,
    Dead,
    /// It may have arrived, and is not sent again by itself.
    LeaveUnknown,
    RetryIn(Duration),
}

/// How often and how long to wait; `scale` stretches or shrinks the whole schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    pub scale: f64,
}

impl RetryPolicy {
    /// Decides after an attempt. `attempts` counts this one too, from 1; `random` lies in 0..1 (full jitter, so that a
    /// receiver that comes back is not met by everybody at once); `retry_after` is what the receiver asked for;
    /// `repeats_unknown` is whether a message that may have arrived is sent again.
    pub fn next(
        &self,
        outcome: AttemptOutcome,
        attempts: u32,
        random: f64,
        retry_after: Option<Duration>,
        repeats_unknown: bool,
    ) -> NextStep {
        match outcome {
            AttemptOutcome::Sent => NextStep::Sent,
            AttemptOutcome::Refused => NextStep::Dead,
            AttemptOutcome::Started | AttemptOutcome::Unknown if !repeats_unknown => NextStep::LeaveUnknown,
            AttemptOutcome::Started | AttemptOutcome::Failed | AttemptOutcome::Unknown => {
                let place = attempts.saturating_sub(1) as usize;
                RETRY_DELAYS.get(place).map_or(NextStep::Dead, |delay| {
                    let jittered = delay.mul_f64((random * self.scale).max(0.0));
                    let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
                    NextStep::RetryIn(jittered.max(asked))
                })
            }
        }
    }

    /// Whether no attempt is left after this many.
    pub fn is_exhausted(attempts: u32) -> bool {
        attempts as usize > RETRY_DELAYS.len()
    }
}

/// Reads `Retry-After` (RFC 9110 section 10.2.3): seconds, or an HTTP date. One in the past is zero; what is neither is
/// nothing.
pub fn parse_retry_after(header: &str, now: OffsetDateTime) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has: patience without end, which is bounded anyway.
        return Some(Duration::from_secs(header.parse().unwrap_or(u64::MAX)));
    }
    // The HTTP date of today is a date of RFC 2822 with GMT as its zone.
    let at = OffsetDateTime::parse(header, &Rfc2822).ok()?;
    Some((at - now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: RetryPolicy = RetryPolicy { scale: 1.0 };

    #[rstest::rstest]
    #[case(200, AttemptOutcome::Sent)]
    #[case(204, AttemptOutcome::Sent)]
    #[case(301, AttemptOutcome::Refused)]
    #[case(307, AttemptOutcome::Refused)]
    #[case(400, AttemptOutcome::Refused)]
    #[case(401, AttemptOutcome::Refused)]
    #[case(404, AttemptOutcome::Refused)]
    #[case(408, AttemptOutcome::Failed)]
    #[case(410, AttemptOutcome::Refused)]
    #[case(425, AttemptOutcome::Failed)]
    #[case(429, AttemptOutcome::Failed)]
    #[case(500, AttemptOutcome::Failed)]
    #[case(503, AttemptOutcome::Failed)]
    #[case(999, AttemptOutcome::Refused)]
    fn a_status_means(#[case] status: u16, #[case] outcome: AttemptOutcome) {
        assert_eq!(outcome_of_status(status), outcome);
    }

    #[test]
    fn eight_retries_and_then_the_dead_letter() {
        for (place, delay) in RETRY_DELAYS.into_iter().enumerate() {
            let attempts = place as u32 + 1;
            assert!(!RetryPolicy::is_exhausted(attempts));
            assert_eq!(
                EVERY.next(AttemptOutcome::Failed, attempts, 1.0, None, true),
                NextStep::RetryIn(delay)
            );
        }
        assert_eq!(
            EVERY.next(AttemptOutcome::Unknown, 9, 1.0, None, true),
            NextStep::Dead
        );
        assert!(RetryPolicy::is_exhausted(9));
        let whole: Duration = RETRY_DELAYS.into_iter().sum();
        assert!(whole > Duration::from_hours(20) && whole < Duration::from_hours(24));
    }

    #[test]
    fn a_refusal_is_final_and_a_success_too() {
        assert_eq!(
            EVERY.next(AttemptOutcome::Refused, 1, 0.5, None, true),
            NextStep::Dead
        );
        assert_eq!(
            EVERY.next(AttemptOutcome::Sent, 9, 0.5, None, true),
            NextStep::Sent
        );
    }

    #[test]
    fn the_receivers_wish_counts_within_bounds() {
        let after = |seconds| {
            EVERY.next(
                AttemptOutcome::Failed,
                1,
                0.5,
                Some(Duration::from_secs(seconds)),
                true,
            )
        };
        assert_eq!(after(7), NextStep::RetryIn(Duration::from_secs(7)));
        assert_eq!(
            after(0),
            NextStep::RetryIn(Duration::from_millis(2_500)),
            "never sooner than ours"
        );
        assert_eq!(after(u64::MAX), NextStep::RetryIn(MAX_RETRY_AFTER));
    }

    #[test]
    fn what_may_have_arrived_is_left_where_it_must_not_come_twice() {
        let next = |outcome| EVERY.next(outcome, 1, 1.0, None, false);
        assert_eq!(next(AttemptOutcome::Unknown), NextStep::LeaveUnknown);
        assert_eq!(next(AttemptOutcome::Started), NextStep::LeaveUnknown);
        assert_eq!(
            next(AttemptOutcome::Failed),
            NextStep::RetryIn(RETRY_DELAYS[0]),
            "it did not arrive"
        );
        assert_eq!(next(AttemptOutcome::Sent), NextStep::Sent);
    }

    #[test]
    fn the_scale_shrinks_the_schedule() {
        let quick = RetryPolicy { scale: 0.01 };
        assert_eq!(
            quick.next(AttemptOutcome::Failed, 1, 1.0, None, true),
            NextStep::RetryIn(Duration::from_millis(50))
        );
    }

    #[rstest::rstest]
    #[case("120", Some(120))]
    #[case(" 0 ", Some(0))]
    #[case("Tue, 14 Nov 2023 22:13:50 GMT", Some(30))]
    #[case("Tue, 14 Nov 2023 22:13:10 GMT", Some(0))]
    #[case("99999999999999999999999999", Some(u64::MAX))]
    #[case("soon", None)]
    #[case("-5", None)]
    #[case("1.5", None)]
    #[case("", None)]
    fn retry_after_is_seconds_or_a_date(#[case] header: &str, #[case] seconds: Option<u64>) {
        let now = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(); // 22:13:20 of that day
        assert_eq!(parse_retry_after(header, now), seconds.map(Duration::from_secs));
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(header in ".*") {
            let _ = parse_retry_after(&header, OffsetDateTime::UNIX_EPOCH);
        }
    }
}
