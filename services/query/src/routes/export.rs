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
use service_kit::{ApiError, ErrorBody, Kit};
use utoipa::{IntoParams, ToSchema};

use crate::admission::Permit;
use crate::answer::LineView;
use crate::app::State;
use crate::ask::{Ask, LogFilter};
use crate::routes::logs::OrderName;

/// Lines of one export.
const MAX_LINES: u64 = 5_000_000;
const DEFAULT_LINES: u64 = 1_000_000;
/// Lines and bytes that are read at a time: what one export holds in memory.
const PAGE_LINES: usize = 20_000;
const PAGE_BYTES: usize = 8 << 20;

/// How, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportParams {
    /// `ndjson`, which is the default: a line as searches show it on each line; or `csv`.
    #[param(inline, example = "ndjson")]
    format: Option<Format>,
    /// `newest` first, which is the default, or `oldest`.
    #[param(inline, example = "newest")]
    order: Option<OrderName>,
    /// Lines at most, up to 5,000,000; 1,000,000 when absent.
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Ndjson,
    Csv,
}

/// Streams all lines that match: each that is there when the export begins, once, while others arrive and are merged. What
/// breaks off was not whole: the connection ends without the last chunk, which clients report as an error.
#[utoipa::path(
    operation_id = "export_logs",
    tag = "logs",
    params(LogFilter, ExportParams),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String, description = "Or text/csv, with the columns timestamp, level, service, environment, message, meta, trace_id, request_id, id"),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such service or environment in this organisation", body = ErrorBody),
        (status = 429, description = "The organisation runs too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
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
    let permit = state.admission.enter(caller.org_id).await?;
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
        format,
        left: limit,
        next: Next::Page(None),
        _permit: permit,
    };
    let body = stream::try_unfold(export, |mut export| async {
        let page = export.page().await.inspect_err(|error| {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "an export broke off: {error}"
            );
        })?;
        Ok::<_, ApiError>(page.map(|page| (page, export)))
    });
    let (content_type, name) = match format {
        Format::Ndjson => ("application/x-ndjson", "logs.ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "logs.csv"),
    };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(body))
}

struct Export {
    kit: Kit,
    state: web::Data<State>,
    org_id: OrgId,
    ask: Ask,
    order: OrderName,
    format: Format,
    left: u64,
    next: Next,
    _permit: Permit,
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
        let mut is_first = matches!(self.next, Next::Page(None));
        loop {
            let Next::Page(cursor) = self.next else {
                return Ok(None);
            };
            let (lines, next) = self.read(cursor).await?;
            self.left -= lines.len() as u64;
            self.next = match next {
                Some(next) if self.left > 0 => Next::Page(Some(next)),
                _ => Next::Nothing,
            };
            let bytes = match self.format {
                Format::Ndjson => ndjson(&lines)?,
                Format::Csv => csv(&lines, std::mem::take(&mut is_first))?,
            };
            // A search that ran out of time may have found nothing yet.
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    async fn read(
        &self,
        cursor: Option<Cursor<i64>>,
    ) -> Result<(Vec<LineView>, Option<Cursor<i64>>), ApiError> {
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

fn ndjson(lines: &[LineView]) -> Result<Bytes, ApiError> {
    let mut out = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut out, line).map_err(|error| ApiError::Internal(error.into()))?;
        out.push(b'\n');
    }
    Ok(out.into())
}

fn csv(lines: &[LineView], with_header: bool) -> Result<Bytes, ApiError> {
    let failed = |error: csv::Error| ApiError::Internal(error.into());
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_header {
        writer.write_record(LineView::CSV_COLUMNS).map_err(failed)?;
    }
    for line in lines {
        writer.write_record(line.csv_record()).map_err(failed)?;
    }
    writer
        .into_inner()
        .map(Bytes::from)
        .map_err(|error| ApiError::Internal(error.into_error().into()))
}
