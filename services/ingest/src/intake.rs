//! The path of every request with log lines, whatever protocol it speaks: gate, quota, room, body, decompression, tokens,
//! routes, reading, commit. A protocol brings two things: how a body is taken apart, and how the outcome is put into words.

use std::fmt::Display;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, web};
use db::auth::KeyRecord;
use domain::ids::ReceiptId;
use domain::log_record::LineRules;
use futures_util::Stream;
use logstore::receipts::{IdempotencyRecord, Receipt};
use logstore::writer::{Batches, WriteError};
use service_kit::{ApiError, Kit};

use crate::app::State;
use crate::body::{self, Admission, Body};
use crate::encoding::Encoding;
use crate::idempotency::IdempotencyKey;
use crate::keys::IngestKey;
use crate::metrics::{self, Outcome};
use crate::rate_limit::Tokens;
use crate::routing::{Router, Sorted, Stray};
use crate::unpack::{Records, RejectedLine, Unpacked};

/// What became of a request's lines.
#[derive(Debug)]
pub(crate) struct Stored<O> {
    /// Lines that are durable and can be found by now.
    pub(crate) accepted: u32,
    /// The others, each with the reason.
    pub(crate) rejected: Vec<RejectedLine>,
    /// Lines that were accepted and did not go where they wanted to. Of a repeated request nothing is said.
    pub(crate) strays: Vec<Stray>,
    /// For a request with an `Idempotency-Key`.
    pub(crate) receipt_id: Option<ReceiptId>,
    /// What the protocol needs to know of its body to answer.
    pub(crate) outline: O,
}

/// A request with log lines that passed the first checks: what is cheap to refuse is refused before anything else of it is
/// looked at.
pub(crate) struct Arrival<'a> {
    key: KeyRecord,
    req: &'a HttpRequest,
    payload: web::Payload,
    kit: &'a Kit,
    state: &'a State,
}

impl<'a> Arrival<'a> {
    pub(crate) fn admit(
        IngestKey(key): IngestKey,
        req: &'a HttpRequest,
        payload: web::Payload,
        kit: &'a Kit,
        state: &'a State,
    ) -> Result<Self, ApiError> {
        require_welcome(&key, state)?;
        Ok(Self {
            key,
            req,
            payload,
            kit,
            state,
        })
    }

    pub(crate) fn req(&self) -> &HttpRequest {
        self.req
    }
}

fn require_welcome(key: &KeyRecord, state: &State) -> Result<(), ApiError> {
    state.gate.require_open()?;
    state.rate_limiter.refuse_if_exhausted(key)
}

/// Stores the lines of a request. `encoding` undoes its compression, and `take_apart` finds its lines, at most as many as
/// it is told.
pub(crate) async fn store<R: Records>(
    arrival: Arrival<'_>,
    encoding: Encoding,
    take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
) -> Result<Stored<R::Outline>, ApiError> {
    let inflight = arrival.state.inflight.clone();
    let result = store_uncounted(arrival, encoding, take_apart).await;
    metrics::inflight(inflight.used());
    result
}

async fn store_uncounted<R: Records>(
    arrival: Arrival<'_>,
    encoding: Encoding,
    take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
) -> Result<Stored<R::Outline>, ApiError> {
    let Arrival {
        key,
        req,
        payload,
        kit,
        state,
    } = arrival;
    let idempotency_key = IdempotencyKey::of(req)?;
    let admission = Admission::of(
        req,
        key.scope.org_id,
        &state.inflight,
        state.limits.max_body_bytes,
    )?;
    let body = admission.read(payload.into_inner()).await?;
    store_body(&key, idempotency_key, body, encoding, kit, state, take_apart).await
}

/// Stores the lines of a request that came by another server than actix. `unwrap` finds in its body what holds the lines,
/// and how that is compressed; around it there may be so many bytes.
pub(crate) async fn store_streamed<R: Records, E: Display>(
    IngestKey(key): &IngestKey,
    payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    wrapping: usize,
    kit: &Kit,
    state: &State,
    unwrap: impl FnOnce(Bytes) -> Result<(Bytes, Encoding), ApiError>,
    take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
) -> Result<Stored<R::Outline>, ApiError> {
    require_welcome(key, state)?;
    let max_bytes = state.limits.max_body_bytes + wrapping;
    let admission = Admission::of_length(None, key.scope.org_id, &state.inflight, max_bytes)?;
    let Body { bytes, held } = admission.read(payload).await?;
    let (bytes, encoding) = unwrap(bytes)?;
    let body = Body { bytes, held };
    let result = store_body(key, None, body, encoding, kit, state, take_apart).await;
    metrics::inflight(state.inflight.used());
    result
}

/// Stores lines that came without a request, and are in memory already.
pub(crate) async fn store_received<R: Records>(
    IngestKey(key): &IngestKey,
    bytes: Bytes,
    kit: &Kit,
    state: &State,
    take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
) -> Result<Stored<R::Outline>, ApiError> {
    state.gate.require_open()?;
    let held = state
        .inflight
        .reserve(key.scope.org_id, bytes.len())
        .ok_or_else(body::busy)?;
    let body = Body { bytes, held };
    store_body(key, None, body, Encoding::Identity, kit, state, take_apart).await
}

async fn store_body<R: Records>(
    key: &KeyRecord,
    idempotency_key: Option<IdempotencyKey>,
    body: Body,
    encoding: Encoding,
    kit: &Kit,
    state: &State,
    take_apart: impl FnOnce(Bytes, usize) -> Result<R, ApiError> + Send + 'static,
) -> Result<Stored<R::Outline>, ApiError> {
    let rules = LineRules {
        max_message_bytes: state.limits.max_message_bytes,
        retention: key.retention,
        now: kit.clock.now(),
    };
    let asked = Router::asks(key).then_some(rules);
    let mut split = state
        .workshop
        .split(body, encoding, state.limits, asked, take_apart)
        .await?;

    let tokens = state.rate_limiter.take(key, split.count()).await?;
    let routes = state.router.routes(key, split.take_destinations()).await?;
    let api_key_id = key.id;
    let (unpacked, record, outline) = state
        .workshop
        .read(split, rules, routes, state.limits, move |records, unpacked| {
            let record = idempotency_key.map(|key| {
                let rejected = serde_json::to_value(&unpacked.rejected).unwrap_or_default();
                key.record(api_key_id, records.body(), rejected)
            });
            (unpacked, record, records.into_outline())
        })
        .await?;

    let Unpacked { mut sorted, rejected } = unpacked;
    metrics::lines(Outcome::Rejected, rejected.len());
    let Some(batches) = sorted.batches.take() else {
        return Ok(Stored {
            accepted: 0,
            rejected,
            strays: Vec::new(),
            receipt_id: None,
            outline,
        });
    };
    let receipt = append(state, batches, record, tokens).await?;
    outcome(receipt, rejected, sorted, outline)
}

/// Hands the lines to the writer; tokens of lines that were surely not stored now go back.
async fn append(
    state: &State,
    batches: Batches,
    record: Option<IdempotencyRecord>,
    tokens: Tokens,
) -> Result<Receipt, ApiError> {
    let result = state.writer.append_all(batches, record).await;
    match &result {
        Ok(Receipt::Stored { accepted, .. }) => tokens.keep(*accepted),
        Err(WriteError::Unknown) => tokens.keep_all(),
        Ok(Receipt::Repeated { .. }) | Err(_) => drop(tokens),
    }
    result.map_err(write_error)
}

fn outcome<O>(
    receipt: Receipt,
    rejected: Vec<RejectedLine>,
    sorted: Sorted,
    outline: O,
) -> Result<Stored<O>, ApiError> {
    match receipt {
        Receipt::Stored { id, accepted } => {
            metrics::lines(Outcome::Accepted, accepted as usize);
            metrics::routed(&sorted);
            Ok(Stored {
                accepted,
                rejected,
                strays: sorted.strays,
                receipt_id: id,
                outline,
            })
        }
        Receipt::Repeated {
            id,
            accepted,
            rejected,
        } => {
            metrics::lines(Outcome::Repeated, accepted as usize);
            Ok(Stored {
                accepted,
                rejected: serde_json::from_value(rejected).map_err(ApiError::internal)?,
                strays: Vec::new(),
                receipt_id: Some(id),
                outline,
            })
        }
    }
}

fn write_error(error: WriteError) -> ApiError {
    let again = |message: &str| ApiError::Busy {
        message: message.to_owned(),
        retry_after_s: body::a_little_later(),
    };
    match error {
        WriteError::Busy => body::busy(),
        WriteError::NotStored => {
            again("the database is away or busy, and nothing was stored; send this request again")
        }
        WriteError::Unknown => again(
            "the connection to the database broke while the lines were being stored: they may be stored or not; send \
             this request again with the same Idempotency-Key (without one, lines may be stored twice)",
        ),
        WriteError::Stopping => {
            again("this process is stopping, and nothing was stored; send this request again")
        }
        WriteError::KeyConflict => ApiError::Conflict(
            "the Idempotency-Key was used before with another body; use a new key for each batch".to_owned(),
        ),
        WriteError::Refused(state) => ApiError::invalid(
            "",
            format!(
                "the database refuses the lines of this request ({state}), and nothing was stored; send its lines in \
                 smaller parts to find which one it is"
            ),
        ),
    }
}

/// What is wrong with refused lines, for protocols whose answer is one text. The first reasons are enough to see it.
pub(crate) fn reasons(rejected: &[RejectedLine]) -> String {
    listed(rejected)
}

/// The same of lines that were accepted and stayed with their key; empty if none did.
pub(crate) fn warnings(strays: &[Stray]) -> String {
    if strays.is_empty() {
        return String::new();
    }
    format!(
        "stored with the API key's own service and environment: {}",
        listed(strays)
    )
}

fn listed(all: &[impl Display]) -> String {
    const LISTED: usize = 5;
    let mut listed: Vec<String> = all.iter().take(LISTED).map(ToString::to_string).collect();
    if all.len() > LISTED {
        listed.push(format!("and {} more", all.len() - LISTED));
    }
    listed.join("; ")
}
