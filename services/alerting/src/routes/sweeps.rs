//! Evaluating now, for operators and tests.

use actix_web::{HttpResponse, post, web};
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, OrgId};
use serde::Deserialize;
use service_kit::access::Internal;
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

use crate::app::State;
use crate::evaluation;
use crate::sweep::{self, Swept};

/// One rule by both ids, or every rule of every organisation by neither.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EvaluateRequest {
    org_id: Option<OrgId>,
    rule_id: Option<AlertRuleId>,
}

/// Evaluates one rule or all of them, at once.
#[utoipa::path(
    tag = "rules",
    security(("internal" = [])),
    request_body = EvaluateRequest,
    responses((status = 200, body = Data<Swept>), (status = 401, body = ErrorBody))
)]
#[post("/api/v1/rules/evaluate")]
pub(crate) async fn evaluate(
    _caller: Internal,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<EvaluateRequest>,
) -> Result<HttpResponse, ApiError> {
    let data = match (body.org_id, body.rule_id) {
        (Some(org_id), Some(rule_id)) => {
            let mut swept = Swept::default();
            swept.count(&evaluation::run(&kit, &state, org_id, rule_id, RuleScope::default()).await);
            swept
        }
        (None, None) => sweep::everything(&kit, &state, &kit.stopping).await?,
        (Some(_), None) => return Err(ApiError::invalid("rule_id", "is needed beside org_id")),
        (None, Some(_)) => return Err(ApiError::invalid("org_id", "is needed beside rule_id")),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}
