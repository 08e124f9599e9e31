//! Jobs that must call.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::RuleType;
use super::params::{InvalidParams, refuse_unknown, whole_number};
use crate::alerting::evaluator::{NoData, Observation, Reading};
use crate::alerting::history::History;

/// `heartbeat`: a job that calls its address every `every_seconds` has not done so, and `grace_seconds` have passed. One that
/// never called has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    every_seconds: u32,
    grace_seconds: u32,
}

impl Heartbeat {
    /// What the secret part of its address begins with.
    pub const TOKEN_PREFIX: &'static str = "slh_";
    /// Half a minute up to a month.
    const EVERY_SECONDS: std::ops::RangeInclusive<u64> = 30..=2_678_400;
    const GRACE_SECONDS: std::ops::RangeInclusive<u64> = 0..=604_800;
    /// A call that is just being written down is waited for.
    pub(super) const DELAY: Duration = Duration::seconds(2);
    /// Calls are written down at most this often.
    pub const NOTED_EVERY: Duration = Duration::seconds(5);

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        refuse_unknown(RuleType::Heartbeat, params, &["every_seconds", "grace_seconds"])?;
        Ok(Self {
            every_seconds: whole_number(params, "every_seconds", &Self::EVERY_SECONDS)? as u32,
            grace_seconds: whole_number(params, "grace_seconds", &Self::GRACE_SECONDS)? as u32,
        })
    }

    pub(super) fn params(self) -> Value {
        json!({"every_seconds": self.every_seconds, "grace_seconds": self.grace_seconds})
    }

    /// How long after a call the next one is overdue.
    pub fn due_after(&self) -> Duration {
        Duration::seconds(i64::from(self.every_seconds) + i64::from(self.grace_seconds))
    }

    pub(super) fn judge(self, history: &History, at: OffsetDateTime) -> Observation {
        let known = history.beats.partition_point(|beat| *beat <= at);
        let Some(last) = known.checked_sub(1).and_then(|place| history.beats.get(place)) else {
            return Observation::NoData(NoData::NeverSeen);
        };
        let quiet = at - *last;
        let due = self.due_after().whole_seconds();
        Observation::Read(Reading {
            holds: quiet > self.due_after(),
            value: quiet.whole_seconds() as f64,
            threshold: due as f64,
            detail: format!(
                "the last call came {} s before (due within {due} s)",
                quiet.whole_seconds()
            ),
        })
    }
}
