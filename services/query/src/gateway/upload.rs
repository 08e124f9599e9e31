//! The body of a forwarded request, passed on as it comes and never held whole.

use std::time::Duration;

use actix_web::web::{self, Bytes};
use futures_util::{StreamExt as _, stream};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use service_kit::ApiError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Pieces of a body that wait for a slow owner.
const PIECES_IN_FLIGHT: usize = 4;

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    NoBody,
    Known(u64),
    /// Sent in chunks.
    Unknown,
}

impl Length {
    /// Frames the forwarded body the same way.
    pub(super) fn describe(self, headers: &mut HeaderMap) {
        match self {
            Self::NoBody => {}
            Self::Known(length) => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            Self::Unknown => {
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
    }
}

/// Why a body was not sent to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    TooLong,
    CallerBrokeOff,
    OwnerIsSlow,
}

/// Reads how long the body will be. Our HTTP server has refused requests that contradict themselves.
pub(super) fn declared_length(
    headers: &actix_web::http::header::HeaderMap,
    max_bytes: u64,
) -> Result<Length, ApiError> {
    if headers.contains_key(actix_web::http::header::TRANSFER_ENCODING) {
        return Ok(Length::Unknown);
    }
    let declared = headers
        .get(actix_web::http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match declared {
        None => Ok(Length::NoBody),
        Some(length) if length > max_bytes => Err(too_long(max_bytes)),
        Some(length) => Ok(Length::Known(length)),
    }
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

pub(super) fn too_long(max_bytes: u64) -> ApiError {
    ApiError::PayloadTooLarge(format!(
        "the body is longer than {max_bytes} bytes; send it in smaller parts"
    ))
}

/// The body to send, and a word on why it was not sent to its end, should that happen; the receiver errs once it was
/// sent. Neither end may pause for longer than `patience`.
pub(super) fn stream(
    payload: web::Payload,
    length: Length,
    max_bytes: u64,
    patience: Duration,
) -> (Option<reqwest::Body>, oneshot::Receiver<Stopped>) {
    let (told, stopped) = oneshot::channel();
    if length == Length::NoBody {
        return (None, stopped);
    }
    let (pieces, received) = mpsc::channel(PIECES_IN_FLIGHT);
    actix_web::rt::spawn(async move {
        let sender = Sender {
            pieces,
            max_bytes,
            patience,
        };
        if let Err(why) = sender.pump(payload).await {
            // Told before the body is cut off, so that the reason is known before its effect.
            let _ = told.send(why);
            let cut = std::io::Error::other("the body was cut off");
            let _ = timeout(sender.patience, sender.pieces.send(Err(cut))).await;
        }
    });
    let body = stream::unfold(received, |mut received| async move {
        received.recv().await.map(|piece| (piece, received))
    });
    (Some(reqwest::Body::wrap_stream(body)), stopped)
}

/// Moves the pieces of a body from the worker that receives them to the connection that sends them.
struct Sender {
    pieces: mpsc::Sender<std::io::Result<Bytes>>,
    max_bytes: u64,
    patience: Duration,
}

impl Sender {
    async fn pump(&self, mut payload: web::Payload) -> Result<(), Stopped> {
        let mut sent = 0;
        loop {
            let piece = match timeout(self.patience, payload.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(_))) | Err(_) => return Err(Stopped::CallerBrokeOff),
            };
            sent += piece.len() as u64;
            if sent > self.max_bytes {
                return Err(Stopped::TooLong);
            }
            match timeout(self.patience, self.pieces.send(Ok(piece))).await {
                Ok(Ok(())) => {}
                // The owner answered without reading on; its answer is what counts.
                Ok(Err(_)) => return Ok(()),
                Err(_) => return Err(Stopped::OwnerIsSlow),
            }
        }
    }
}
