//! The life of an incident: where it stands, what may be done with it, and whom that concerns. Whoever holds the row's lock asks
//! [`Standing::after`], and stores what it says.

use time::{Duration, OffsetDateTime};

use super::IncidentStatus;
use crate::alerting::notification::NotifiedTransition;
use crate::ids::{IncidentId, UserId};
use crate::severity::Severity;

/// For how long after its end a problem that comes back is the same incident, unless the organisation says otherwise: most
/// of what flaps comes back within a rule's window or two, and whoever looked into it still has it in mind.
pub const REOPEN_WITHIN: Duration = Duration::minutes(10);

/// How far ahead an incident may be put off: beyond a month it is not looked after, it is forgotten.
pub const LONGEST_SNOOZE: Duration = Duration::days(30);

/// What of an incident changes in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub status: IncidentStatus,
    pub severity: Severity,
    /// Who looks after it.
    pub assignee: Option<UserId>,
    /// Until then it tells nobody.
    pub snoozed_until: Option<OffsetDateTime>,
    pub resolved_at: Option<OffsetDateTime>,
    /// The incident that goes on with its story.
    pub merged_into: Option<IncidentId>,
}

/// What is to be done with an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Acknowledge,
    Resolve,
    /// Opens it again; by a person, or since its problem came back.
    Reopen,
    /// Gives it to a member of the organisation, or to nobody.
    Assign(Option<UserId>),
    Snooze(OffsetDateTime),
    /// A person ends the wait.
    EndSnooze,
    /// The moment that it was put off to has come.
    Wake,
    /// It becomes part of another incident.
    MergeInto(IncidentId, Standing),
    Regrade(Severity),
}

/// What an action makes of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub after: Standing,
    /// What people are told, if that is to be told at all.
    pub tells: Option<NotifiedTransition>,
}

/// Why an action is not possible, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IllegalChange {
    #[error("an incident that is {from} cannot become {to}; {remedy}")]
    Status {
        from: IncidentStatus,
        to: IncidentStatus,
        remedy: &'static str,
    },
    #[error("the incident was merged into {into}, which goes on with its story: change that one")]
    Merged { into: IncidentId },
    #[error("an incident that is resolved tells nobody anyway: reopen it before it is snoozed")]
    SnoozeResolved,
    #[error("an incident cannot be snoozed until {until}: name a moment in the next {} days", LONGEST_SNOOZE.whole_days())]
    SnoozeWhen { until: OffsetDateTime },
    #[error("an incident cannot be merged into itself")]
    MergeIntoItself,
    #[error("the incident is resolved already: only one that is not over can become part of another")]
    MergeResolved,
    #[error("the other incident is resolved: reopen it first, or merge into one that is not over")]
    MergeIntoResolved,
    #[error("the other incident was itself merged into {into}: merge into that one")]
    MergeIntoMerged { into: IncidentId },
}

impl Standing {
    /// An incident that just opened.
    pub fn opened(severity: Severity) -> Self {
        Self {
            status: IncidentStatus::Open,
            severity,
            assignee: None,
            snoozed_until: None,
            resolved_at: None,
            merged_into: None,
        }
    }

    pub fn is_resolved(&self) -> bool {
        self.status == IncidentStatus::Resolved
    }

    /// Whether a problem that comes back now is still this incident.
    pub fn takes_back(&self, within: Duration, now: OffsetDateTime) -> bool {
        self.merged_into.is_none() && self.resolved_at.is_some_and(|at| now - at < within)
    }

    /// What an action makes of it; nothing when it changes nothing, so that a repeated request is no mistake.
    pub fn after(
        &self,
        id: IncidentId,
        action: Action,
        now: OffsetDateTime,
    ) -> Result<Option<Step>, IllegalChange> {
        if let Some(into) = self.merged_into {
            return after_merging(action, into);
        }
        match action {
            Action::Acknowledge => self.acknowledge(),
            Action::Resolve if self.is_resolved() => Ok(None),
            Action::Resolve => Ok(Some(self.resolved(now, None))),
            Action::Reopen => self.reopen(),
            Action::Assign(assignee) => Ok((assignee != self.assignee).then_some(Step {
                after: Self { assignee, ..*self },
                tells: None,
            })),
            Action::Snooze(until) => self.snooze(until, now),
            Action::EndSnooze => Ok(self.snoozed_until.map(|_| Step {
                after: self.awake(),
                tells: None,
            })),
            Action::Wake => Ok(self.snoozed_until.filter(|until| *until <= now).map(|_| Step {
                after: self.awake(),
                // Whoever was spared hears of it once if it is not over.
                tells: (!self.is_resolved()).then_some(NotifiedTransition::Reminded),
            })),
            Action::MergeInto(into, other) => self.merge(id, into, &other, now),
            Action::Regrade(severity) => Ok((severity != self.severity).then(|| Step {
                after: Self { severity, ..*self },
                tells: (severity > self.severity && !self.is_resolved())
                    .then_some(NotifiedTransition::Raised),
            })),
        }
    }

    fn acknowledge(&self) -> Result<Option<Step>, IllegalChange> {
        match self.status {
            IncidentStatus::Open => Ok(Some(Step {
                after: Self {
                    status: IncidentStatus::Acknowledged,
                    ..*self
                },
                tells: Some(NotifiedTransition::Acknowledged),
            })),
            IncidentStatus::Acknowledged => Ok(None),
            IncidentStatus::Resolved => Err(IllegalChange::Status {
                from: self.status,
                to: IncidentStatus::Acknowledged,
                remedy: "reopen it first",
            }),
        }
    }

    fn reopen(&self) -> Result<Option<Step>, IllegalChange> {
        match self.status {
            IncidentStatus::Resolved => Ok(Some(Step {
                after: Self {
                    status: IncidentStatus::Open,
                    resolved_at: None,
                    ..*self
                },
                tells: Some(NotifiedTransition::Reopened),
            })),
            IncidentStatus::Open => Ok(None),
            IncidentStatus::Acknowledged => Err(IllegalChange::Status {
                from: self.status,
                to: IncidentStatus::Open,
                remedy: "assign it to nobody if nobody looks after it any more",
            }),
        }
    }

    fn snooze(&self, until: OffsetDateTime, now: OffsetDateTime) -> Result<Option<Step>, IllegalChange> {
        if self.is_resolved() {
            return Err(IllegalChange::SnoozeResolved);
        }
        if until <= now || until > now + LONGEST_SNOOZE {
            return Err(IllegalChange::SnoozeWhen { until });
        }
        Ok((self.snoozed_until != Some(until)).then_some(Step {
            after: Self {
                snoozed_until: Some(until),
                ..*self
            },
            tells: None,
        }))
    }

    /// Both are locked by whoever asks. The other one is part of none, and this one will be part of one for ever: so no
    /// incident ever leads back to itself.
    fn merge(
        &self,
        id: IncidentId,
        into: IncidentId,
        other: &Self,
        now: OffsetDateTime,
    ) -> Result<Option<Step>, IllegalChange> {
        if id == into {
            return Err(IllegalChange::MergeIntoItself);
        }
        if self.is_resolved() {
            return Err(IllegalChange::MergeResolved);
        }
        if let Some(into) = other.merged_into {
            return Err(IllegalChange::MergeIntoMerged { into });
        }
        if other.is_resolved() {
            return Err(IllegalChange::MergeIntoResolved);
        }
        Ok(Some(self.resolved(now, Some(into))))
    }

    fn resolved(&self, now: OffsetDateTime, merged_into: Option<IncidentId>) -> Step {
        // A problem that comes and goes stays snoozed when it comes again; one that is told elsewhere waits for nothing.
        let snoozed_until = self.snoozed_until.filter(|_| merged_into.is_none());
        Step {
            after: Self {
                status: IncidentStatus::Resolved,
                resolved_at: Some(now),
                snoozed_until,
                merged_into,
                ..*self
            },
            tells: Some(NotifiedTransition::Resolved),
        }
    }

    fn awake(&self) -> Self {
        Self {
            snoozed_until: None,
            ..*self
        }
    }
}

/// The story of what was merged is told by another one; what changes nothing is no mistake.
fn after_merging(action: Action, into: IncidentId) -> Result<Option<Step>, IllegalChange> {
    match action {
        Action::Resolve | Action::Wake | Action::EndSnooze => Ok(None),
        Action::MergeInto(other, _) if other == into => Ok(None),
        Action::Acknowledge
        | Action::Reopen
        | Action::Assign(_)
        | Action::Snooze(_)
        | Action::MergeInto(..)
        | Action::Regrade(_) => Err(IllegalChange::Merged { into }),
    }
}

#[cfg(test)]
mod tests;
