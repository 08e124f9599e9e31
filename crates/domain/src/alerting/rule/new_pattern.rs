//! Errors of a kind that is new.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::RuleType;
use super::counts::counted;
use super::deployments::finished;
use super::params::{InvalidParams, invalid, refuse_unknown, whole_number};
use super::window::floor;
use crate::alerting::evaluator::Reading;
use crate::alerting::history::{DeploymentReport, History};
use crate::deployment::DeploymentStatus;

/// What "before" means for a rule over new patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Never, for as long as lines of the service are kept.
    Ever,
    /// Not since the newest deployment that succeeded: what an earlier version threw already is told once more for this one.
    /// The same as ever where nothing was deployed.
    LastDeployment,
    /// Neither since that deployment nor since the one before it: what the version before threw already is not told again. The
    /// same as ever where there was none before.
    PreviousDeployment,
    /// Not within so many days.
    Days(u8),
}

impl Since {
    /// Arrivals are kept for 35 days.
    const DAYS: std::ops::RangeInclusive<u64> = 1..=30;

    fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        let wanted = || {
            let days = Self::DAYS;
            invalid(
                "since",
                format!(
                    "must be ever, last_deployment, previous_deployment, or {{\"days\": {} to {}}}",
                    days.start(),
                    days.end()
                ),
            )
        };
        match params.get("since") {
            None | Some(Value::Null) => Ok(Self::Ever),
            Some(Value::String(since)) => match since.as_str() {
                "ever" => Ok(Self::Ever),
                "last_deployment" => Ok(Self::LastDeployment),
                "previous_deployment" => Ok(Self::PreviousDeployment),
                _ => Err(wanted()),
            },
            Some(Value::Object(since)) if since.len() == 1 => since
                .get("days")
                .and_then(Value::as_u64)
                .filter(|days| Self::DAYS.contains(days))
                .map(|days| Self::Days(days as u8))
                .ok_or_else(wanted),
            Some(_) => Err(wanted()),
        }
    }

    fn param(self) -> Value {
        match self {
            Self::Ever => json!("ever"),
            Self::LastDeployment => json!("last_deployment"),
            Self::PreviousDeployment => json!("previous_deployment"),
            Self::Days(days) => json!({ "days": days }),
        }
    }
}

/// `new_pattern`: within the last `window_minutes` at least `min_count` lines of level error or fatal arrived that share a template
/// ([`crate::patterns`]) of which none had come before, as far back as `since` says. Each template is judged on its own.
///
/// Lines count when they arrive, in bins of a minute, so one that comes late is as new as any other. The rule fires for as long
/// as the window holds the first lines; after that the pattern is known. Templates that differ from two older ones in one and
/// the same word are no patterns of their own, since there stands a name: their lines count as those of the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPattern {
    since: Since,
    min_count: u64,
    window_minutes: u16,
}

impl NewPattern {
    /// Arrivals by template are counted by the minute.
    pub const STEP: Duration = Duration::MINUTE;
    const MIN_COUNT: std::ops::RangeInclusive<u64> = 1..=1_000_000;
    /// Five minutes up to a day.
    const WINDOW_MINUTES: std::ops::RangeInclusive<u64> = 5..=1_440;
    /// A report of a deployment may come so late, and its sender's clock may be wrong by any amount.
    const LATE_REPORT: Duration = Duration::HOUR;

    pub(super) fn parse(params: &Map<String, Value>) -> Result<Self, InvalidParams> {
        let known = ["since", "min_count", "window_minutes"];
        refuse_unknown(RuleType::NewPattern, params, &known)?;
        Ok(Self {
            since: Since::parse(params)?,
            min_count: whole_number(params, "min_count", &Self::MIN_COUNT)?,
            window_minutes: whole_number(params, "window_minutes", &Self::WINDOW_MINUTES)? as u16,
        })
    }

    pub(super) fn params(self) -> Value {
        json!({"since": self.since.param(), "min_count": self.min_count, "window_minutes": self.window_minutes})
    }

    pub fn since(&self) -> Since {
        self.since
    }

    pub fn min_count(&self) -> u64 {
        self.min_count
    }

    /// The first bin of the window that ends then. One more than its length, so that what fits into the window is never cut in
    /// two by the bins.
    pub fn start(&self, end: OffsetDateTime) -> OffsetDateTime {
        floor(end, Self::STEP) - Duration::minutes(i64::from(self.window_minutes) + 1)
    }

    pub(super) fn judge(&self, history: &History, at: OffsetDateTime) -> Reading {
        let start = self.start(at);
        let memory = self.memory(&history.deployments, at);
        let from = memory.map_or(start, |memory| memory.max(start));
        let lines = history.lines.between(from, at).lines;
        let seen_before = Self::was_seen(history, memory, from);
        let enough = lines >= self.min_count;
        Reading {
            holds: enough && !seen_before,
            value: lines as f64,
            threshold: self.min_count as f64,
            detail: self.detail(history, lines, seen_before),
        }
    }

    /// See [`super::Condition::quiet_until`].
    #[expect(clippy::option_option, reason = "whether it is quiet, and until when")]
    pub(super) fn quiet_until(
        &self,
        history: &History,
        at: OffsetDateTime,
    ) -> Option<Option<OffsetDateTime>> {
        let lines = history.lines.between(self.start(at), at).lines;
        let next = || {
            let bin = history.lines.first_from(at)?;
            Some(floor(bin, Self::STEP) + Self::STEP)
        };
        (lines == 0).then(next)
    }

    /// Since when lines that came before are remembered; `None`: since ever.
    fn memory(&self, deployments: &[DeploymentReport], at: OffsetDateTime) -> Option<OffsetDateTime> {
        let nth_newest = match self.since {
            Since::Ever => return None,
            Since::Days(days) => return Some(self.start(at) - Duration::days(days.into())),
            Since::LastDeployment => 0,
            Since::PreviousDeployment => 1,
        };
        // As they were known when the minute before began: what arrives while it is judged does not change the deployment.
        let mut begun: Vec<OffsetDateTime> = finished(deployments, at - Self::STEP)
            .into_iter()
            .filter(|report| report.status == DeploymentStatus::Success)
            .map(Self::begun)
            .collect();
        begun.sort_unstable_by(|one, other| other.cmp(one));
        begun.get(nth_newest).copied()
    }

    /// The first bin that is wholly after a deployment.
    fn begun(report: &DeploymentReport) -> OffsetDateTime {
        let earliest = report.recorded_at - Self::LATE_REPORT;
        let begun = report.at.clamp(earliest, report.recorded_at);
        let bin = floor(begun, Self::STEP);
        if bin == begun { bin } else { bin + Self::STEP }
    }

    /// Whether a line came before these, as far as is remembered.
    fn was_seen(history: &History, memory: Option<OffsetDateTime>, from: OffsetDateTime) -> bool {
        let newest = history.lines.newest_before(from).or(history.last_before);
        let known_since = || history.pattern.as_ref().map(|pattern| pattern.known_since);
        match memory {
            Some(memory) => newest.is_some_and(|newest| newest >= memory),
            None => newest.is_some() || known_since().is_some_and(|since| floor(since, Self::STEP) < from),
        }
    }

    fn detail(&self, history: &History, lines: u64, seen_before: bool) -> String {
        let Some(pattern) = &history.pattern else {
            return format!(
                "no errors of a new pattern in the last {} min",
                self.window_minutes
            );
        };
        let since = match self.since {
            _ if seen_before => "that is known".to_owned(),
            Since::Ever => "that was never seen before".to_owned(),
            Since::LastDeployment => "that was not seen since the last deployment".to_owned(),
            Since::PreviousDeployment => "that the version before did not have".to_owned(),
            Since::Days(days) => format!("that was not seen for {}", counted(days.into(), "day")),
        };
        format!(
            "{} in the last {} min (threshold {}) of a pattern {since}: {} [pattern {}]",
            counted(lines, "error"),
            self.window_minutes,
            self.min_count,
            pattern.text,
            pattern.id
        )
    }
}

#[cfg(test)]
mod tests;
