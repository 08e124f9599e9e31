//! What people write into an incident's timeline.

use actix_web::{HttpResponse, post, web};
use db::incidents::events::{self, NewEvent};
use db::{audit_logs, incidents};
use domain::alerting::incident::EventKind;
use domain::ids::{IncidentEventId, IncidentId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::Developer;
use service_kit::body::{JsonBody, PathId};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

use crate::audit::entry;
use crate::routes::incidents::NOT_FOUND;
use crate::text::FreeText;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateNoteRequest {
    text: FreeText,
}

#[derive(Debug, Serialize, ToSchema)]
struct NoteView {
    /// The note's row in the timeline.
    id: IncidentEventId,
    text: String,
}

/// Adds a note, also to an incident that is resolved.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["developer"])),
    params(("id" = IncidentId, Path)),
    request_body = CreateNoteRequest,
    responses((status = 201, body = Data<NoteView>), (status = 404, body = ErrorBody))
)]
#[post("/api/incidents/{id}/notes")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    PathId(id): PathId<IncidentId>,
    JsonBody(body): JsonBody<CreateNoteRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.notes").await?;
    let tx = conn.tenant(caller.org_id).await?;
    incidents::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    let note = NewEvent {
        kind: EventKind::Note,
        actor: Some(caller.user_id),
        message: body.text.as_str(),
        details: json!({}),
    };
    let note_id = events::add(&tx, id, &note).await?;
    let addition = entry("incident.note", id.0, None, Some(json!({"event_id": note_id})));
    audit_logs::add(&tx, &caller.actor, addition).await?;
    tx.commit().await?;
    let data = NoteView {
        id: note_id,
        text: body.text.as_str().to_owned(),
    };
    Ok(HttpResponse::Created().json(Data { data }))
}
