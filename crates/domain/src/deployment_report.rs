//! Folding what providers report about a deployment into where it stands, in whatever order the reports arrive.

use time::{Duration, OffsetDateTime, UtcOffset};

use crate::deployment::Progress;
use crate::ids::EnvironmentId;

/// Who reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// GitHub, by a webhook.
    Github,
    /// Whoever holds an API key of the service.
    Api,
}

impl Provider {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Api => "api",
        }
    }
}

impl std::str::FromStr for Provider {
    type Err = UnknownProvider;
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        [Self::Github, Self::Api]
            .into_iter()
            .find(|provider| provider.as_str() == text)
            .ok_or(UnknownProvider)
    }
}

crate::text_column!(Provider);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a provider is one of github, api")]
pub struct UnknownProvider;

/// One report about one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub progress: Progress,
    pub environment_id: EnvironmentId,
    /// When this attempt began to run, as far as the report tells.
    pub started_at: Option<OffsetDateTime>,
    /// When this attempt ended, as far as the report tells.
    pub finished_at: Option<OffsetDateTime>,
    pub description: Description,
}

/// What people want to know about a deployment. Texts are clean and bounded before they get here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub name: Option<String>,
    pub commit_sha: Option<String>,
    pub commit_message: Option<String>,
    /// Branch or tag.
    pub git_ref: Option<String>,
    pub version: Option<String>,
    pub actor: Option<String>,
    pub url: Option<String>,
}

impl Description {
    /// This description, its gaps filled from another one.
    fn or(self, other: Self) -> Self {
        Self {
            name: self.name.or(other.name),
            commit_sha: self.commit_sha.or(other.commit_sha),
            commit_message: self.commit_message.or(other.commit_message),
            git_ref: self.git_ref.or(other.git_ref),
            version: self.version.or(other.version),
            actor: self.actor.or(other.actor),
            url: self.url.or(other.url),
        }
    }
}

/// What a report did to a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another status or another attempt.
    Status,
    /// The same status, in another environment: the way to it was mapped differently before.
    Environment,
    /// Neither: an older report, a repeated one, or one that only described the deployment better.
    None,
}

/// Where a deployment stands: the sum of all reports about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub progress: Progress,
    pub environment_id: EnvironmentId,
    /// When the current attempt began to run: the earliest time that a report of this attempt gave.
    pub started_at: Option<OffsetDateTime>,
    /// When the current attempt first ended, likewise.
    pub finished_at: Option<OffsetDateTime>,
    pub description: Description,
}

impl From<Report> for Standing {
    fn from(report: Report) -> Self {
        Self {
            progress: report.progress,
            environment_id: report.environment_id,
            started_at: report.started_at,
            finished_at: report.finished_at,
            description: report.description,
        }
    }
}

impl Standing {
    /// Where the deployment stands after one more report. Status, attempt and times come out the same for every order
    /// of the reports and with any of them repeated. Descriptions follow the newest report; an older one only fills
    /// gaps.
    pub fn after(self, report: Report) -> Self {
        let newer = report.progress.supersedes(self.progress);
        let as_new = newer || report.progress == self.progress;
        let (started_at, finished_at) = self.times_after(&report);
        Self {
            progress: if newer { report.progress } else { self.progress },
            environment_id: if as_new {
                report.environment_id
            } else {
                self.environment_id
            },
            started_at,
            finished_at,
            description: if newer {
                report.description.or(self.description)
            } else {
                self.description.or(report.description)
            },
        }
    }

    fn times_after(&self, report: &Report) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
        match report.progress.attempt.cmp(&self.progress.attempt) {
            std::cmp::Ordering::Less => (self.started_at, self.finished_at),
            std::cmp::Ordering::Greater => (report.started_at, report.finished_at),
            std::cmp::Ordering::Equal => (
                earliest(self.started_at, report.started_at),
                earliest(self.finished_at, report.finished_at),
            ),
        }
    }

    /// What changed since an earlier standing.
    pub fn change_from(&self, before: &Self) -> Change {
        let place = |standing: &Self| (standing.progress.attempt, standing.progress.status);
        if place(self) != place(before) {
            Change::Status
        } else if self.environment_id == before.environment_id {
            Change::None
        } else {
            Change::Environment
        }
    }
}

fn earliest(one: Option<OffsetDateTime>, other: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A time as the database gives it back, UTC and to the microsecond: a repeated report must not look newer than what
/// was stored of it. `None` if it lies outside the years 0 to 9999 in UTC, where it could be stored but not read.
pub fn as_stored(at: OffsetDateTime) -> Option<OffsetDateTime> {
    let at = at.checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&at.year()).then_some(())?;
    at.checked_sub(Duration::nanoseconds(i64::from(at.nanosecond() % 1_000)))
}

/// A one-line text from outside: control characters removed, trimmed, cut at `max_chars`. `None` if nothing is left.
pub fn one_line(text: &str, max_chars: usize) -> Option<String> {
    bounded(text, max_chars, |c| !c.is_control())
}

/// The same for a text that may have line breaks and tabs.
pub fn many_lines(text: &str, max_chars: usize) -> Option<String> {
    bounded(text, max_chars, |c| !c.is_control() || matches!(c, '\n' | '\t'))
}

fn bounded(text: &str, max_chars: usize, keep: fn(char) -> bool) -> Option<String> {
    let kept: String = text.trim().chars().filter(|&c| keep(c)).take(max_chars).collect();
    (!kept.is_empty()).then_some(kept)
}

/// How long the texts about a deployment may be, in characters.
pub mod limits {
    pub const EXTERNAL_ID: usize = 255;
    pub const NAME: usize = 200;
    /// SHA-256 object ids have 64 digits.
    pub const COMMIT_SHA: usize = 64;
    pub const COMMIT_MESSAGE: usize = 2_000;
    /// As long as Git allows a branch to be on common file systems.
    pub const REF: usize = 255;
    pub const VERSION: usize = 200;
    pub const ACTOR: usize = 200;
    pub const URL: usize = 2_000;
}

/// Whether a text is an `http://` or `https://` address that may be shown as a link. `javascript:` and the like are
/// not, nor is anything with white space or control characters, which browsers strip before they look at the scheme.
pub fn is_web_address(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    clean
        && text.chars().count() <= limits::URL
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::deployment::DeploymentStatus;

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(second).unwrap()
    }

    fn environment(number: u128) -> EnvironmentId {
        EnvironmentId(uuid::Uuid::from_u128(number))
    }

    /// A report as providers make them: everything in it follows from attempt, status and time.
    fn report(attempt: i32, status: DeploymentStatus, second: i64) -> Report {
        Report {
            progress: Progress {
                attempt,
                status,
                at: at(second),
            },
            environment_id: environment(1),
            started_at: (status == DeploymentStatus::InProgress).then(|| at(second)),
            finished_at: status.is_finished().then(|| at(second)),
            description: Description {
                actor: Some(format!("{attempt} {status} {second}")),
                ..Description::default()
            },
        }
    }

    fn fold(reports: impl IntoIterator<Item = Report>) -> Standing {
        let mut reports = reports.into_iter();
        let first = Standing::from(reports.next().unwrap());
        reports.fold(first, Standing::after)
    }

    fn any_report() -> impl Strategy<Value = Report> {
        (1..4_i32, select(DeploymentStatus::ALL.to_vec()), 0..50_i64)
            .prop_map(|(attempt, status, second)| report(attempt, status, second))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn every_order_of_the_reports_with_any_repeats_ends_in_the_same_standing(
            reports in prop::collection::vec(any_report(), 1..7),
            picks in prop::collection::vec(any::<Index>(), 0..12),
            last in Just(()).prop_perturb(|(), mut rng| rng.next_u64()),
        ) {
            let mut shuffled: Vec<Report> = picks.iter().map(|pick| pick.get(&reports).clone()).collect();
            let mut rest = reports.clone();
            let turns = last as usize % rest.len();
            rest.rotate_left(turns);
            shuffled.extend(rest);
            prop_assert_eq!(fold(reports), fold(shuffled));
        }

        #[test]
        fn cleaned_texts_are_short_and_without_nul(text in any::<String>(), max in 0..50_usize) {
            for clean in [one_line(&text, max), many_lines(&text, max)].into_iter().flatten() {
                prop_assert!(!clean.is_empty() && clean.chars().count() <= max && !clean.contains('\0'));
            }
        }
    }

    #[test]
    fn a_later_report_with_gaps_keeps_what_was_known() {
        let described = Report {
            description: Description {
                version: Some("v2".into()),
                ..Description::default()
            },
            ..report(1, DeploymentStatus::InProgress, 1)
        };
        let bare = Report {
            description: Description::default(),
            ..report(1, DeploymentStatus::Success, 2)
        };
        for order in [[described.clone(), bare.clone()], [bare, described]] {
            let standing = fold(order);
            assert_eq!(standing.description.version.as_deref(), Some("v2"));
            assert_eq!(standing.started_at, Some(at(1)));
            assert_eq!(standing.finished_at, Some(at(2)));
        }
    }

    #[test]
    fn a_new_attempt_starts_with_new_times() {
        let standing = fold([
            report(1, DeploymentStatus::InProgress, 1),
            report(1, DeploymentStatus::Failure, 2),
            report(2, DeploymentStatus::Pending, 3),
        ]);
        assert_eq!((standing.started_at, standing.finished_at), (None, None));
        assert_eq!(standing.progress.status, DeploymentStatus::Pending);
    }

    #[test]
    fn the_first_end_of_an_attempt_is_its_end() {
        let standing = fold([
            report(1, DeploymentStatus::Superseded, 90),
            report(1, DeploymentStatus::Success, 10),
        ]);
        assert_eq!(standing.progress.status, DeploymentStatus::Superseded);
        assert_eq!(standing.finished_at, Some(at(10)));
    }

    #[test]
    fn the_same_report_for_another_environment_moves_the_deployment() {
        let first = report(1, DeploymentStatus::Failure, 1);
        let moved = Report {
            environment_id: environment(2),
            ..first.clone()
        };
        let before = Standing::from(first.clone());
        let after = before.clone().after(moved);
        assert_eq!(after.environment_id, environment(2));
        assert_eq!(after.change_from(&before), Change::Environment);
        assert_eq!(before.clone().after(first).change_from(&before), Change::None);
    }

    #[test]
    fn an_older_report_for_another_environment_moves_nothing() {
        let newest = Standing::from(report(1, DeploymentStatus::Failure, 5));
        let older = Report {
            environment_id: environment(2),
            ..report(1, DeploymentStatus::Pending, 1)
        };
        assert_eq!(newest.clone().after(older).environment_id, newest.environment_id);
    }

    #[test]
    fn a_time_is_cut_to_what_the_database_keeps() {
        let precise = at(1) + Duration::nanoseconds(1_234_567);
        assert_eq!(as_stored(precise), Some(at(1) + Duration::microseconds(1_234)));
    }

    #[test]
    fn a_time_whose_utc_year_has_five_digits_is_refused() {
        let last = time::macros::datetime!(9999-12-31 23:59:59 -10:00);
        assert_eq!(as_stored(last), None);
    }

    #[rstest::rstest]
    #[case("https://ci.example/run/1", true)]
    #[case("HTTP://ci.example", true)]
    #[case("javascript:alert(1)", false)]
    #[case("java\nscript:alert(1)", false)]
    #[case("data:text/html,<script>", false)]
    #[case("https://", false)]
    #[case("https:///path", false)]
    #[case("https://a b", false)]
    #[case("//ci.example", false)]
    #[case("http\u{17f}://a", false)]
    #[case("", false)]
    fn only_web_addresses_become_links(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_web_address(text), expected);
    }
}
