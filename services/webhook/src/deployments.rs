//! Applying a report to a deployment: the one way in for GitHub's deliveries, for replays and for API keys.

use db::deployments::{self, Deployment, DeploymentKey};
use db::{DbError, TenantTx, outbox};
use domain::deployment_report::{Change, Report, Standing};
use domain::events::Event;
use service_kit::{ApiError, context};
use time::OffsetDateTime;

/// What a report led to.
pub(crate) struct Recorded {
    pub(crate) deployment: Deployment,
    /// Where the deployment stood before; `None` if the report made it.
    pub(crate) before: Option<Standing>,
    pub(crate) change: Change,
}

/// Folds a report into the deployment that it is about, with its history and, if something changed, the event that says
/// so. The deployment is locked until the transaction ends, so reports that arrive at once are folded one by one.
pub(crate) async fn record(
    tx: &TenantTx<'_>,
    key: DeploymentKey<'_>,
    report: Report,
    now: OffsetDateTime,
) -> Result<Recorded, DbError> {
    let progress = report.progress;
    let (found, created) = deployments::insert_or_lock(tx, key, &Standing::from(report.clone())).await?;
    let recorded = if created {
        Recorded {
            deployment: found,
            before: None,
            change: Change::Status,
        }
    } else {
        fold(tx, found, report).await?
    };
    let changed = recorded.change != Change::None;
    deployments::add_history(tx, recorded.deployment.id, progress, changed).await?;
    if changed {
        announce(tx, &recorded.deployment, now).await?;
    }
    Ok(recorded)
}

async fn fold(tx: &TenantTx<'_>, found: Deployment, report: Report) -> Result<Recorded, DbError> {
    let before = found.standing.clone();
    let after = before.clone().after(report);
    let change = after.change_from(&before);
    let deployment = if after == before {
        found
    } else {
        deployments::update(tx, found.id, &after).await?
    };
    Ok(Recorded {
        deployment,
        before: Some(before),
        change,
    })
}

async fn announce(tx: &TenantTx<'_>, deployment: &Deployment, now: OffsetDateTime) -> Result<(), DbError> {
    let event = Event::DeploymentChangedV1 {
        org_id: tx.org_id(),
        deployment_id: deployment.id,
        service_id: deployment.service_id,
        environment_id: deployment.standing.environment_id,
        status: deployment.standing.progress.status,
    };
    let correlation_id = context::current().map(|context| context.correlation_id);
    outbox::add(tx, event, correlation_id.as_deref(), now).await?;
    Ok(())
}

/// An environment may be deleted between its look-up and the write that refers to it.
pub(crate) fn storing_failed(error: DbError) -> ApiError {
    if error.violates_foreign_key() {
        return ApiError::Busy {
            message: "the service, environment or integration was being deleted; try again in 1 s".into(),
            retry_after_s: 1,
        };
    }
    error.into()
}
