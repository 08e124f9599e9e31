//! Writing rules: each change with its audit row and its event, in one transaction.

use db::alert_rules::{self, AlertRule, Settings};
use db::audit_logs::Actor;
use db::{DbError, TenantTx, alert_heartbeats, audit_logs, incidents, outbox};
use domain::alerting::rule::{Heartbeat, RuleType};
use domain::events::Event;
use domain::ids::AlertRuleId;
use domain::name::Name;
use domain::token::{self, TokenHash};
use service_kit::secrets::random_byte;
use service_kit::{ApiError, context};

use super::views::RuleView;
use crate::app::State;
use crate::audit::{entry, seen};

/// Makes a rule; of a heartbeat also the address that its job calls, which is known at this moment only.
pub(super) async fn create(
    tx: &TenantTx<'_>,
    actor: &Actor,
    state: &State,
    settings: &Settings<'_>,
) -> Result<(AlertRule, Option<String>), ApiError> {
    let rule = alert_rules::create(tx, settings)
        .await
        .map_err(|error| not_written(error, settings.name))?;
    let creation = entry(
        "alert_rule.create",
        rule.id.0,
        None,
        seen(&RuleView::from(rule.clone())),
    );
    audit_logs::add(tx, actor, creation).await?;
    announce(tx, rule.id).await?;
    let address = match settings.condition.kind() {
        RuleType::Heartbeat => Some(new_address(tx, state, rule.id).await?),
        _ => None,
    };
    Ok((rule, address))
}

/// Changes a rule that is locked.
pub(super) async fn change(
    tx: &TenantTx<'_>,
    actor: &Actor,
    before: AlertRule,
    settings: &Settings<'_>,
) -> Result<AlertRule, ApiError> {
    let after = alert_rules::update(tx, before.id, settings)
        .await
        .map_err(|error| not_written(error, settings.name))?
        .ok_or(super::NOT_FOUND)?;
    let (old, new) = (RuleView::from(before), RuleView::from(after.clone()));
    let changed = entry("alert_rule.change", after.id.0, seen(&old), seen(&new));
    audit_logs::add(tx, actor, changed).await?;
    announce(tx, after.id).await?;
    Ok(after)
}

/// Hides a rule; the evaluator ends what it fired.
pub(super) async fn delete(tx: &TenantTx<'_>, actor: &Actor, rule: AlertRule) -> Result<(), ApiError> {
    let id = rule.id;
    alert_rules::mark_deleted(tx, id).await?;
    let deletion = entry("alert_rule.delete", id.0, seen(&RuleView::from(rule)), None);
    audit_logs::add(tx, actor, deletion).await?;
    announce(tx, id).await?;
    Ok(())
}

/// Gives a heartbeat an address.
pub(super) async fn new_address(
    tx: &TenantTx<'_>,
    state: &State,
    id: AlertRuleId,
) -> Result<String, ApiError> {
    const SHOWN_CHARS: usize = 8;
    let token = token::mint(Heartbeat::TOKEN_PREFIX, random_byte);
    let prefix: String = token.chars().take(SHOWN_CHARS).collect();
    alert_heartbeats::set_token(tx, id, TokenHash::of(&token), &prefix).await?;
    let base = state.public_url.as_str().trim_end_matches('/');
    Ok(format!("{base}/api/v1/heartbeats/{token}"))
}

fn not_written(error: DbError, name: &Name) -> ApiError {
    if error.violates_unique(alert_rules::NAME_KEY) {
        ApiError::Conflict(format!(
            "there is a rule named {name} already; choose another name"
        ))
    } else if error.violates_foreign_key() {
        ApiError::NotFound {
            what: "the service or environment of the rule",
        }
    } else {
        error.into()
    }
}

async fn announce(tx: &TenantTx<'_>, rule_id: AlertRuleId) -> Result<(), DbError> {
    let event = Event::RuleChangedV1 {
        org_id: tx.org_id(),
        rule_id,
    };
    let correlation_id = context::current().map(|context| context.correlation_id);
    let now = incidents::clock(tx).await?;
    outbox::add(tx, event, correlation_id.as_deref(), now).await?;
    Ok(())
}
