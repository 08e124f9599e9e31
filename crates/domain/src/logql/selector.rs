//! Which lines a query looks at: `{service="api", level=~"error|fatal"}`.

use super::line::{ENVIRONMENT, LEVEL, Line, SERVICE, canonical};
use super::matcher::Matcher;
use crate::level::Level;

/// Conditions on the labels of a stream; all must hold. `{}` selects everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    matchers: Vec<Matcher>,
}

impl Selector {
    pub(super) fn new(matchers: Vec<Matcher>) -> Self {
        Self { matchers }
    }

    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// Whether lines of this service in this environment may be selected, whatever their level.
    pub fn matches_scope(&self, service: &str, environment: &str) -> bool {
        self.matchers
            .iter()
            .all(|matcher| match canonical(matcher.label()) {
                SERVICE => matcher.matches(service),
                ENVIRONMENT => matcher.matches(environment),
                LEVEL => true,
                _ => matcher.matches(""),
            })
    }

    /// Whether lines of this level may be selected, whatever their scope.
    pub fn matches_level(&self, level: Level) -> bool {
        self.matchers
            .iter()
            .filter(|matcher| canonical(matcher.label()) == LEVEL)
            .all(|matcher| matcher.matches(level.as_str()))
    }

    /// The levels that may be selected, in rising order.
    pub fn levels(&self) -> Vec<Level> {
        Level::ALL
            .into_iter()
            .filter(|level| self.matches_level(*level))
            .collect()
    }

    pub fn matches(&self, line: &Line<'_>) -> bool {
        self.matches_level(line.level) && self.matches_scope(line.service, line.environment)
    }

    /// Labels that no stream has, so that asking for them finds nothing: worth a warning.
    pub fn unknown_labels(&self) -> Vec<&str> {
        self.matchers
            .iter()
            .map(Matcher::label)
            .filter(|label| !matches!(canonical(label), SERVICE | ENVIRONMENT | LEVEL))
            .collect()
    }
}
