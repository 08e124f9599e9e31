//! The one evaluator: (rule version, facts of the window, previous state, now) → (new state, transition).
//!
//! Pure and total, so that production, a preview and a replay of history call the same function ([`evaluate_rule`], at
//! the moments that [`crate::alerting::replay`] chooses). Evaluating twice at the same moment changes nothing the second
//! time, whatever order or number of events led to it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::alerting::history::History;
use crate::alerting::rule::Definition;

/// A rule's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the condition must hold before the rule fires.
    pub hold_for: Duration,
    /// How long after firing the same fingerprint does not fire again.
    pub cooldown: Duration,
    /// How long the condition must have been false before a firing ends.
    pub clear_after: Duration,
}

/// What a rule's condition is found to be, at one moment in one scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub holds: bool,
    pub value: f64,
    pub threshold: f64,
    /// The reading in words, for people.
    pub detail: String,
}

/// Why a rule no longer watches something, whatever the condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    RuleDisabled,
    RuleDeleted,
    /// The rule's scope was changed, or its service or environment deleted.
    OutOfScope,
}

/// What the evaluator is told about the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    Read(Reading),
    /// Nothing can be said: facts lack, or they are late.
    NoData(NoData),
    Withdrawn(Withdrawal),
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoData {
    #[error("what arrived lately is not known yet: a writer is behind")]
    Late,
    #[error("nothing has ever come from there")]
    NeverSeen,
    #[error("there are more lines than could be looked at in time")]
    Partial,
}

/// Where one fingerprint of one rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FiringState {
    Inactive,
    /// The condition holds, and something still has to pass before the rule fires: see the reason.
    Pending,
    Firing,
}

impl FiringState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

impl std::str::FromStr for FiringState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::Inactive, Self::Pending, Self::Firing]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

crate::text_column!(FiringState);

/// Why a fingerprint is in its state: the answer to "why was I (not) told?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Inactive: the condition is false.
    NotMet,
    /// Pending: the condition does not yet hold for as long as the rule asks.
    Waiting,
    /// Pending: the rule fired a short while ago and its cooldown is not over.
    CoolingDown,
    /// Firing: the condition holds.
    Met,
    /// Firing: the condition is false, but not yet for long enough.
    Clearing,
    /// Firing, but a person resolved the incident: nobody is told again until the condition was false once.
    Settled,
    /// In whatever state: facts lack or are late, so that it stays as it was. It is not known to be well.
    NoData,
    RuleDisabled,
    RuleDeleted,
    OutOfScope,
}

impl Reason {
    pub const ALL: [Self; 10] = [
        Self::NotMet,
        Self::Waiting,
        Self::CoolingDown,
        Self::Met,
        Self::Clearing,
        Self::Settled,
        Self::NoData,
        Self::RuleDisabled,
        Self::RuleDeleted,
        Self::OutOfScope,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotMet => "not_met",
            Self::Waiting => "waiting",
            Self::CoolingDown => "cooling_down",
            Self::Met => "met",
            Self::Clearing => "clearing",
            Self::Settled => "settled",
            Self::NoData => "no_data",
            Self::RuleDisabled => "rule_disabled",
            Self::RuleDeleted => "rule_deleted",
            Self::OutOfScope => "out_of_scope",
        }
    }
}

impl std::str::FromStr for Reason {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or(UnknownState)
    }
}

crate::text_column!(Reason);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a firing has a state or reason that this version does not know")]
pub struct UnknownState;

impl From<Withdrawal> for Reason {
    fn from(withdrawal: Withdrawal) -> Self {
        match withdrawal {
            Withdrawal::RuleDisabled => Self::RuleDisabled,
            Withdrawal::RuleDeleted => Self::RuleDeleted,
            Withdrawal::OutOfScope => Self::OutOfScope,
        }
    }
}

/// The state of one fingerprint, kept between evaluations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    pub state: FiringState,
    pub reason: Reason,
    /// When the condition was first seen true, in the present run of truth; `None` while inactive.
    pub pending_since: Option<OffsetDateTime>,
    /// When the rule last fired; outlives the firing, since the cooldown counts from it.
    pub fired_at: Option<OffsetDateTime>,
    /// When the condition was last seen true.
    pub last_true_at: Option<OffsetDateTime>,
    /// When the condition was first seen false, in the present run of falsehood of a firing.
    pub clear_since: Option<OffsetDateTime>,
    /// Whether a person has resolved the incident of the present firing.
    pub settled: bool,
}

impl Firing {
    /// A fingerprint that was never seen.
    pub const NEW: Self = Self {
        state: FiringState::Inactive,
        reason: Reason::NotMet,
        pending_since: None,
        fired_at: None,
        last_true_at: None,
        clear_since: None,
        settled: false,
    };

    /// Until when the state lasts at least, if the condition stays as it is; `None` where time changes nothing.
    pub fn held_until(&self, timing: &Timing) -> Option<OffsetDateTime> {
        match self.reason {
            Reason::Waiting => self.pending_since.map(|since| since + timing.hold_for),
            Reason::CoolingDown => self.fired_at.map(|fired| fired + timing.cooldown),
            Reason::Clearing => self.clear_since.map(|since| since + timing.clear_after),
            Reason::NotMet
            | Reason::Met
            | Reason::Settled
            | Reason::NoData
            | Reason::RuleDisabled
            | Reason::RuleDeleted
            | Reason::OutOfScope => None,
        }
    }

    fn inactive(self, reason: Reason) -> Self {
        Self {
            state: FiringState::Inactive,
            reason,
            pending_since: None,
            clear_since: None,
            settled: false,
            ..self
        }
    }
}

/// What an evaluation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The condition became true, and must hold until then before the rule fires.
    Pending { until: OffsetDateTime },
    /// The rule would fire, but its cooldown lasts until then.
    Held { until: OffsetDateTime },
    /// The rule fires: an incident opens.
    Fired { since: OffsetDateTime },
    /// The condition became false before the rule fired, or the rule looks elsewhere now.
    Dropped,
    /// The firing is over: its incident, if it is not resolved yet, resolves.
    Ended(EndCause),
}

impl Transition {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Held { .. } => "held",
            Self::Fired { .. } => "fired",
            Self::Dropped => "dropped",
            Self::Ended(_) => "ended",
        }
    }
}

/// Why a firing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The condition has been false since then.
    ConditionFalse {
        since: OffsetDateTime,
    },
    Withdrawn(Withdrawal),
}

/// Judges the facts of one place by a version of a rule, and says what that makes of it.
pub fn evaluate_rule(
    rule: &Definition,
    facts: &History,
    before: &Firing,
    now: OffsetDateTime,
) -> (Observation, Firing, Option<Transition>) {
    let observed = rule.condition.judge(facts, now);
    let (after, transition) = evaluate(&rule.timing, &observed, before, now);
    (observed, after, transition)
}

/// Evaluates one fingerprint.
pub fn evaluate(
    timing: &Timing,
    observed: &Observation,
    before: &Firing,
    now: OffsetDateTime,
) -> (Firing, Option<Transition>) {
    match observed {
        Observation::Withdrawn(withdrawal) => withdraw(*withdrawal, before),
        Observation::NoData(_) => {
            let unknown = Firing {
                reason: Reason::NoData,
                ..*before
            };
            (unknown, None)
        }
        Observation::Read(reading) if reading.holds => condition_true(timing, before, now),
        Observation::Read(_) => condition_false(timing, before, now),
    }
}

fn withdraw(withdrawal: Withdrawal, before: &Firing) -> (Firing, Option<Transition>) {
    let transition = match before.state {
        FiringState::Inactive => None,
        FiringState::Pending => Some(Transition::Dropped),
        FiringState::Firing => Some(Transition::Ended(EndCause::Withdrawn(withdrawal))),
    };
    (before.inactive(withdrawal.into()), transition)
}

fn condition_true(timing: &Timing, before: &Firing, now: OffsetDateTime) -> (Firing, Option<Transition>) {
    let seen = Firing {
        last_true_at: Some(now),
        clear_since: None,
        ..*before
    };
    match before.state {
        // Resolved by a person when it was false already: true again, it is a new problem.
        FiringState::Firing if before.settled && before.clear_since.is_some() => {
            advance(timing, seen.inactive(Reason::NotMet), now)
        }
        FiringState::Firing => {
            let reason = if before.settled {
                Reason::Settled
            } else {
                Reason::Met
            };
            (Firing { reason, ..seen }, None)
        }
        FiringState::Inactive | FiringState::Pending => advance(timing, seen, now),
    }
}

/// The condition is true and the rule has not fired for it.
fn advance(timing: &Timing, before: Firing, now: OffsetDateTime) -> (Firing, Option<Transition>) {
    let since = before.pending_since.unwrap_or(now);
    let pending = |reason| Firing {
        state: FiringState::Pending,
        reason,
        pending_since: Some(since),
        ..before
    };
    let ready_at = since + timing.hold_for;
    if now < ready_at {
        let first = before.state == FiringState::Inactive;
        let transition = first.then_some(Transition::Pending { until: ready_at });
        return (pending(Reason::Waiting), transition);
    }
    let cool_at = before.fired_at.map(|fired| fired + timing.cooldown);
    if let Some(until) = cool_at.filter(|until| now < *until) {
        let first = before.reason != Reason::CoolingDown;
        let transition = first.then_some(Transition::Held { until });
        return (pending(Reason::CoolingDown), transition);
    }
    let fired = Firing {
        state: FiringState::Firing,
        reason: Reason::Met,
        pending_since: Some(since),
        fired_at: Some(now),
        settled: false,
        ..before
    };
    (fired, Some(Transition::Fired { since }))
}

fn condition_false(timing: &Timing, before: &Firing, now: OffsetDateTime) -> (Firing, Option<Transition>) {
    let since = before.clear_since.unwrap_or(now);
    match before.state {
        FiringState::Inactive => (before.inactive(Reason::NotMet), None),
        FiringState::Pending => (before.inactive(Reason::NotMet), Some(Transition::Dropped)),
        // A person has resolved it already: there is nothing to keep open until it is surely quiet.
        FiringState::Firing if before.settled || now >= since + timing.clear_after => (
            before.inactive(Reason::NotMet),
            Some(Transition::Ended(EndCause::ConditionFalse { since })),
        ),
        FiringState::Firing => {
            let clearing = Firing {
                reason: Reason::Clearing,
                clear_since: Some(since),
                ..*before
            };
            (clearing, None)
        }
    }
}

#[cfg(test)]
mod tests;
