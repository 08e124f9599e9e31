//! Reading the facts of a rule's condition, for all the scopes it watches at once.

use db::scopes::NamedScope;
use db::{DbError, TenantTx, deployments};
use domain::alerting::evaluator::Reading;
use domain::alerting::rule::{Condition, ErrorCount, FinishedDeployment, read_deployment};
use domain::ids::{EnvironmentId, ServiceId};
use logstore::arrivals;
use time::OffsetDateTime;

/// One reading for each target, in their order.
pub(super) async fn read(
    tx: &TenantTx<'_>,
    condition: Condition,
    targets: &[NamedScope],
    now: OffsetDateTime,
) -> Result<Vec<Reading>, DbError> {
    let scopes: Vec<_> = targets
        .iter()
        .map(|target| (target.service_id, target.environment_id))
        .collect();
    match condition {
        Condition::ErrorCount(count) => errors(tx, count, &scopes, now).await,
        Condition::DeploymentFailure => newest_deployments(tx, &scopes).await,
    }
}

async fn errors(
    tx: &TenantTx<'_>,
    count: ErrorCount,
    scopes: &[(ServiceId, EnvironmentId)],
    now: OffsetDateTime,
) -> Result<Vec<Reading>, DbError> {
    let errors = arrivals::count_errors(tx, scopes, count.window(), now).await?;
    Ok(errors.into_iter().map(|errors| count.read(errors)).collect())
}

async fn newest_deployments(
    tx: &TenantTx<'_>,
    scopes: &[(ServiceId, EnvironmentId)],
) -> Result<Vec<Reading>, DbError> {
    let newest = deployments::newest_finished(tx, scopes).await?;
    let read = |finished: Option<deployments::FinishedAttempt>| {
        let finished = finished.and_then(|attempt| {
            FinishedDeployment::new(
                attempt.progress.status,
                attempt.version.as_deref(),
                attempt.commit_sha.as_deref(),
                &attempt.name,
            )
        });
        read_deployment(finished.as_ref())
    };
    Ok(newest.into_iter().map(read).collect())
}
