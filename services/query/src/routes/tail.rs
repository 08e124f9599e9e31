//! `GET /api/logs/tail`.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::{BufMut as _, Bytes, BytesMut};
use db::scopes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use service_kit::access::Viewer;
use service_kit::body::QueryParamsOf;
use service_kit::{ApiError, ErrorBody, Kit};
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, timeout, timeout_at};
use utoipa::IntoParams;

use crate::app::State;
use crate::ask::LogFilter;
use crate::tail::{Event, Following, Position};

/// A connection without lines is written to this often: nothing between takes it for dead, and one whose client is gone is
/// found out, and looked for no longer.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// After this the stream ends, and the client comes back with its position: whether they may still see it is looked at anew.
const LONGEST: Duration = Duration::from_mins(5);

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TailParams {
    /// The id of the last event that was seen, as the header `Last-Event-ID` has it, for clients that cannot set that.
    last_event_id: Option<String>,
}

/// Follows new lines that match, as server-sent events. `from` and `to` play no part.
///
/// Events: `line` has a line as searches show it; `missed` says how many lines gave way because they were not taken fast
/// enough (`{"lines": 12}`); `gap` says between which moments nobody looked, after a pause of more than 15 s (`{"from": …,
/// "to": …}`): a search finds those lines; `stalled` says that the database did not answer and is tried again. A client that
/// comes back with the last id goes on behind it; ids come with lines, and alone while there are none. Lines that are more than five minutes old when they arrive are
/// not followed. The stream ends after five minutes; clients of server-sent events come back by themselves.
#[utoipa::path(
    operation_id = "tail_logs",
    tag = "logs",
    params(LogFilter, TailParams, ("Last-Event-ID" = Option<String>, Header, description = "Of the last event that was seen")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 400, description = "A parameter makes no sense; it is named", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 404, description = "No such service or environment in this organisation", body = ErrorBody),
        (status = 429, description = "The organisation follows too many searches at once", body = ErrorBody),
        (status = 503, description = "The database is away or busy", body = ErrorBody),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/api/logs/tail")]
pub(crate) async fn follow(
    caller: Viewer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    params: QueryParamsOf<LogFilter, TailParams>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let QueryParamsOf(filter, params) = params;
    let ask = filter.read(kit.clock.now())?;
    let header = request
        .headers()
        .get("last-event-id")
        .and_then(|id| id.to_str().ok());
    let position: Option<Position> = header
        .map(str::to_owned)
        .or(params.last_event_id)
        .filter(|id| !id.is_empty())
        .map(|id| id.parse())
        .transpose()?;
    let permit = state.admission.follow(caller.org_id)?;
    // Before the stream begins: a name of nothing is an error, and not an empty stream, and what is committed once the client
    // knows that it is connected is followed.
    let mut conn = kit.db.conn("query.tail").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    let beginning = Position::current(&tx, kit.clock.now()).await?;
    ask.choose(scopes::list(&tx).await?)?;
    tx.commit().await?;
    drop(conn);
    let follower = Follower {
        following: Following::begin(
            &kit,
            &state,
            (caller.org_id, permit),
            ask,
            Some(position.unwrap_or(beginning)),
        ),
        ends: Instant::now() + LONGEST,
        stopping: kit.stopping.clone(),
        is_new: true,
    };
    let body = stream::unfold(follower, |mut follower| async {
        let bytes = follower.next().await?;
        Some((Ok::<Bytes, ApiError>(bytes), follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(body))
}

/// One connection.
struct Follower {
    following: Following,
    ends: Instant,
    stopping: tokio_util::sync::CancellationToken,
    is_new: bool,
}

impl Follower {
    /// What to write next; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.is_new) {
            // So that the client knows at once that it is connected, and how soon to come back.
            return Some(Bytes::from_static(b"retry: 1000\n\n"));
        }
        let waiting = timeout(HEARTBEAT, self.following.buffer.take());
        let stopping = self.stopping.cancelled();
        tokio::select! {
            () = stopping => None,
            waited = timeout_at(self.ends, waiting) => match waited {
                Err(_over) => None,
                Ok(Err(_nothing_came)) => Some(match self.following.buffer.position() {
                    Some(position) => written(&[Event::At(position)]),
                    None => Bytes::from_static(b": nothing new\n\n"),
                }),
                Ok(Ok(events)) => Some(written(&events)),
            },
        }
    }
}

/// JSON has no line breaks outside of its texts, where they are escaped.
fn written(events: &[Event]) -> Bytes {
    let mut out = BytesMut::new();
    let mut put = |text: &str| out.put_slice(text.as_bytes());
    for event in events {
        let (name, data) = match event {
            Event::Line(line, id) => {
                put("id: ");
                put(id);
                put("\nevent: line\ndata: ");
                put(line);
                put("\n\n");
                continue;
            }
            Event::Missed(lines) => ("missed", json!({"lines": lines})),
            Event::Gap(from, to) => {
                let text = |at: &time::OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
                ("gap", json!({"from": text(from), "to": text(to)}))
            }
            Event::Stalled => ("stalled", json!({})),
            // An id without data is no event to a client, and is what it comes back with.
            Event::At(id) => {
                put(&format!("id: {id}\n\n"));
                continue;
            }
        };
        put(&format!("event: {name}\ndata: {data}\n\n"));
    }
    out.freeze()
}
