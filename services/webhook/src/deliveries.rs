//! Applying deliveries: for the first time, and again.

use db::audit_logs::{self, Actor, Entry};
use db::deployments::DeploymentKey;
use db::github_integrations::{self, Integration};
use db::webhook_deliveries::{self, Delivery, NewDelivery, Outcome};
use db::{DbError, TenantTx, environments};
use domain::deployment_report::{Change, Provider};
use domain::github::{self, DeliveryStatus, Payload, Ping, Reading, Target};
use domain::ids::{DeliveryId, EnvironmentId, IntegrationId, OrgId};
use serde_json::json;
use service_kit::{ApiError, Kit};
use time::OffsetDateTime;

use crate::deployments::{self, Recorded, storing_failed};
use crate::metrics;

const PROVIDER: Provider = Provider::Github;
const INTEGRATION: ApiError = ApiError::NotFound {
    what: "GitHub integration",
};

/// A delivery whose signature was found good.
pub(crate) struct Incoming {
    pub(crate) org_id: OrgId,
    pub(crate) integration_id: IntegrationId,
    /// GitHub's id of it.
    pub(crate) delivery_id: String,
    pub(crate) event: String,
    /// SHA-256 of the body.
    pub(crate) payload_hash: [u8; 32],
    pub(crate) payload: Payload,
}

/// Records a delivery and applies its effect in one transaction; `None` if it was recorded before.
///
/// The record comes last, since it holds the outcome. If its id is taken already, everything is rolled back; of two that
/// arrive at once the later waits for the earlier one's commit, and then finds its id taken.
pub(crate) async fn accept(
    kit: &Kit,
    incoming: &Incoming,
) -> Result<Option<(DeliveryId, Outcome)>, ApiError> {
    let mut conn = kit.db.conn("webhook.accept").await?;
    let tx = conn.tenant(incoming.org_id).await?;
    let integration = github_integrations::find(&tx, incoming.integration_id).await?;
    let integration = integration.ok_or(INTEGRATION)?;
    let now = kit.clock.now();
    let applied = apply(&tx, &integration, &incoming.event, &incoming.payload, now).await;
    let applied = applied.map_err(storing_failed)?;
    let new = NewDelivery {
        integration_id: integration.id,
        provider: PROVIDER,
        delivery_id: &incoming.delivery_id,
        event: &incoming.event,
        payload_hash: &incoming.payload_hash,
        payload: incoming.payload.as_json(),
    };
    let added = webhook_deliveries::add(&tx, new, &applied.outcome).await;
    let Some(id) = added.map_err(storing_failed)? else {
        return Ok(None);
    };
    tx.commit().await?;
    applied.count();
    Ok(Some((id, applied.outcome)))
}

/// Applies a stored delivery once more, by the rules and the environment mapping of today.
pub(crate) async fn replay(
    kit: &Kit,
    org_id: OrgId,
    actor: &Actor,
    id: DeliveryId,
) -> Result<Delivery, ApiError> {
    let mut conn = kit.db.conn("webhook.replay").await?;
    let tx = conn.tenant(org_id).await?;
    let found = webhook_deliveries::lock(&tx, id).await?;
    let (before, payload) = found.ok_or(ApiError::NotFound { what: "delivery" })?;
    let integration = github_integrations::find(&tx, before.integration_id).await?;
    let integration = integration.ok_or(INTEGRATION)?;
    let (payload, now) = (Payload::from_stored(payload), kit.clock.now());
    let applied = apply(&tx, &integration, &before.event, &payload, now).await;
    let applied = applied.map_err(storing_failed)?;
    let after = webhook_deliveries::settle_again(&tx, before, &applied.outcome).await?;
    audit_logs::add(&tx, actor, replayed(&after)).await?;
    tx.commit().await?;
    applied.count();
    Ok(after)
}

fn replayed(delivery: &Delivery) -> Entry<'static> {
    Entry {
        action: "webhook_delivery.replay",
        target_type: "webhook_delivery",
        target_id: Some(delivery.id.0),
        before: None,
        after: Some(json!({
            "delivery_id": delivery.delivery_id,
            "status": delivery.outcome.status,
            "detail": delivery.outcome.detail,
        })),
    }
}

struct Applied {
    outcome: Outcome,
    recorded: Option<Recorded>,
}

impl Applied {
    /// Counts a change; call it once it is committed.
    fn count(&self) {
        if let Some(recorded) = &self.recorded
            && recorded.change != Change::None
        {
            metrics::deployment_changed(PROVIDER, recorded.deployment.standing.progress.status);
        }
    }
}

async fn apply(
    tx: &TenantTx<'_>,
    integration: &Integration,
    event: &str,
    payload: &Payload,
    now: OffsetDateTime,
) -> Result<Applied, DbError> {
    let environments = environments::names(tx, integration.service_id).await?;
    let target = Target {
        repo_owner: &integration.settings.repo_owner,
        repo_name: &integration.settings.repo_name,
        mapping: &integration.settings.environment_mapping,
        environments: &environments,
    };
    let without_effect = |status, detail: String| Applied {
        outcome: Outcome {
            status,
            detail,
            deployment_id: None,
        },
        recorded: None,
    };
    let (external_id, report) = match github::read(event, payload, target) {
        Ok(Reading::Deployment { external_id, report }) => (external_id, *report),
        Ok(Reading::Ping(ping)) => {
            return Ok(without_effect(
                DeliveryStatus::Unchanged,
                about_ping(ping).to_owned(),
            ));
        }
        Err(reason) => return Ok(without_effect(DeliveryStatus::Ignored, reason.to_string())),
    };
    let key = DeploymentKey {
        service_id: integration.service_id,
        provider: PROVIDER,
        external_id: &external_id,
    };
    let recorded = deployments::record(tx, key, report, now).await?;
    Ok(Applied {
        outcome: outcome_of(&recorded, &environments),
        recorded: Some(recorded),
    })
}

fn about_ping(ping: Ping) -> &'static str {
    match ping {
        Ping::Good => "GitHub's ping: the webhook is set up",
        Ping::SendsNothing => {
            "GitHub's ping: the webhook is set up, but none of its events tells of deployments; select Workflow runs, \
             or Deployments and Deployment statuses"
        }
    }
}

fn outcome_of(recorded: &Recorded, environments: &[(EnvironmentId, String)]) -> Outcome {
    let Recorded {
        deployment,
        before,
        change,
    } = recorded;
    let progress = deployment.standing.progress;
    let environment = environments
        .iter()
        .find(|(id, _)| *id == deployment.standing.environment_id)
        .map_or("another environment", |(_, name)| name);
    let attempt = match progress.attempt {
        1 => String::new(),
        attempt => format!(", attempt {attempt}"),
    };
    let (status, detail) = match (change, before) {
        (Change::Status, None) => (
            DeliveryStatus::Applied,
            format!("new deployment to {environment}: {}{attempt}", progress.status),
        ),
        (Change::Status, Some(before)) => (
            DeliveryStatus::Applied,
            format!(
                "deployment to {environment}: {} to {}{attempt}",
                before.progress.status, progress.status
            ),
        ),
        (Change::Environment, _) => (
            DeliveryStatus::Applied,
            format!("deployment moved to {environment}"),
        ),
        (Change::None, _) => (
            DeliveryStatus::Unchanged,
            format!(
                "nothing new: the deployment to {environment} is {}{attempt}",
                progress.status
            ),
        ),
    };
    Outcome {
        status,
        detail,
        deployment_id: Some(deployment.id),
    }
}
