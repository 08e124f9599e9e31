//! What became of a request, asked again later.

use actix_web::{get, web};
use domain::ids::ReceiptId;
use logstore::receipts;
use serde::Serialize;
use service_kit::body::PathId;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::keys::IngestKey;
use crate::unpack::RejectedLine;

/// The answer that a request was given.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptView {
    id: ReceiptId,
    /// Lines that are durable and can be found.
    accepted: u32,
    /// Lines that were refused, each with the reason.
    #[schema(value_type = Vec<RejectedLine>)]
    rejected: serde_json::Value,
    /// When the lines were stored.
    #[serde(with = "time::serde::rfc3339")]
    stored_at: OffsetDateTime,
}

/// Says again what became of a request that was sent with an `Idempotency-Key`.
///
/// `receipt_id` in its answer names the receipt, which is kept for 24 hours.
#[utoipa::path(
    operation_id = "get_receipt",
    tag = "logs",
    security(("api_key" = ["logs:write"])),
    params(("id" = ReceiptId, Path, description = "`receipt_id` of the answer")),
    responses(
        (status = 200, body = Data<ReceiptView>),
        (status = 401, description = "The key is missing, malformed, unknown, revoked or expired", body = ErrorBody),
        (status = 403, description = "The key lacks the scope logs:write", body = ErrorBody),
        (status = 404, description = "No such receipt of this organisation within 24 hours", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    )
)]
#[get("/api/v1/receipts/{id}")]
pub(super) async fn receipt(
    IngestKey(key): IngestKey,
    PathId(id): PathId<ReceiptId>,
    kit: web::Data<Kit>,
) -> Result<web::Json<Data<ReceiptView>>, ApiError> {
    let conn = kit.db.conn("ingest.receipt").await?;
    let given = receipts::get(&conn, key.scope.org_id, id).await?;
    let given = given.ok_or(ApiError::NotFound { what: "receipt" })?;
    Ok(web::Json(Data {
        data: ReceiptView {
            id,
            accepted: given.accepted,
            rejected: given.rejected,
            stored_at: given.at,
        },
    }))
}
