//! Conditions over deployments.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::RuleType;
use super::params::{InvalidParams, number, refuse_unknown, whole_number, window};
use super::window::{Window, floor};
use crate::alerting::evaluator::Reading;
use crate::alerting::history::{DeploymentReport, History};
use crate::deployment::DeploymentStatus;

/// An attempt to deploy that ended in success or failure; cancelled and superseded ones are neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedDeployment {
    pub succeeded: bool,
    /// What people call it: its version, short commit or name.
    pub label: String,
}

/// What people call a deployment.
pub fn label_of(version: Option<&str>, commit_sha: Option<&str>, name: &str) -> String {
    let commit: Option<String> = commit_sha.map(|sha| sha.chars().take(7).collect());
    let parts = [
        Some(name.to_owned()),
        version.map(str::to_owned),
        commit.map(|commit| format!("({commit})")),
    ];
    let label: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    label.join(" ")
}

/// The attempts that had ended in success or failure, as far as was known at a moment: the last thing that was said of
/// each, in the order in which they ended. A cancelled attempt is neither, and one that was superseded later ended as it
/// had before. A re-run that is under way does not hide how the attempt before it ended.
pub(super) fn finished(reports: &[DeploymentReport], known_at: OffsetDateTime) -> Vec<&DeploymentReport> {
    let mut ends: HashMap<_, &DeploymentReport> = HashMap::new();
    for report in reports.iter().filter(|report| report.recorded_at <= known_at) {
        let ended = matches!(
            report.status,
            DeploymentStatus::Success | DeploymentStatus::Failure | DeploymentStatus::Cancelled
        );
        if ended {
            let order = |report: &DeploymentReport| (report.at, report.status.as_str());
            ends.entry((report.deployment_id, report.attempt))
                .and_modify(|last| {
                    if order(report) > order(last) {
                        *last = report;
                    }
                })
                .or_insert(report);
        }
    }
    let mut ends: Vec<_> = ends
        .into_values()
        .filter(|report| report.status != DeploymentStatus::Cancelled)
        .collect();
    // GitHub tells whole seconds: of those of one moment the one that was heard of last.
    ends.sort_unstable_by_key(|report| (report.at, report.attempt, report.created_at, report.deployment_id));
    ends
}

/// The newest attempt that had ended, as far as was known at a moment.
pub(super) fn newest_finished(
    reports: &[DeploymentReport],
    known_at: OffsetDateTime,
) -> Option<FinishedDeployment> {
    finished(reports, known_at)
        .last()
        .map(|report| FinishedDeployment {
            succeeded: report.status == DeploymentStatus::Success,
            label: report.label.clone(),
        })
}

/// `deployment_failure`: what the newest finished deployment of a service and environment means.
pub fn read_deployment(newest_finished: Option<&FinishedDeployment>) -> Reading {
    let (holds, detail) = match newest_finished {
        None => (false, "no deployment has finished".to_owned()),
        Some(deployment) => {
            let verb = if deployment.succeeded {
                "succeeded"
            } else {
                "failed"
            };
            let words = ["deployment", &deployment.label, verb];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            (!deployment.succeeded, words.join(" "))
        }
    };
    Reading {
        holds,
        value: f64::from(u8::from(holds)),
        threshold: 1.0,
        detail,
    }
}

/// `deploy_regression`: in the window after a deployment at least `min_errors` errors arrived, and at least `factor` times as
/// many as in the window before it.
///
/// It goes on for as long as each window since then has that many, and ends with the next deployment that is better. A
/// deployment that follows another one within the window is measured by the quietest of the windows before them: the second
/// of two bad ones does not look like an improvement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeployRegression {
    window: Window,
    min_errors: u64,
    factor: f64,
}

impl DeployRegression {
    const WINDOW_SECONDS: std::ops::RangeInclusive<u64> = 60..=3_600;
    const MIN_ERRORS: std::ops::RangeInclusive<u64> = 1..=1_000_000;
    const FACTOR: std::ops::RangeInclusive<f64> = 1.0..=1_000.0;
    /// A deployment is blamed for so long at most.
    const MAX_AGE: Duration = Duration::hours(6);
    /// Deployments that are looked back over for a quiet window.
    const MAX_CHAIN: usize = 10;

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        let known = ["window_seconds", "min_errors", "factor"];
        refuse_unknown(RuleType::DeployRegression, params, &known)?;
        Ok(Self {
            window: window(params, &Self::WINDOW_SECONDS)?,
            min_errors: whole_number(params, "min_errors", &Self::MIN_ERRORS)?,
            factor: number(params, "factor", &Self::FACTOR)?,
        })
    }

    pub(super) fn params(&self) -> Value {
        json!({"window_seconds": self.window.seconds(), "min_errors": self.min_errors, "factor": self.factor})
    }

    pub fn window(&self) -> Window {
        self.window
    }

    /// From when on lines are needed to judge moments from `first` on; `None` where no deployment makes them matter.
    pub(super) fn lines_from(
        &self,
        deployments: &[DeploymentReport],
        first: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        let length = self.window.length();
        let ever = deployments.iter().map(|report| report.recorded_at).max()?;
        let begun: Vec<_> = self
            .successes(deployments, ever)
            .into_iter()
            .map(|(_, begun)| begun)
            .collect();
        let place = begun.iter().position(|begun| *begun >= first - Self::MAX_AGE)?;
        let mut oldest = begun[place];
        for earlier in begun[..place].iter().rev().take(Self::MAX_CHAIN) {
            if oldest - *earlier > length {
                break;
            }
            oldest = *earlier;
        }
        Some(oldest - length)
    }

    pub(super) fn judge(&self, history: &History, at: OffsetDateTime) -> Reading {
        let deployed = self.successes(&history.deployments, at - self.window.step());
        let Some((deployment, begun)) = deployed.last() else {
            return self.quiet("nothing was deployed lately".to_owned());
        };
        if at - *begun > Self::MAX_AGE {
            return self.quiet(format!("the last deployment, {}, is old", deployment.label));
        }
        let length = self.window.length();
        let (before, bound) = self.bound(history, &deployed);
        let last = history.lines.between((*begun).max(at - length), at).errors;
        let name = if deployment.label.is_empty() {
            "the deployment"
        } else {
            &deployment.label
        };
        Reading {
            holds: !self.is_over(history, *begun, bound, at) && last as f64 >= bound,
            value: last as f64,
            threshold: bound,
            detail: format!(
                "{last} errors since {name}, {before} in the same time before it (threshold {bound:.0})"
            ),
        }
    }

    fn quiet(&self, detail: String) -> Reading {
        Reading {
            holds: false,
            value: 0.0,
            threshold: self.min_errors as f64,
            detail,
        }
    }

    /// See [`super::Condition::quiet_until`]. Once a window after a deployment had few errors, only another one changes anything.
    #[expect(clippy::option_option, reason = "whether it is quiet, and until when")]
    pub(super) fn quiet_until(
        &self,
        history: &History,
        at: OffsetDateTime,
    ) -> Option<Option<OffsetDateTime>> {
        let step = self.window.step();
        let known_at = at - step;
        let deployed = self.successes(&history.deployments, known_at);
        let is_quiet = deployed.last().is_none_or(|(_, begun)| {
            let (_, bound) = self.bound(history, &deployed);
            at - *begun > Self::MAX_AGE || self.is_over(history, *begun, bound, at)
        });
        let next = || {
            let later = history.deployments.iter().map(|report| report.recorded_at);
            let next = later.filter(|recorded_at| *recorded_at > known_at).min()?;
            Some(floor(next, step) + step)
        };
        is_quiet.then(next)
    }

    /// Whether one of the windows that followed one another since the deployment had few errors: what comes later has other
    /// causes.
    fn is_over(&self, history: &History, begun: OffsetDateTime, bound: f64, at: OffsetDateTime) -> bool {
        let length = self.window.length();
        let mut start = begun;
        while start + length <= at {
            let errors = history.lines.between(start, start + length).errors;
            if (errors as f64) < bound {
                return true;
            }
            start += length;
        }
        false
    }

    /// The errors before the deployment, and how many after it are too many.
    fn bound(&self, history: &History, deployed: &[(&DeploymentReport, OffsetDateTime)]) -> (u64, f64) {
        let before = self.baseline(history, deployed);
        (before, (self.min_errors as f64).max(before as f64 * self.factor))
    }

    /// Deployments that succeeded, with the bin in which each began to serve. They are looked at as they were known when the bin
    /// before a moment ended: what arrives while it is judged does not change the deployment.
    fn successes<'a>(
        &self,
        reports: &'a [DeploymentReport],
        known_at: OffsetDateTime,
    ) -> Vec<(&'a DeploymentReport, OffsetDateTime)> {
        let mut successes: Vec<_> = finished(reports, known_at)
            .into_iter()
            .filter(|report| report.status == DeploymentStatus::Success)
            .map(|report| (report, self.begun(report)))
            .collect();
        successes.sort_by_key(|(_, begun)| *begun);
        successes
    }

    /// A report may come late, and its sender's clock may be wrong by any amount.
    fn begun(&self, report: &DeploymentReport) -> OffsetDateTime {
        let earliest = report.recorded_at - self.window.length();
        floor(report.at.clamp(earliest, report.recorded_at), self.window.step())
    }

    fn baseline(&self, history: &History, deployed: &[(&DeploymentReport, OffsetDateTime)]) -> u64 {
        let length = self.window.length();
        let mut quietest = u64::MAX;
        let mut newer: Option<OffsetDateTime> = None;
        for (_, begun) in deployed.iter().rev().take(Self::MAX_CHAIN) {
            if newer.is_some_and(|newer| newer - *begun > length) {
                break;
            }
            quietest = quietest.min(history.lines.between(*begun - length, *begun).errors);
            newer = Some(*begun);
        }
        if quietest == u64::MAX { 0 } else { quietest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeploymentId;

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + second).unwrap()
    }

    fn report(id: DeploymentId, attempt: i32, status: DeploymentStatus, second: i64) -> DeploymentReport {
        DeploymentReport {
            deployment_id: id,
            attempt,
            status,
            at: at(second),
            recorded_at: at(second),
            created_at: at(0),
            label: label_of(Some("v1.2"), Some("0123456789abcdef"), "deploy"),
        }
    }

    #[test]
    fn only_a_failed_newest_deployment_holds() {
        let one = DeploymentId::generate();
        let failed = [report(one, 1, DeploymentStatus::Failure, 10)];
        let newest = newest_finished(&failed, at(10));
        let reading = read_deployment(newest.as_ref());
        assert_eq!(
            (reading.holds, reading.detail.as_str()),
            (true, "deployment deploy v1.2 (0123456) failed")
        );
        assert_eq!(newest_finished(&failed, at(9)), None, "not known yet");
        assert!(!read_deployment(None).holds);
    }

    #[test]
    fn what_is_under_way_or_cancelled_hides_nothing() {
        use DeploymentStatus::{Cancelled, Failure, InProgress, Success, Superseded};
        let (one, two) = (DeploymentId::generate(), DeploymentId::generate());
        let reports = [
            report(one, 1, Failure, 10),
            report(one, 2, InProgress, 20),
            report(two, 1, Cancelled, 30),
        ];
        assert!(!newest_finished(&reports, at(40)).unwrap().succeeded);
        let reports = [
            report(one, 1, Success, 10),
            report(one, 1, Superseded, 30),
            report(two, 1, InProgress, 20),
        ];
        assert!(newest_finished(&reports, at(40)).unwrap().succeeded);
    }
}
