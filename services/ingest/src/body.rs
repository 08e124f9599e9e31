//! Receiving a body: within its share of the process's memory, its size and its time.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut};
use domain::ids::OrgId;
use futures_util::Stream;
use logstore::budget::{Budget, Reservation};
use rand::RngExt as _;
use service_kit::ApiError;
use tokio::time::Instant;

/// The whole body must be here by then: a sender that drips holds memory and a connection.
const DEADLINE: Duration = Duration::from_secs(10);
/// A body that is slower than this on average is cut off before the deadline.
const MIN_BYTES_PER_SECOND: f64 = 1024.0;
/// How long a body may take before its rate is looked at.
const GRACE: Duration = Duration::from_secs(2);
/// What a body of unknown length takes at first, and at a time.
const STEP: usize = 64 * 1024;

/// A body in memory, with what it takes of the process's share. Dropping it gives that back.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) held: Reservation,
}

/// Room for a body that has not been read yet.
pub(crate) struct Admission {
    held: Reservation,
    max_bytes: usize,
}

impl Admission {
    /// Decides by the declared length, before anything is read: 413 if it is too long, 503 if there is no room now.
    pub(crate) fn of(
        req: &HttpRequest,
        org_id: OrgId,
        inflight: &Budget,
        max_bytes: usize,
    ) -> Result<Self, ApiError> {
        let declared = req
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        Self::of_length(declared, org_id, inflight, max_bytes)
    }

    /// The same for a body whose length is declared elsewhere, or nowhere.
    pub(crate) fn of_length(
        declared: Option<usize>,
        org_id: OrgId,
        inflight: &Budget,
        max_bytes: usize,
    ) -> Result<Self, ApiError> {
        if declared.is_some_and(|length| length > max_bytes) {
            return Err(too_long(max_bytes));
        }
        let held = inflight
            .reserve(org_id, declared.unwrap_or(STEP))
            .ok_or_else(busy)?;
        Ok(Self { held, max_bytes })
    }

    /// Reads the body.
    pub(crate) async fn read<E: Display>(
        mut self,
        mut payload: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Body, ApiError> {
        let started = Instant::now();
        let mut body = BytesMut::with_capacity(self.held.amount());
        loop {
            let until = next_chunk_by(started, body.len());
            let next = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx));
            let Ok(next) = tokio::time::timeout_at(until, next).await else {
                return Err(too_slow());
            };
            let Some(chunk) = next else { break };
            let chunk = chunk.map_err(|error| broken_off(&error))?;
            let length = body.len() + chunk.len();
            if length > self.max_bytes {
                return Err(too_long(self.max_bytes));
            }
            if length > self.held.amount() {
                let more = (length - self.held.amount()).max(STEP);
                if !self.held.grow(more) {
                    return Err(busy());
                }
                body.reserve(self.held.amount() - body.len());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body {
            bytes: body.freeze(),
            held: self.held,
        })
    }
}

/// When a body of which so much is here must have brought more: the earlier of the deadline and the minimum rate.
fn next_chunk_by(started: Instant, received: usize) -> Instant {
    let at_min_rate = Duration::from_secs_f64(received as f64 / MIN_BYTES_PER_SECOND);
    started + (GRACE + at_min_rate).min(DEADLINE)
}

/// The process's share is used up, by this sender or by all.
pub(crate) fn busy() -> ApiError {
    ApiError::Busy {
        message:
            "too many log lines are being received at this moment; send this request again a little later"
                .to_owned(),
        retry_after_s: a_little_later(),
    }
}

/// Seconds for `Retry-After`: a crowd that was refused together should not come back together.
pub(crate) fn a_little_later() -> u64 {
    rand::rng().random_range(1..=3)
}

fn too_long(max_bytes: usize) -> ApiError {
    ApiError::PayloadTooLarge(format!(
        "the body is longer than {max_bytes} bytes as sent; send fewer lines a request, or compress it"
    ))
}

fn too_slow() -> ApiError {
    let seconds = DEADLINE.as_secs();
    ApiError::invalid(
        "",
        format!(
            "the body did not arrive within {seconds} s, or came slower than {MIN_BYTES_PER_SECOND} bytes a second; \
             send smaller requests"
        ),
    )
}

fn broken_off(error: &impl Display) -> ApiError {
    ApiError::invalid("", format!("the body broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_chunk_is_due_by_the_rate_and_at_last_by_the_deadline() {
        let started = Instant::now();
        assert_eq!(next_chunk_by(started, 0) - started, GRACE);
        assert_eq!(next_chunk_by(started, 3 * 1024) - started, Duration::from_secs(5));
        assert_eq!(next_chunk_by(started, 1024 * 1024) - started, DEADLINE);
    }
}
