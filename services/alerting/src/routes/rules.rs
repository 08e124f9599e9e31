//! Alert rules of the active organisation.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::alert_rules::{self, AlertRule, Settings};
use db::{DbError, TenantTx, alert_firings, audit_logs, incidents, outbox};
use domain::alerting::rule::{
    Condition, InvalidParams, MAX_COOLDOWN_SECONDS, MAX_FOR_SECONDS, RuleScope, RuleType,
};
use domain::events::Event;
use domain::ids::{AlertRuleId, EnvironmentId, OrgId, ServiceId};
use domain::name::{InvalidName, Name};
use domain::page::Cursor;
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::Value;
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page, context};
use utoipa::ToSchema;

use self::views::{FiringView, RuleDetailView, RuleView};
use crate::app::State;
use crate::audit::{entry, seen};
use crate::text::Change;
use crate::{evaluation, quotas};

mod views;

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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateRuleRequest {
    name: Name,
    #[serde(rename = "type")]
    kind: RuleType,
    /// For `error_count`: threshold (1 or more) and window_seconds (10 to 86400). For `deployment_failure`: {}.
    #[schema(value_type = Object)]
    params: Value,
    severity: Severity,
    /// Absent: every service of the organisation, each on its own.
    service_id: Option<ServiceId>,
    /// Absent: every environment. Needs service_id.
    environment_id: Option<EnvironmentId>,
    /// How long the condition must hold before the rule fires, 0 to 86400; 0 when absent.
    #[serde(default)]
    for_seconds: i32,
    /// How long after firing it does not fire again, 0 to 604800; 0 when absent.
    #[serde(default)]
    cooldown_seconds: i32,
    /// True when absent.
    enabled: Option<bool>,
}

/// Makes a rule, and evaluates it at once.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    request_body = CreateRuleRequest,
    responses(
        (status = 201, body = Data<RuleView>),
        (status = 404, description = "no such service or environment", body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/alerts")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<CreateRuleRequest>,
) -> Result<HttpResponse, ApiError> {
    let settings = Settings {
        scope: RuleScope {
            service_id: body.service_id,
            environment_id: body.environment_id,
        },
        name: &body.name,
        condition: Condition::parse(body.kind, &body.params).map_err(invalid_params)?,
        severity: body.severity,
        enabled: body.enabled.unwrap_or(true),
        for_seconds: body.for_seconds,
        cooldown_seconds: body.cooldown_seconds,
    };
    check(&settings)?;
    let mut conn = kit.db.conn("alerting.rules").await?;
    let tx = conn.tenant(caller.org_id).await?;
    quotas::admit_rule(alert_rules::count(&tx).await?)?;
    let rule = alert_rules::create(&tx, &settings)
        .await
        .map_err(|error| not_written(error, settings.name))?;
    let rule_id = rule.id;
    let data = RuleView::from(rule);
    let creation = entry("alert_rule.create", rule_id.0, None, seen(&data));
    audit_logs::add(&tx, &caller.actor, creation).await?;
    announce(&tx, rule_id).await?;
    tx.commit().await?;
    drop(conn);
    evaluate_now(&kit, &state, caller.org_id, rule_id).await;
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
    let data = RuleDetailView {
        rule: RuleView::from(rule),
        firings,
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
    let after = alert_rules::update(&tx, id, &settings)
        .await
        .map_err(|error| not_written(error, settings.name))?
        .ok_or(NOT_FOUND)?;
    let (old, data) = (RuleView::from(before), RuleView::from(after));
    let changed = entry("alert_rule.change", id.0, seen(&old), seen(&data));
    audit_logs::add(&tx, &caller.actor, changed).await?;
    announce(&tx, id).await?;
    tx.commit().await?;
    drop(conn);
    evaluate_now(&kit, &state, caller.org_id, id).await;
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
            for_seconds: self.for_seconds.unwrap_or(before.for_seconds),
            cooldown_seconds: self.cooldown_seconds.unwrap_or(before.cooldown_seconds),
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
    alert_rules::mark_deleted(&tx, id).await?;
    let deletion = entry("alert_rule.delete", id.0, seen(&RuleView::from(rule)), None);
    audit_logs::add(&tx, &caller.actor, deletion).await?;
    announce(&tx, id).await?;
    tx.commit().await?;
    drop(conn);
    evaluate_now(&kit, &state, caller.org_id, id).await;
    Ok(HttpResponse::NoContent().finish())
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "alert rule" };

fn invalid_params(error: InvalidParams) -> ApiError {
    let path = if error.field.is_empty() {
        "params".to_owned()
    } else {
        format!("params.{}", error.field)
    };
    ApiError::invalid(path, error.message)
}

/// What the types of single fields cannot say.
fn check(settings: &Settings<'_>) -> Result<(), ApiError> {
    let within = |field: &str, seconds: i32, most: i32| {
        if (0..=most).contains(&seconds) {
            Ok(())
        } else {
            Err(ApiError::invalid(field, format!("must be from 0 to {most}")))
        }
    };
    within("for_seconds", settings.for_seconds, MAX_FOR_SECONDS)?;
    within(
        "cooldown_seconds",
        settings.cooldown_seconds,
        MAX_COOLDOWN_SECONDS,
    )?;
    if settings.scope.environment_id.is_some() && settings.scope.service_id.is_none() {
        return Err(ApiError::invalid(
            "environment_id",
            "needs service_id: an environment belongs to one service",
        ));
    }
    Ok(())
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

/// So that nobody waits for the event. What fails here is noted with the rule, and the sweep comes anyway.
async fn evaluate_now(kit: &Kit, state: &State, org_id: OrgId, rule_id: AlertRuleId) {
    state.wake();
    let _ = evaluation::run(kit, state, org_id, rule_id, RuleScope::default()).await;
}
