//! Storms: many firings of one rule, or at one service, within a short time are one incident with a count, and one page.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::UnknownIncidentWord;
use crate::alerting::fingerprint::Fingerprint;
use crate::ids::{AlertRuleId, ServiceId};

/// So many firings within [`WINDOW`] are one problem: a person takes in a handful of pages, and ten within a minute have
/// never been ten independent faults.
pub const THRESHOLD: u32 = 10;
pub const WINDOW: Duration = Duration::MINUTE;
/// A storm takes in what fires until nothing has for so long. After that a firing has an incident, and a page, of its own:
/// what begins hours later must not vanish in an old story.
pub const CALM_AFTER: Duration = Duration::minutes(5);
/// Rows of the timeline about single firings of an incident: the first ones each, then at every doubling. The list of members
/// has them all.
const TOLD_ONE_BY_ONE: u64 = 10;

/// What a storm is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StormOf {
    /// Firings of one rule, in many places or groups.
    Rule,
    /// Firings at one service, of several rules.
    Service,
}

impl StormOf {
    pub const ALL: [Self; 2] = [Self::Rule, Self::Service];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Service => "service",
        }
    }
}

impl std::str::FromStr for StormOf {
    type Err = UnknownIncidentWord;
    fn from_str(text: &str) -> Result<Self, UnknownIncidentWord> {
        super::find(&Self::ALL, Self::as_str, text)
    }
}

crate::text_column!(StormOf);

/// When firings become one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nothing: every problem has an incident of its own.
    pub threshold: Option<u32>,
    pub window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threshold: Some(THRESHOLD),
            window: WINDOW,
        }
    }
}

/// What was seen lately around a firing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Problems of the same rule that fired within the window; the firing itself, and those decided together with it, are
    /// among them.
    pub of_rule: u64,
    /// Problems at the same service, likewise; a storm of one rule is one of them.
    pub at_service: u64,
    /// When the storm that is open, of the rule or the service, last took a firing in.
    pub rule_storm: Option<OffsetDateTime>,
    pub service_storm: Option<OffsetDateTime>,
}

/// What a firing without an incident becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An incident of its own.
    Alone,
    /// Part of a storm that is going on.
    Joins(StormOf),
    /// The one that makes the storm; or wakes one that had become calm.
    Begins(StormOf),
}

/// Decides that. A storm of one rule is told apart from one at a service by what there is more of.
pub fn place(limits: Limits, seen: Seen, now: OffsetDateTime) -> Place {
    let Some(threshold) = limits.threshold else {
        return Place::Alone;
    };
    let goes_on = |last: Option<OffsetDateTime>| last.is_some_and(|last| now - last < CALM_AFTER);
    if goes_on(seen.rule_storm) {
        return Place::Joins(StormOf::Rule);
    }
    if goes_on(seen.service_storm) {
        return Place::Joins(StormOf::Service);
    }
    if seen.of_rule >= u64::from(threshold) {
        Place::Begins(StormOf::Rule)
    } else if seen.at_service >= u64::from(threshold) {
        Place::Begins(StormOf::Service)
    } else {
        Place::Alone
    }
}

/// Whether the timeline tells of the n-th, counted from 1.
pub fn is_told(n: u64) -> bool {
    n <= TOLD_ONE_BY_ONE || n.is_power_of_two()
}

/// What a storm is called.
pub fn title_of(of: StormOf, name: &str) -> String {
    let title = match of {
        StormOf::Rule => format!("Storm: {name} fires in many places"),
        StormOf::Service => format!("Storm: many rules fire at {name}"),
    };
    title.chars().take(crate::name::Name::MAX_CHARS).collect()
}

/// What it is of, as people are told when it begins.
pub fn summary_of(firings: u64, window: Duration, first: &str) -> String {
    format!(
        "{firings} firings within {} s are told as one incident. The first: {first}",
        window.whole_seconds()
    )
}

/// The problem that a storm is: one unresolved incident has it.
pub fn fingerprint(of: StormOf, rule: Option<AlertRuleId>, service: ServiceId) -> Fingerprint {
    match (of, rule) {
        (StormOf::Rule, Some(rule)) => Fingerprint::of_rule_storm(rule),
        (StormOf::Rule, None) | (StormOf::Service, _) => Fingerprint::of_service_storm(service),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-30 12:00 UTC);

    fn seen(of_rule: u64, at_service: u64) -> Seen {
        Seen {
            of_rule,
            at_service,
            ..Seen::default()
        }
    }

    #[test]
    fn the_firing_that_reaches_the_threshold_makes_the_storm() {
        let place = |of_rule, at_service| place(Limits::default(), seen(of_rule, at_service), NOW);
        assert_eq!(place(9, 9), Place::Alone);
        assert_eq!(place(10, 10), Place::Begins(StormOf::Rule));
        assert_eq!(place(2, 10), Place::Begins(StormOf::Service));
        let off = Limits {
            threshold: None,
            ..Limits::default()
        };
        assert_eq!(super::place(off, seen(500, 500), NOW), Place::Alone);
    }

    #[test]
    fn a_storm_takes_in_what_fires_until_it_is_calm() {
        let at = |ago: Duration, of_rule| {
            let seen = Seen {
                rule_storm: Some(NOW - ago),
                ..seen(of_rule, of_rule)
            };
            place(Limits::default(), seen, NOW)
        };
        assert_eq!(at(Duration::minutes(4), 1), Place::Joins(StormOf::Rule));
        assert_eq!(at(Duration::minutes(5), 1), Place::Alone);
        assert_eq!(
            at(Duration::minutes(5), 10),
            Place::Begins(StormOf::Rule),
            "it is back"
        );
    }

    #[test]
    fn the_timeline_grows_slowly() {
        let told: Vec<u64> = (1..=10_000).filter(|n| is_told(*n)).collect();
        assert_eq!(told.len(), 20);
        assert_eq!(
            told[9..],
            [10, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192]
        );
    }
}
