//! Alert rules of the active organisation.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::alert_rules::{self, AlertRule, Settings};
use db::{alert_firings, alert_heartbeats, alert_transitions, audit_logs};
use domain::alerting::labels::Labels;
use domain::alerting::rule::{Condition, Description, RuleScope, RuleType, RunbookUrl, Times};
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use domain::name::{InvalidName, Name};
use domain::page::Cursor;
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::Value;
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use utoipa::ToSchema;

use self::input::{RuleBody, check, invalid_params, stored_description, stored_runbook};
use self::views::{
    FiringView, HeartbeatUrlView, HeartbeatView, RuleDetailView, RuleMadeView, RuleView, TransitionView,
    VersionView,
};
use crate::app::State;
use crate::audit::entry;
use crate::text::Change;
use crate::{evaluation, quotas};

pub(crate) mod apply;
pub(crate) mod backtest;
mod document;
mod input;
mod past;
pub(crate) mod preview;
mod views;
mod written;

pub(crate) use past::LOOKING_BACK;

/// Alert rules, newest first.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    params(PageParams),
    responses((status = 200, body = Page<RuleView>))
)]
#[get("/api/alerts")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = alert_rules::list(&tx, before, limit).await?;
    let cursor = |rule: &AlertRule| Cursor {
        at: rule.created_at,
        key: rule.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, RuleView::from)))
}

/// Makes a rule, and evaluates it at once.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    request_body(content = RuleBody, examples(
        ("errors" = (summary = "Too many errors", value = json!({"name": "checkout errors", "type": "error_count",
            "params": {"threshold": 20, "window_seconds": 300}, "severity": "high", "cooldown_seconds": 900,
            "labels": {"team": "payments"}, "runbook_url": "https://runbooks.example.com/checkout"}))),
        ("rate" = (summary = "A rate of errors", value = json!({"name": "error rate", "type": "error_rate",
            "params": {"threshold_percent": 5, "window_seconds": 300, "min_lines": 100}, "severity": "medium",
            "for_seconds": 60}))),
        ("query" = (summary = "Lines that match", value = json!({"name": "payment timeouts", "type": "log_query",
            "params": {"q": "timeout level:>=warn service:payment*", "threshold": 5, "comparison": "at_least",
            "window_seconds": 300, "group_by": ["provider"]}, "severity": "high"}))),
        ("silence" = (summary = "A source that stopped", value = json!({"name": "nothing comes", "type": "silence",
            "params": {"window_seconds": 900}, "severity": "high"}))),
        ("deployment" = (summary = "A deployment failed", value = json!({"name": "deployment failed",
            "type": "deployment_failure", "params": {}, "severity": "medium"}))),
        ("regression" = (summary = "More errors since a deployment", value = json!({"name": "bad release",
            "type": "deploy_regression", "params": {"window_seconds": 600, "min_errors": 20, "factor": 2},
            "severity": "critical"}))),
        ("pattern" = (summary = "An error that was never seen before", value = json!({"name": "new error",
            "type": "new_pattern", "params": {"since": "ever", "min_count": 3, "window_minutes": 60},
            "severity": "medium"}))),
        ("heartbeat" = (summary = "A job that must call", value = json!({"name": "nightly backup", "type": "heartbeat",
            "params": {"every_seconds": 86400, "grace_seconds": 3600}, "severity": "high",
            "service_id": "6d6e2a0c-5a0f-4d3c-9a57-3f8b0c1f2e4d",
            "environment_id": "0b9cf6cb-8a37-4c0e-8f55-6a1f6e0f8f11"})))
    )),
    responses(
        (status = 201, description = "a heartbeat's address is in `heartbeat_url`, once", body = Data<RuleMadeView>),
        (status = 404, description = "no such service or environment", body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/alerts")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<RuleBody>,
) -> Result<HttpResponse, ApiError> {
    let settings = body.settings()?;
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    quotas::admit_rule(alert_rules::count(&tx).await?)?;
    let (rule, heartbeat_url) = written::create(&tx, &caller.actor, &state, &settings).await?;
    tx.commit().await?;
    drop(conn);
    let rule_id = rule.id;
    evaluate_now(&kit, &state, caller.org_id, rule_id).await;
    let data = RuleMadeView {
        rule: RuleView::from(rule),
        heartbeat_url,
    };
    Ok(HttpResponse::Created().json(Data { data }))
}

/// One rule, and where it stands for each scope that it has fired or may fire for.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    params(("id" = AlertRuleId, Path)),
    responses((status = 200, body = Data<RuleDetailView>), (status = 404, body = ErrorBody))
)]
#[get("/api/alerts/{id}")]
pub(crate) async fn show(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<AlertRuleId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rule = alert_rules::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let firings = alert_firings::list_of_rule(&tx, id).await?;
    let firings = firings.iter().map(|row| FiringView::of(row, &rule)).collect();
    let transitions = alert_transitions::newest_of_rule(&tx, id, TRANSITIONS_SHOWN).await?;
    let data = RuleDetailView {
        rule: RuleView::from(rule),
        firings,
        transitions: transitions.into_iter().map(TransitionView::from).collect(),
        heartbeat: alert_heartbeats::find(&tx, id).await?.map(HeartbeatView::from),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// What is absent stays as it is; a `service_id` or `environment_id` of null widens the scope. The type stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRuleRequest {
    name: Option<Name>,
    #[schema(value_type = Option<Object>)]
    params: Option<Value>,
    severity: Option<Severity>,
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    service_id: Change<ServiceId>,
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    environment_id: Change<EnvironmentId>,
    for_seconds: Option<i32>,
    cooldown_seconds: Option<i32>,
    keep_firing_for_seconds: Option<i32>,
    /// All of them: those that are not here are taken away.
    labels: Option<Labels>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    runbook_url: Change<RunbookUrl>,
    description: Option<Description>,
    enabled: Option<bool>,
}

/// Changes a rule and raises its version. A rule that is disabled, or looks elsewhere now, ends what it fired there.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    params(("id" = AlertRuleId, Path)),
    request_body = ChangeRuleRequest,
    responses(
        (status = 200, body = Data<RuleView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[patch("/api/alerts/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<AlertRuleId>,
    JsonBody(body): JsonBody<ChangeRuleRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = alert_rules::find_for_update(&tx, id).await?.ok_or(NOT_FOUND)?;
    let old_name: Name = before
        .name
        .parse()
        .map_err(|error: InvalidName| ApiError::internal(error))?;
    let settings = body.over(&before, &old_name)?;
    check(&settings)?;
    let after = written::change(&tx, &caller.actor, before, &settings).await?;
    tx.commit().await?;
    drop(conn);
    evaluate_now(&kit, &state, caller.org_id, id).await;
    let data = RuleView::from(after);
    Ok(HttpResponse::Ok().json(Data { data }))
}

impl ChangeRuleRequest {
    /// The settings after the change.
    fn over<'a>(&'a self, before: &AlertRule, old_name: &'a Name) -> Result<Settings<'a>, ApiError> {
        let condition = match &self.params {
            None => before.condition()?,
            Some(params) => {
                let kind = before
                    .kind
                    .parse()
                    .map_err(|error: domain::alerting::rule::UnknownRuleType| ApiError::internal(error))?;
                Condition::parse(kind, params).map_err(invalid_params)?
            }
        };
        Ok(Settings {
            scope: RuleScope {
                service_id: self.service_id.over(before.scope.service_id),
                environment_id: self.environment_id.over(before.scope.environment_id),
            },
            name: self.name.as_ref().unwrap_or(old_name),
            condition,
            severity: self.severity.unwrap_or(before.severity),
            enabled: self.enabled.unwrap_or(before.enabled),
            times: Times {
                for_seconds: self.for_seconds.unwrap_or(before.times.for_seconds),
                cooldown_seconds: self.cooldown_seconds.unwrap_or(before.times.cooldown_seconds),
                keep_firing_for_seconds: self
                    .keep_firing_for_seconds
                    .unwrap_or(before.times.keep_firing_for_seconds),
            },
            labels: self.labels.clone().unwrap_or_else(|| before.labels.clone()),
            runbook_url: self.runbook_url.clone().over(stored_runbook(before)),
            description: self
                .description
                .clone()
                .unwrap_or_else(|| stored_description(before)),
        })
    }
}

/// Deletes a rule. Incidents that it opened and that are not over resolve; they stay in the history.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    params(("id" = AlertRuleId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/alerts/{id}")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<AlertRuleId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rule = alert_rules::find_for_update(&tx, id).await?.ok_or(NOT_FOUND)?;
    written::delete(&tx, &caller.actor, rule).await?;
    tx.commit().await?;
    drop(conn);
    evaluate_now(&kit, &state, caller.org_id, id).await;
    Ok(HttpResponse::NoContent().finish())
}

/// What each version of a rule said, newest first; the newest hundred.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    params(("id" = AlertRuleId, Path)),
    responses((status = 200, body = Data<Vec<VersionView>>), (status = 404, body = ErrorBody))
)]
#[get("/api/alerts/{id}/versions")]
pub(crate) async fn versions(
    caller: Viewer,
    kit: web::Data<Kit>,
    PathId(id): PathId<AlertRuleId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    alert_rules::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let versions = alert_rules::versions(&tx, id).await?;
    let data: Vec<VersionView> = versions.into_iter().map(VersionView::from).collect();
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Gives a heartbeat another address; the one that it had is no longer known.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    params(("id" = AlertRuleId, Path)),
    responses(
        (status = 200, description = "the address is shown once", body = Data<HeartbeatUrlView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the rule is no heartbeat", body = ErrorBody),
    )
)]
#[post("/api/alerts/{id}/heartbeat")]
pub(crate) async fn rotate_heartbeat(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<AlertRuleId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rule = alert_rules::find_for_update(&tx, id).await?.ok_or(NOT_FOUND)?;
    if rule.kind != RuleType::Heartbeat.as_str() {
        let message = "only a rule of type heartbeat has an address that is called".to_owned();
        return Err(ApiError::Conflict(message));
    }
    let heartbeat_url = written::new_address(&tx, &state, id).await?;
    let rotation = entry("alert_rule.rotate_heartbeat", id.0, None, None);
    audit_logs::add(&tx, &caller.actor, rotation).await?;
    tx.commit().await?;
    let data = HeartbeatUrlView { heartbeat_url };
    Ok(HttpResponse::Ok().json(Data { data }))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "alert rule" };
/// Transitions that are shown with a rule.
const TRANSITIONS_SHOWN: i64 = 50;

/// So that nobody waits for the event. What fails here is noted with the rule, and the sweep comes anyway.
async fn evaluate_now(kit: &Kit, state: &State, org_id: OrgId, rule_id: AlertRuleId) {
    state.wake();
    let _ = evaluation::run(kit, state, org_id, rule_id, RuleScope::default()).await;
}
