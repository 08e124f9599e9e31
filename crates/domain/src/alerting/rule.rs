//! What a rule watches, and with which parameters.
//!
//! A [`Condition`] is a rule's type with its parameters, checked. It judges what is stored of one place (a
//! [`History`]) at one moment: production, preview and backtest all ask it.

mod counts;
mod deployments;
mod describe;
mod heartbeat;
mod new_pattern;
mod params;
mod window;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::alerting::evaluator::{Observation, Timing};
use crate::alerting::history::{DeploymentReport, History};
use crate::ids::{EnvironmentId, ServiceId};

pub use counts::{Comparison, ErrorCount, ErrorRate, LogQuery, Silence};
pub use deployments::{DeployRegression, FinishedDeployment, label_of, read_deployment};
pub use describe::{Description, InvalidDescription, InvalidRunbook, RunbookUrl};
pub use heartbeat::Heartbeat;
pub use new_pattern::{NewPattern, Since};
pub use params::InvalidParams;
pub use window::{Window, floor};

/// The kinds of rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Too many lines of level error or fatal arrived within a window. Params: threshold, window_seconds.
    ErrorCount,
    /// Too large a part of the lines is of level error or fatal. Params: threshold_percent, window_seconds, min_lines.
    ErrorRate,
    /// Lines of an error template come that was not seen before, each template on its own. Params: since?, min_count,
    /// window_minutes.
    NewPattern,
    /// Too many, or too few, lines match a query. Params: q, threshold, comparison?, window_seconds, group_by?.
    LogQuery,
    /// A source that has sent before sends nothing. Params: window_seconds.
    Silence,
    /// The newest finished deployment failed. No params.
    DeploymentFailure,
    /// More errors after a deployment than before it. Params: window_seconds, min_errors, factor.
    DeployRegression,
    /// A job did not call its address in time. Params: every_seconds, grace_seconds.
    Heartbeat,
}

impl RuleType {
    pub const ALL: [Self; 8] = [
        Self::ErrorCount,
        Self::ErrorRate,
        Self::NewPattern,
        Self::LogQuery,
        Self::Silence,
        Self::DeploymentFailure,
        Self::DeployRegression,
        Self::Heartbeat,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorCount => "error_count",
            Self::ErrorRate => "error_rate",
            Self::NewPattern => "new_pattern",
            Self::LogQuery => "log_query",
            Self::Silence => "silence",
            Self::DeploymentFailure => "deployment_failure",
            Self::DeployRegression => "deploy_regression",
            Self::Heartbeat => "heartbeat",
        }
    }
}

impl std::fmt::Display for RuleType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RuleType {
    type Err = UnknownRuleType;
    fn from_str(text: &str) -> Result<Self, UnknownRuleType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownRuleType)
    }
}

crate::text_column!(RuleType);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a rule's type is one of error_count, error_rate, new_pattern, log_query, silence, deployment_failure, \
     deploy_regression, heartbeat"
)]
pub struct UnknownRuleType;

/// The longest that a rule may ask its condition to hold before it fires.
pub const MAX_FOR_SECONDS: i32 = 86_400;
/// The longest cooldown: a week.
pub const MAX_COOLDOWN_SECONDS: i32 = 604_800;
/// The longest that a rule may keep firing after its condition became false.
pub const MAX_KEEP_FIRING_SECONDS: i32 = 86_400;

/// What must be true for a rule to fire: its type with its parameters, checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    ErrorCount(ErrorCount),
    ErrorRate(ErrorRate),
    NewPattern(NewPattern),
    LogQuery(LogQuery),
    Silence(Silence),
    DeploymentFailure,
    DeployRegression(DeployRegression),
    Heartbeat(Heartbeat),
}

/// Which facts a condition is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facts {
    /// Lines counted as they arrive.
    Arrivals,
    /// The same, and what was deployed when.
    ArrivalsAndDeployments,
    Deployments,
    /// Lines themselves, by their own time.
    Lines,
    /// Lines of level error and above by their template, counted as they arrive, and what was deployed when.
    ErrorPatterns,
    /// Calls of a job.
    Beats,
}

impl Condition {
    /// Reads the parameters of a rule of this type. Unknown ones are refused by name.
    pub fn parse(kind: RuleType, params: &Value) -> Result<Self, InvalidParams> {
        let Some(params) = params.as_object() else {
            return Err(params::invalid("", "must be an object"));
        };
        match kind {
            RuleType::ErrorCount => ErrorCount::parse(params).map(Self::ErrorCount),
            RuleType::ErrorRate => ErrorRate::parse(params).map(Self::ErrorRate),
            RuleType::NewPattern => NewPattern::parse(params).map(Self::NewPattern),
            RuleType::LogQuery => LogQuery::parse(params).map(Self::LogQuery),
            RuleType::Silence => Silence::parse(params).map(Self::Silence),
            RuleType::DeploymentFailure => {
                params::refuse_unknown(kind, params, &[])?;
                Ok(Self::DeploymentFailure)
            }
            RuleType::DeployRegression => DeployRegression::parse(params).map(Self::DeployRegression),
            RuleType::Heartbeat => Heartbeat::parse(params).map(Self::Heartbeat),
        }
    }

    pub fn kind(&self) -> RuleType {
        match self {
            Self::ErrorCount(_) => RuleType::ErrorCount,
            Self::ErrorRate(_) => RuleType::ErrorRate,
            Self::NewPattern(_) => RuleType::NewPattern,
            Self::LogQuery(_) => RuleType::LogQuery,
            Self::Silence(_) => RuleType::Silence,
            Self::DeploymentFailure => RuleType::DeploymentFailure,
            Self::DeployRegression(_) => RuleType::DeployRegression,
            Self::Heartbeat(_) => RuleType::Heartbeat,
        }
    }

    /// The stored form of the parameters.
    pub fn params(&self) -> Value {
        match self {
            Self::ErrorCount(count) => count.params(),
            Self::ErrorRate(rate) => rate.params(),
            Self::NewPattern(pattern) => pattern.params(),
            Self::LogQuery(query) => query.params(),
            Self::Silence(silence) => silence.params(),
            Self::DeploymentFailure => json!({}),
            Self::DeployRegression(regression) => regression.params(),
            Self::Heartbeat(heartbeat) => heartbeat.params(),
        }
    }

    pub fn facts(&self) -> Facts {
        match self {
            Self::ErrorCount(_) | Self::ErrorRate(_) | Self::Silence(_) => Facts::Arrivals,
            Self::NewPattern(_) => Facts::ErrorPatterns,
            Self::LogQuery(_) => Facts::Lines,
            Self::DeploymentFailure => Facts::Deployments,
            Self::DeployRegression(_) => Facts::ArrivalsAndDeployments,
            Self::Heartbeat(_) => Facts::Beats,
        }
    }

    /// How often it is judged: at multiples of this since 1970. Lines are counted in bins of this width.
    pub fn step(&self) -> Duration {
        match self {
            Self::ErrorCount(count) => count.window().step(),
            Self::ErrorRate(rate) => rate.window().step(),
            Self::NewPattern(_) => NewPattern::STEP,
            Self::LogQuery(query) => query.window().step(),
            Self::Silence(silence) => silence.window().step(),
            Self::DeployRegression(regression) => regression.window().step(),
            Self::DeploymentFailure | Self::Heartbeat(_) => Window::SHORTEST_STEP,
        }
    }

    /// From when on lines are needed to judge moments from `first` on, where this is known to have been deployed; `None`
    /// where none are.
    pub fn lines_from(
        &self,
        deployments: &[DeploymentReport],
        first: OffsetDateTime,
    ) -> Option<OffsetDateTime> {
        match self {
            Self::ErrorCount(count) => Some(count.window().start(first)),
            Self::ErrorRate(rate) => Some(rate.window().start(first)),
            Self::NewPattern(pattern) => Some(pattern.start(first)),
            Self::LogQuery(query) => Some(query.window().start(first)),
            Self::Silence(silence) => Some(silence.window().start(first)),
            Self::DeployRegression(regression) => regression.lines_from(deployments, first),
            Self::DeploymentFailure | Self::Heartbeat(_) => None,
        }
    }

    /// Whether the condition is surely false at this moment and for a while, by facts that can no longer change; then until
    /// when: the first moment at which it may be otherwise, or `None` if nothing that is known makes it so.
    #[expect(clippy::option_option, reason = "whether it is quiet, and until when")]
    pub(crate) fn quiet_until(
        &self,
        history: &History,
        at: OffsetDateTime,
    ) -> Option<Option<OffsetDateTime>> {
        let empty = |window: Window| {
            let lines = history.lines.between(window.start(at), at).lines;
            let next = || {
                let bin = history.lines.first_from(at)?;
                Some(floor(bin, window.step()) + window.step())
            };
            (lines == 0 && !history.is_partial).then(next)
        };
        match self {
            Self::ErrorCount(count) => empty(count.window()),
            Self::LogQuery(query) if query.comparison() == Comparison::AtLeast => empty(query.window()),
            Self::DeployRegression(regression) => regression.quiet_until(history, at),
            Self::NewPattern(pattern) => pattern.quiet_until(history, at),
            Self::ErrorRate(_)
            | Self::LogQuery(_)
            | Self::Silence(_)
            | Self::DeploymentFailure
            | Self::Heartbeat(_) => None,
        }
    }

    /// How long before the newest facts it is judged: what is on its way then does not look like silence.
    pub fn delay(&self) -> Duration {
        match self {
            Self::LogQuery(query) => query.delay(),
            Self::Heartbeat(_) => Heartbeat::DELAY,
            Self::ErrorCount(_)
            | Self::ErrorRate(_)
            | Self::NewPattern(_)
            | Self::Silence(_)
            | Self::DeploymentFailure
            | Self::DeployRegression(_) => Duration::ZERO,
        }
    }

    /// Whether more facts can only make it truer: once it holds at a moment, it is known before all facts of that
    /// moment are there.
    pub fn only_grows(&self) -> bool {
        match self {
            Self::ErrorCount(_) | Self::NewPattern(_) | Self::DeployRegression(_) => true,
            Self::LogQuery(query) => query.comparison() == Comparison::AtLeast,
            Self::ErrorRate(_) | Self::Silence(_) | Self::DeploymentFailure | Self::Heartbeat(_) => false,
        }
    }

    /// The number that its reading is compared with, for a chart.
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Self::ErrorCount(count) => Some(count.threshold() as f64),
            Self::ErrorRate(rate) => Some(rate.threshold_percent()),
            Self::NewPattern(pattern) => Some(pattern.min_count() as f64),
            Self::LogQuery(query) => Some(query.threshold() as f64),
            Self::Silence(silence) => Some(silence.window().seconds().into()),
            Self::Heartbeat(heartbeat) => Some(heartbeat.due_after().as_seconds_f64()),
            Self::DeploymentFailure => Some(1.0),
            // Of its own for each deployment.
            Self::DeployRegression(_) => None,
        }
    }

    /// What is stored of one place, judged at one moment.
    pub fn judge(&self, history: &History, at: OffsetDateTime) -> Observation {
        match self {
            Self::ErrorCount(count) => Observation::Read(count.judge(history, at)),
            Self::ErrorRate(rate) => Observation::Read(rate.judge(history, at)),
            Self::NewPattern(pattern) => Observation::Read(pattern.judge(history, at)),
            Self::LogQuery(query) => query.judge(history, at),
            Self::Silence(silence) => silence.judge(history, at),
            Self::DeploymentFailure => {
                let finished = deployments::newest_finished(&history.deployments, at);
                Observation::Read(read_deployment(finished.as_ref()))
            }
            Self::DeployRegression(regression) => Observation::Read(regression.judge(history, at)),
            Self::Heartbeat(heartbeat) => heartbeat.judge(history, at),
        }
    }

    /// How long the condition must have been false before a firing ends by itself. A count stays low for its window,
    /// so that a burst which comes and goes is one story; a deployment that succeeded, a line or a call has ended it, and a pattern is no longer new once its window is over.
    fn clear_after(&self) -> Duration {
        match self {
            Self::ErrorCount(count) => count.window().length(),
            Self::ErrorRate(rate) => rate.window().length(),
            Self::LogQuery(query) => query.window().length(),
            Self::DeployRegression(regression) => regression.window().length(),
            Self::NewPattern(_) | Self::Silence(_) | Self::DeploymentFailure | Self::Heartbeat(_) => {
                Duration::ZERO
            }
        }
    }

    /// The rule's times, for the evaluator.
    pub fn timing(&self, times: Times) -> Timing {
        Timing {
            hold_for: Duration::seconds(times.for_seconds.into()),
            cooldown: Duration::seconds(times.cooldown_seconds.into()),
            clear_after: self
                .clear_after()
                .max(Duration::seconds(times.keep_firing_for_seconds.into())),
        }
    }
}

/// The times that people set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub for_seconds: i32,
    pub cooldown_seconds: i32,
    pub keep_firing_for_seconds: i32,
}

/// One version of a rule, as far as it decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub condition: Condition,
    pub timing: Timing,
}

impl Definition {
    pub fn new(condition: Condition, times: Times) -> Self {
        let timing = condition.timing(times);
        Self { condition, timing }
    }
}

/// Where a rule looks: everywhere, in one service, or in one environment of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RuleScope {
    pub service_id: Option<ServiceId>,
    pub environment_id: Option<EnvironmentId>,
}

impl RuleScope {
    pub fn covers(&self, service_id: ServiceId, environment_id: EnvironmentId) -> bool {
        self.service_id.is_none_or(|wanted| wanted == service_id)
            && self.environment_id.is_none_or(|wanted| wanted == environment_id)
    }
}

#[cfg(test)]
mod tests;
