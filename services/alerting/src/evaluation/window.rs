//! Which moments a rule is judged at now.

use domain::alerting::replay::Horizon;
use domain::alerting::rule::{Condition, floor};
use time::OffsetDateTime;

use super::facts::Span;

/// After a stop, moments that lie further back are left out: nobody is paged now for what was over long ago.
const MAX_CATCH_UP: time::Duration = time::Duration::minutes(15);
/// From when on it is said that facts are late.
const LATE: time::Duration = time::Duration::seconds(30);
/// Which moments are to be judged now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) horizon: Horizon,
    /// Where the rule has come to once they are.
    pub(crate) end: OffsetDateTime,
}

impl Window {
    pub(crate) fn of(
        condition: &Condition,
        evaluated_to: Option<OffsetDateTime>,
        settled: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Self {
        let end = settled - condition.delay();
        let step = condition.step();
        let first = evaluated_to.unwrap_or_else(|| floor(end, step) - step);
        let horizon = Horizon {
            after: first.max(end - MAX_CATCH_UP),
            settled,
            now: Some(now.max(settled)),
        };
        Self { horizon, end }
    }

    /// Whether what arrived lately is not known.
    pub(crate) fn is_late(&self) -> bool {
        self.horizon
            .now
            .is_some_and(|now| now - self.horizon.settled > LATE)
    }

    /// Facts up to here are read, whether they are settled or not.
    pub(crate) fn span(&self, condition: &Condition) -> Span {
        let now = self.horizon.now.unwrap_or(self.horizon.settled);
        Span {
            after: self.horizon.after,
            until: floor(now, condition.step()) + condition.step(),
        }
    }

    /// The same for a fingerprint that is ahead.
    pub(crate) fn from(&self, evaluated_to: Option<OffsetDateTime>) -> Horizon {
        Horizon {
            after: evaluated_to.map_or(self.horizon.after, |to| to.max(self.horizon.after)),
            ..self.horizon
        }
    }
}
