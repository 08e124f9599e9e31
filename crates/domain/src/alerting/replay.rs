//! Walking over history with the evaluator.
//!
//! A rule is judged at fixed moments: at multiples of its step, and when a deployment is reported. What happened at a moment
//! is decided by facts that arrived before it, and it is decided once they can no longer change. So whoever walks over the
//! same moments, at once or weeks later, in one go or in many, finds the same transitions.
//!
//! One moment is decided early: where more lines can only make a condition truer and it holds already, nobody waits for the
//! end of the step.

use time::OffsetDateTime;

use crate::alerting::evaluator::{Firing, FiringState, Observation, Reason, Transition, evaluate_rule};
use crate::alerting::history::History;
use crate::alerting::rule::{Condition, Definition, Facts, floor};

/// Which moments to judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The last moment that was judged.
    pub after: OffsetDateTime,
    /// What arrived up to here is known.
    pub settled: OffsetDateTime,
    /// The present, whose step is not over; `None` for history alone, where nothing is decided early.
    pub now: Option<OffsetDateTime>,
}

impl Horizon {
    /// History alone.
    pub fn past(after: OffsetDateTime, until: OffsetDateTime) -> Self {
        Self {
            after,
            settled: until,
            now: None,
        }
    }
}

/// A transition, and what it was decided by.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: OffsetDateTime,
    pub transition: Transition,
    pub observed: Observation,
    /// The state that it led to.
    pub firing: Firing,
}

/// Where a walk led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    pub firing: Firing,
    /// What was seen at the last moment; `None` if there was none to judge.
    pub observed: Option<Observation>,
    /// The last moment that was judged.
    pub until: OffsetDateTime,
    pub changes: Vec<Change>,
}

/// Judges each moment of the horizon in its order. `visit` sees what was found at each, quiet stretches left out.
pub fn walk(
    rule: &Definition,
    facts: &History,
    before: &Firing,
    horizon: Horizon,
    mut visit: impl FnMut(OffsetDateTime, &Observation, &Firing),
) -> Walked {
    let mut walked = Walked {
        firing: *before,
        observed: None,
        until: horizon.after,
        changes: Vec::new(),
    };
    let mut moments = Moments::new(&rule.condition, facts, horizon);
    while let Some(moment) = moments.next(&walked) {
        let (observed, firing, transition) = evaluate_rule(rule, facts, &walked.firing, moment.at);
        let is_decided =
            moment.is_settled || matches!(&observed, Observation::Read(reading) if reading.holds);
        if !is_decided {
            break;
        }
        visit(moment.at, &observed, &firing);
        walked.firing = firing;
        walked.until = moment.at;
        if let Some(transition) = transition {
            walked.changes.push(Change {
                at: moment.at,
                transition,
                observed: observed.clone(),
                firing,
            });
        }
        walked.observed = Some(observed);
    }
    walked
}

struct Moment {
    at: OffsetDateTime,
    is_settled: bool,
}

struct Moments<'a> {
    condition: &'a Condition,
    facts: &'a History,
    settled: OffsetDateTime,
    /// The end of the step that runs now, where that can be decided early.
    early: Option<OffsetDateTime>,
    /// Moments beside the multiples of the step, latest first.
    reports: Vec<OffsetDateTime>,
}

impl<'a> Moments<'a> {
    fn new(condition: &'a Condition, facts: &'a History, horizon: Horizon) -> Self {
        let settled = horizon.settled - condition.delay();
        let mut reports: Vec<OffsetDateTime> = match condition.facts() {
            Facts::Deployments => facts
                .deployments
                .iter()
                .map(|report| report.recorded_at)
                .filter(|at| *at > horizon.after && *at <= settled)
                .collect(),
            Facts::Arrivals
            | Facts::ArrivalsAndDeployments
            | Facts::Lines
            | Facts::ErrorPatterns
            | Facts::Beats => Vec::new(),
        };
        reports.sort_unstable_by(|one, other| other.cmp(one));
        reports.dedup();
        let step_end = |now| floor(now, condition.step()) + condition.step();
        Self {
            condition,
            facts,
            settled,
            early: horizon.now.filter(|_| condition.only_grows()).map(step_end),
            reports,
        }
    }

    fn next(&mut self, walked: &Walked) -> Option<Moment> {
        let step = self.condition.step();
        let mut at = floor(walked.until, step) + step;
        if let Some(quiet) = self.quiet_until(walked, at) {
            at = quiet;
        }
        while let Some(report) = self.reports.last().copied() {
            if report > at {
                break;
            }
            self.reports.pop();
            if report > walked.until {
                return Some(Moment {
                    at: report,
                    is_settled: true,
                });
            }
        }
        if at <= self.settled {
            return Some(Moment { at, is_settled: true });
        }
        let early = self.early.filter(|end| at <= *end)?;
        // What was deployed is known a step before.
        let asks_deployments = matches!(
            self.condition.facts(),
            Facts::ArrivalsAndDeployments | Facts::ErrorPatterns
        );
        let knows_deployments = !asks_deployments || at - step <= self.settled;
        (at <= early && knows_deployments).then_some(Moment {
            at,
            is_settled: false,
        })
    }

    /// The first moment, from `at` on, at which something other than quiet can be found.
    fn quiet_until(&self, walked: &Walked, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let rests = walked.firing.state == FiringState::Inactive && walked.firing.reason == Reason::NotMet;
        if !rests || at >= self.settled {
            return None;
        }
        let next = self.condition.quiet_until(self.facts, at)?;
        // The last settled moment is judged in any case: it is where the walk has come to.
        let last = floor(self.settled, self.condition.step());
        Some(next.map_or(last, |next| next.min(last)).max(at))
    }
}

#[cfg(test)]
mod tests;
