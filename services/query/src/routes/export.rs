//! `GET /api/logs/export`.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpResponse, get, web};
use bytes::Bytes;
use db::audit_logs::{self, Entry};
use db::scopes;
use domain::ids::OrgId;
use domain::page::Cursor;
use futures_util::stream;
use logstore::reader::{Budget, Partial, Plan};
use serde::Deserialize;
use serde_json::json;
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, Kit};
use utoipa::IntoParams;

use crate::admission::Place;
use crate::answer::{LineView, SearchRefusals};
use crate::app::State;
use crate::ask::{Ask, LogFilter};
use crate::export_format::{Encoder, Format};
use crate::routes::logs::OrderName;

/// Lines of one export.
const MAX_LINES: u64 = 5_000_000;
const DEFAULT_LINES: u64 = 1_000_000;
/// Lines and bytes that are read at a time: what one export holds in memory.
const PAGE_LINES: usize = 10_000;
const PAGE_BYTES: usize = 4 << 20;

/// How, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParams {
    /// `ndjson`, which is the default: a line as searches show it on each line; `csv`; or `parquet`, in builds that have it.
    #[param(inline, example = "ndjson")]
    format: Option<Format>,
    /// `newest` first, which is the default, or `oldest`.
    #[param(inline, example = "newest")]
    order: Option<OrderName>,
    /// Lines at most, up to 5,000,000; 1,000,000 when absent.
    limit: Option<u64>,
}

/// Streams all lines that match: each that is there when the export begins, once, while others arrive and are merged. What
/// breaks off was not whole: the connection ends without the last chunk, which clients report as an error.
#[utoipa::path(
    operation_id = "export_logs",
    tag = "logs",
    params(LogFilter, ExportParams),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String, description = "Or text/csv or application/vnd.apache.parquet, with the columns timestamp, level, service, environment, message, meta, trace_id, request_id, id"),
        SearchRefusals,
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/export")]
pub(crate) async fn export(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, ExportParams>,
) -> Result<HttpResponse, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let ask = filter.read(kit.clock.now())?;
    let limit @ 1..=MAX_LINES = params.limit.unwrap_or(DEFAULT_LINES) else {
        return Err(ApiError::invalid("limit", format!("must be 1 to {MAX_LINES}")));
    };
    let format = params.format.unwrap_or(Format::Ndjson);
    let encoder = format.encoder()?;
    let place = state.admission.enter_for_long(caller.org_id).await?;
    // What leaves is written down before the first line does.
    let mut conn = kit.db.conn("query.export").await?;
    let tx = conn.tenant(caller.org_id).await?;
    ask.choose(scopes::list(&tx).await?)?;
    let entry = Entry {
        action: "logs.export",
        target_type: "logs",
        target_id: None,
        before: None,
        after: Some(json!({
            "q": ask.query.to_string(),
            "from": ask.range.from.to_string(),
            "to": ask.range.to.to_string(),
            "limit": limit,
            "format": format,
        })),
    };
    audit_logs::add(&tx, &caller.actor, entry).await?;
    tx.commit().await?;
    drop(conn);
    let export = Export {
        kit: Kit::clone(&kit),
        state: state.clone(),
        org_id: caller.org_id,
        ask,
        order: params.order.unwrap_or(OrderName::Newest),
        encoder: Some(encoder),
        left: limit,
        next: Next::Page(None),
        _place: place,
    };
    let body = stream::try_unfold(export, |mut export| async {
        let page = export.page().await.inspect_err(|error| {
            tracing::warn!(error = db::causes::chain(error), "an export broke off: {error}");
        })?;
        Ok::<_, ApiError>(page.map(|page| (page, export)))
    });
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", format.file_name()),
        ))
        .streaming(body))
}

struct Export {
    kit: Kit,
    state: web::Data<State>,
    org_id: OrgId,
    ask: Ask,
    order: OrderName,
    /// `None` while it is at work, and at the end.
    encoder: Option<Encoder>,
    left: u64,
    next: Next,
    _place: Place,
}

enum Next {
    /// After this line, or from the start.
    Page(Option<Cursor<i64>>),
    Nothing,
}

impl Export {
    /// The next lines, in a snapshot of their own: one that is held for long would hold up what retention drops. Lines keep
    /// their place in the order, so none is skipped or repeated.
    async fn page(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let bytes = match self.next {
                Next::Page(cursor) => {
                    let (lines, next) = self.read(cursor).await?;
                    self.left -= lines.len() as u64;
                    self.next = match next {
                        Some(next) if self.left > 0 => Next::Page(Some(next)),
                        _ => Next::Nothing,
                    };
                    self.encode(lines).await?
                }
                Next::Nothing => match self.encoder.take() {
                    Some(encoder) => {
                        let finishing = move || encoder.finish();
                        self.state.reader.in_turn(self.org_id, finishing).await?
                    }
                    None => return Ok(None),
                },
            };
            // A search that ran out of time may have found nothing yet.
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    async fn encode(&mut self, lines: Vec<LineView>) -> Result<Bytes, ApiError> {
        let Some(mut encoder) = self.encoder.take() else {
            return Ok(Bytes::new());
        };
        let encoding = move || {
            let bytes = encoder.add(&lines);
            (encoder, bytes)
        };
        // Away from the event loop: a page is tens of thousands of lines.
        let (encoder, bytes) = self.state.reader.in_turn(self.org_id, encoding).await;
        self.encoder = Some(encoder);
        bytes
    }

    async fn read(
        &self,
        cursor: Option<Cursor<i64>>,
    ) -> Result<(Vec<LineView>, Option<Cursor<i64>>), ApiError> {
        // For this page only: a client that takes its time must not keep others from searching.
        let _turn = self.state.admission.turn().await;
        let mut conn = self.kit.db.conn("query.export").await?;
        let tx = conn.tenant_snapshot(self.org_id).await?;
        let chosen = self.ask.choose(scopes::list(&tx).await?)?;
        let plan = Plan {
            order: self.order.into(),
            limit: PAGE_LINES.min(self.left as usize),
            cursor,
            ..self.ask.plan(
                &chosen,
                Budget {
                    bytes: PAGE_BYTES,
                    ..self.state.budget
                },
            )
        };
        let found = self.state.reader.search(&tx, &plan).await?;
        tx.commit().await?;
        if found.stats.partial == Some(Partial::Damaged) {
            let message = "stored lines are damaged, so the export would not be whole; the log of the service names the segment";
            return Err(ApiError::Internal(message.into()));
        }
        let lines = found.lines.into_iter().map(|line| LineView::new(line, &chosen));
        Ok((lines.collect(), found.next))
    }
}
