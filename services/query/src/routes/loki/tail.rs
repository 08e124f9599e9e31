//! `GET /loki/api/v1/tail`: a websocket, as Grafana's live view and `logcli query --tail` open it.

use std::time::Duration;

use actix_web::{FromRequest as _, HttpRequest, HttpResponse, get, web};
use actix_ws::{CloseCode, CloseReason, Closed, Message, MessageStream, Session};
use db::scopes;
use domain::ids::OrgId;
use futures_util::StreamExt as _;
use serde_json::json;
use service_kit::access::{Credential, Viewer};
use service_kit::{ApiError, Kit, origin};
use time::OffsetDateTime;
use tokio::time::{Instant, interval_at, timeout};

use super::{refusal, wants_categories};
use crate::app::State;
use crate::loki::{FollowedLines, Params};
use crate::tail::{Event, Followed as _, Following};

/// A connection without lines is written to this often: one whose client is gone is found out.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Whether they may still see it is looked at this often.
const ADMISSION: Duration = Duration::from_mins(1);
/// As Loki has it by default.
const LONGEST: Duration = Duration::from_hours(1);
/// A client that takes nothing for so long is taken for gone.
const PATIENCE: Duration = Duration::from_mins(1);

/// Follows new lines of a log query over a websocket, after the newest from before. A reader that is too slow is told in
/// `dropped_entries`: an entry has the labels `reason` and `lines`, which is how many. `delay_for` plays no part: a line that
/// is committed late is delivered all the same.
#[utoipa::path(
    operation_id = "loki_tail",
    tag = "loki",
    params(
        ("query" = String, Query, description = "LogQL: a log query", example = "{service_name=\"checkout\"} |= \"declined\""),
        ("start" = Option<String>, Query, description = "Lines from here on come first; an hour back when absent"),
        ("limit" = Option<u32>, Query, description = "Lines from before, 1 to 5000; 100 when absent"),
        ("delay_for" = Option<u32>, Query, description = "Plays no part"),
    ),
    responses(
        (status = 101, description = "The messages are JSON", body = Object, example = json!({
            "streams": [{
                "stream": {"environment": "production", "level": "error", "service_name": "checkout"},
                "values": [["1769860798123456000", "payment for order 4711 failed: card_declined"]]
            }],
            "dropped_entries": [{"labels": {"reason": "slow_reader", "lines": "12"}, "timestamp": "1769860798123456000"}]
        })),
        (status = 400, description = "No websocket, or the query or a parameter makes no sense; the text names it", content_type = "text/plain"),
        (status = 401, description = "No session and no personal access token", content_type = "text/plain"),
        (status = 403, description = "A page of another site asks, with the session of its visitor", content_type = "text/plain"),
        (status = 429, description = "The organisation follows too many searches at once", content_type = "text/plain"),
        (status = 503, description = "The database is away or busy", content_type = "text/plain"),
    ),
    security(("session" = ["viewer"])),
)]
#[get("/loki/api/v1/tail")]
pub(super) async fn follow(
    caller: Result<Viewer, ApiError>,
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> HttpResponse {
    match open(caller, &req, payload, &kit, &state).await {
        Ok(response) => response,
        Err(error) => refusal(&error),
    }
}

async fn open(
    caller: Result<Viewer, ApiError>,
    req: &HttpRequest,
    payload: web::Payload,
    kit: &web::Data<Kit>,
    state: &web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller?;
    // Browsers send cookies along with whatever page opens a websocket, and show it what comes.
    if matches!(caller.credential, Credential::Session(_)) {
        origin::require_own_pages(req)?;
    }
    let categorized = wants_categories(req);
    let followed = FollowedLines::read(&Params::of_address(req), categorized, kit.clock.now())?;
    let permit = state.admission.follow(caller.org_id)?;
    // Before it begins: with the database away it is an error, and not an empty stream.
    let mut conn = kit.db.conn("query.tail").await?;
    let tx = conn.tenant_snapshot(caller.org_id).await?;
    followed.plan(scopes::list(&tx).await?, state)?;
    tx.commit().await?;
    drop(conn);
    let (response, session, messages) = actix_ws::handle(req, payload).map_err(|_no_handshake| {
        let message = "this is a websocket; send Upgrade: websocket, as logcli and Grafana's live view do";
        ApiError::invalid("", message)
    })?;
    let following = Following::begin(kit, state, (caller.org_id, permit), followed, None);
    let socket = Socket {
        session,
        messages,
        following,
        kit: Kit::clone(kit),
        req: req.clone(),
        org_id: caller.org_id,
        categorized,
    };
    actix_web::rt::spawn(socket.deliver());
    Ok(response)
}

/// One connection.
struct Socket {
    session: Session,
    messages: MessageStream,
    following: Following,
    kit: Kit,
    req: HttpRequest,
    org_id: OrgId,
    categorized: bool,
}

impl Socket {
    /// Writes what comes until somebody ends it.
    async fn deliver(mut self) {
        let ended = timeout(LONGEST, self.deliver_while_admitted()).await;
        let reason = match ended {
            Ok(Err(Closed)) => return, // There is nobody to be told why.
            Ok(Ok(reason)) => reason,
            Err(_over) => CloseReason::from(CloseCode::Normal),
        };
        // A client that does not even take this is cut off with the connection.
        let _ = timeout(PATIENCE, self.session.close(Some(reason))).await;
    }

    async fn deliver_while_admitted(&mut self) -> Result<CloseReason, Closed> {
        let mut admission = interval_at(Instant::now() + ADMISSION, ADMISSION);
        loop {
            tokio::select! {
                () = self.kit.stopping.cancelled() => return Ok(CloseCode::Away.into()),
                _ = admission.tick() => {
                    if !self.is_admitted().await {
                        return Ok(CloseCode::Policy.into());
                    }
                }
                message = self.messages.next() => match message {
                    Some(Ok(Message::Ping(bytes))) => self.session.pong(&bytes).await?,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(CloseCode::Normal.into()),
                    Some(Ok(_nothing_that_matters)) => {}
                },
                waited = timeout(HEARTBEAT, self.following.buffer.take()) => {
                    let writing = async {
                        match waited {
                            Err(_nothing_came) => self.session.ping(b"").await,
                            Ok(events) => match frame(&events, self.categorized, self.kit.clock.now()) {
                                Some(frame) => self.session.text(frame).await,
                                None => Ok(()),
                            },
                        }
                    };
                    timeout(PATIENCE, writing).await.map_err(|_gone| Closed)??;
                }
            }
        }
    }

    /// Whether the caller is still a member of the organisation. With the database away they stay.
    async fn is_admitted(&self) -> bool {
        match Viewer::extract(&self.req).await {
            Ok(viewer) => viewer.org_id == self.org_id,
            Err(ApiError::Unauthorized(_) | ApiError::Forbidden { .. } | ApiError::Refused(_)) => false,
            Err(_away) => true,
        }
    }
}

/// Streams are JSON already.
fn frame(events: &[Event], categorized: bool, now: OffsetDateTime) -> Option<String> {
    let (mut streams, mut dropped) = (Vec::new(), Vec::new());
    let nanoseconds = |at: OffsetDateTime| at.unix_timestamp_nanos().to_string();
    for event in events {
        match event {
            Event::Line(stream, _) => streams.push(stream.as_str()),
            Event::Missed(lines) => dropped.push(json!({
                "labels": {"reason": "slow_reader", "lines": lines.to_string()}, "timestamp": nanoseconds(now)
            })),
            Event::Gap(from, to) => dropped.push(json!({
                "labels": {"reason": "database_away", "since": nanoseconds(*from)}, "timestamp": nanoseconds(*to)
            })),
            Event::Stalled | Event::At(_) => {}
        }
    }
    if streams.is_empty() && dropped.is_empty() {
        return None;
    }
    let mut frame = format!(r#"{{"streams":[{}]"#, streams.join(","));
    if !dropped.is_empty() {
        frame += r#","dropped_entries":"#;
        frame += &json!(dropped).to_string();
    }
    if categorized {
        frame += r#","encodingFlags":["categorize-labels"]"#;
    }
    frame.push('}');
    Some(frame)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_was_missed_is_said_beside_what_came() {
        let now = datetime!(2026-11-24 12:00 UTC);
        assert_eq!(
            frame(&[Event::Stalled, Event::At(String::new())], false, now),
            None
        );
        let line = |text: &str| Event::Line(format!(r#"{{"values":["{text}"]}}"#), String::new());
        let frame = frame(&[Event::Missed(12), line("a"), line("b")], true, now).unwrap();
        let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(
            frame,
            json!({
                "streams": [{"values": ["a"]}, {"values": ["b"]}],
                "dropped_entries": [
                    {"labels": {"reason": "slow_reader", "lines": "12"}, "timestamp": "1795521600000000000"}
                ],
                "encodingFlags": ["categorize-labels"]
            })
        );
    }
}
