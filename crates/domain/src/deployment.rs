//! Deployments and the order of what providers say about them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    Pending,
    InProgress,
    Success,
    /// The provider reported a failure, a time-out or a start that never happened.
    Failure,
    /// Somebody stopped it: not a failure, and no reason to page.
    Cancelled,
    /// Replaced by a later one (GitHub's `inactive`).
    Superseded,
}

impl DeploymentStatus {
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::InProgress,
        Self::Success,
        Self::Failure,
        Self::Cancelled,
        Self::Superseded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// Whether nothing more is expected of this attempt.
    pub fn is_finished(self) -> bool {
        self.rank() >= 2
    }

    /// Position in the life of one attempt; a status never gives way to one of lower rank.
    pub fn rank(self) -> i16 {
        match self {
            Self::Pending => 0,
            Self::InProgress => 1,
            Self::Success | Self::Failure | Self::Cancelled => 2,
            Self::Superseded => 3,
        }
    }
}

impl std::fmt::Display for DeploymentStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for DeploymentStatus {
    type Err = UnknownDeploymentStatus;
    fn from_str(text: &str) -> Result<Self, UnknownDeploymentStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownDeploymentStatus)
    }
}

crate::text_column!(DeploymentStatus);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a deployment status is one of pending, in_progress, success, failure, cancelled, superseded")]
pub struct UnknownDeploymentStatus;

/// What orders the reports about one deployment, whichever way they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which try of the same deployment: 1 for the first, more after a re-run.
    pub attempt: i32,
    pub status: DeploymentStatus,
    /// When the provider says it happened.
    pub at: OffsetDateTime,
}

impl Progress {
    /// Whether a report is newer than what is known: a later attempt wins, then a higher rank, then (between reports
    /// of one rank) the provider's later time. The order is total, so applying all reports of a deployment in any
    /// order, with repeats, ends in the same state.
    pub fn supersedes(self, known: Self) -> bool {
        let order = |p: Self| (p.attempt, p.status.rank(), p.at, p.status.as_str());
        order(self) > order(known)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    fn progress() -> impl Strategy<Value = Progress> {
        (1..4_i32, select(DeploymentStatus::ALL.to_vec()), 0..1_000_i64).prop_map(
            |(attempt, status, second)| Progress {
                attempt,
                status,
                at: OffsetDateTime::from_unix_timestamp(second).unwrap(),
            },
        )
    }

    fn fold(reports: &[Progress]) -> Progress {
        let mut known = reports[0];
        for &report in &reports[1..] {
            if report.supersedes(known) {
                known = report;
            }
        }
        known
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn reports_in_any_order_and_with_repeats_end_in_the_same_state(
            reports in prop::collection::vec(progress(), 1..6),
            picks in prop::collection::vec(any::<Index>(), 0..12),
        ) {
            let mut shuffled: Vec<Progress> = picks.iter().map(|pick| *pick.get(&reports)).collect();
            shuffled.extend(reports.iter().rev());
            prop_assert_eq!(fold(&reports), fold(&shuffled));
        }
    }

    #[test]
    fn in_progress_after_completed_changes_nothing() {
        let at = OffsetDateTime::UNIX_EPOCH;
        let done = Progress {
            attempt: 1,
            status: DeploymentStatus::Failure,
            at,
        };
        let late = Progress {
            attempt: 1,
            status: DeploymentStatus::InProgress,
            at: at + time::Duration::HOUR,
        };
        assert!(!late.supersedes(done));
        assert!(Progress { attempt: 2, ..late }.supersedes(done));
    }
}
