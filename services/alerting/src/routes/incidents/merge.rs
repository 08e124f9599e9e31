//! `POST /api/incidents/{id}/merge`: two incidents turn out to be one.

use actix_web::{HttpResponse, post, web};
use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident};
use db::{TenantTx, audit_logs};
use domain::alerting::incident::life::Action;
use domain::alerting::incident::{EventKind, IncidentSource};
use domain::ids::IncidentId;
use serde::Deserialize;
use serde_json::json;
use service_kit::access::{Developer, Member};
use service_kit::body::{JsonBody, PathId};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

use super::NOT_FOUND;
use super::change::refusal;
use super::views::IncidentView;
use crate::app::State;
use crate::audit::{entry, seen};
use crate::text::FreeText;
use crate::transitions::{self, Cause, Story};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "0b9a4f0e-52a5-4d6f-9b61-6ad58f1746e7", "reason": "the same outage of the database"}))]
struct MergeIncidentRequest {
    /// The incident that goes on with the story of both.
    into: IncidentId,
    /// Why; both timelines keep it.
    reason: Option<FreeText>,
}

/// Makes an incident part of another one: it resolves as merged, what still fires of it fires in the other, and whatever of its
/// problems fires later goes there. The other one ends when all of that is clear. Neither can be undone.
#[utoipa::path(
    operation_id = "merge_incidents",
    tag = "incidents",
    security(("session" = ["developer"])),
    params(("id" = IncidentId, Path, description = "the incident that becomes part of the other")),
    request_body = MergeIncidentRequest,
    responses(
        (status = 200, description = "the incident that was merged", body = Data<IncidentView>),
        (status = 404, description = "no such incident, or no such other one", body = ErrorBody),
        (status = 409, description = "one of them is over, was merged before, or they are the same", body = ErrorBody),
    )
)]
#[post("/api/incidents/{id}/merge")]
pub(crate) async fn merge(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<IncidentId>,
    JsonBody(body): JsonBody<MergeIncidentRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let (one, other) = lock(&tx, id, body.into).await?;
    if one.source == IncidentSource::Channel {
        return Err(ApiError::Conflict(
            "an incident about a channel ends when the channel is used again, and cannot be merged"
                .to_owned(),
        ));
    }
    let merged = merge_locked(
        &tx,
        &one,
        &other,
        &caller,
        body.reason.as_ref().map(FreeText::as_str),
    )
    .await?;
    let (old, data) = (IncidentView::from(one), IncidentView::from(merged));
    if old != data {
        let change = entry("incident.merge", id.0, seen(&old), seen(&data));
        audit_logs::add(&tx, &caller.actor, change).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Both, locked in one order, whichever is named first: two people who merge them crosswise wait for each other only once.
async fn lock(tx: &TenantTx<'_>, id: IncidentId, into: IncidentId) -> Result<(Incident, Incident), ApiError> {
    let other = ApiError::NotFound {
        what: "the other incident",
    };
    let (first, second) = (id.min(into), id.max(into));
    let first = incidents::find_for_update(tx, first).await?;
    let second = incidents::find_for_update(tx, second).await?;
    let (one, into) = if id <= into {
        (first, second)
    } else {
        (second, first)
    };
    Ok((one.ok_or(NOT_FOUND)?, into.ok_or(other)?))
}

async fn merge_locked(
    tx: &TenantTx<'_>,
    one: &Incident,
    other: &Incident,
    caller: &Member,
    reason: Option<&str>,
) -> Result<Incident, ApiError> {
    let with_reason = |message: String| match reason {
        Some(reason) => format!("{message}: {reason}"),
        None => message,
    };
    let message = with_reason(format!("merged into {}", other.title));
    let cause = Cause {
        by: Some(caller.user_id),
        at: incidents::clock(tx).await?,
        message: &message,
        details: json!({"merged_into": other.id, "reason": reason}),
        why: &format!("{message}, by {}", caller.email),
    };
    let story = Story::of(tx, one).await?;
    let action = Action::MergeInto(other.id, other.standing());
    let merged = transitions::act(tx, one, action, &cause, &story)
        .await
        .map_err(refusal)?;
    let Some(merged) = merged else {
        return Ok(one.clone());
    };
    let took_in = NewEvent {
        kind: EventKind::TookIn,
        actor: Some(caller.user_id),
        message: &with_reason(format!("{} became part of this incident", one.title)),
        details: json!({"merged": one.id, "reason": reason}),
    };
    events::add(tx, other.id, &took_in).await?;
    transitions::announce(tx, other.id, "changed", cause.at).await?;
    Ok(merged)
}
