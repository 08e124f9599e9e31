//! OTLP over gRPC, on a port of its own: `opentelemetry.proto.collector.logs.v1.LogsService/Export`.
//!
//! Only the transport is tonic's. A call is a body in HTTP/2 with five bytes before its message, and goes the way of every
//! other body: tonic would take memory for a length that is only announced, decompress on the event loop, and decode all
//! records, before anybody had asked whose they are.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::ResponseError as _;
use actix_web::web::Bytes;
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use http_body_util::{BodyDataStream, BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use service_kit::{ApiError, Kit, access};
use tonic::body::Body;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response};
use tonic::codegen::{Service, http};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Status};
use tracing::Instrument as _;

use crate::app::State;
use crate::encoding::Encoding;
use crate::intake;
use crate::keys::IngestKey;
use crate::metrics;
use crate::protocols::otlp::{Export, Writing};
use crate::routes::otlp;

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC: &str = "application/grpc";

/// Calls at a time on one connection.
const MAX_STREAMS: u32 = 100;
const MAX_HEADERS_BYTES: u32 = 16 * 1024;
/// A connection whose other end is gone is noticed by a question that nobody answers.
const ASK: Duration = Duration::from_mins(1);
const ANSWER: Duration = Duration::from_secs(20);
/// Senders keep one connection for ever; they are asked for a new one, which may lead to another replica.
const MAX_AGE: Duration = Duration::from_mins(10);
const MAX_AGE_GRACE: Duration = Duration::from_mins(1);

/// Opens the port. On a stop, running calls have `patience` to end.
pub(crate) fn start(
    addr: SocketAddr,
    patience: Duration,
    kit: &Kit,
    state: &Arc<State>,
) -> anyhow::Result<()> {
    let incoming = TcpIncoming::bind(addr)
        .context("OTLP_GRPC_ADDR")?
        .with_nodelay(Some(true));
    let addr = incoming.local_addr()?;
    tracing::info!(%addr, "OTLP over gRPC is taken at {addr}");
    let server = Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_header_list_size(MAX_HEADERS_BYTES)
        .http2_keepalive_interval(Some(ASK))
        .http2_keepalive_timeout(Some(ANSWER))
        .max_connection_age(MAX_AGE)
        .max_connection_age_grace(MAX_AGE_GRACE);
    let logs = Logs {
        kit: kit.clone(),
        state: Arc::clone(state),
    };
    let stopping = kit.stopping.clone();
    let serving = server.serve_with_incoming_shutdown(logs, incoming, stopping.clone().cancelled_owned());
    kit.servers.spawn(async move {
        let too_late = async {
            stopping.cancelled().await;
            tokio::time::sleep(patience).await;
        };
        tokio::select! {
            served = serving => {
                if let Err(error) = served {
                    tracing::error!(error = db::causes::chain(&error), "OTLP over gRPC ended: {error}");
                }
            }
            () = too_late => tracing::warn!("connections of OTLP over gRPC were cut off"),
        }
    });
    Ok(())
}

/// The one service behind the port.
#[derive(Clone)]
struct Logs {
    kit: Kit,
    state: Arc<State>,
}

impl Service<Request<Body>> for Logs {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let logs = self.clone();
        let span = tracing::info_span!("request", org_id = tracing::field::Empty);
        Box::pin(async move { Ok(logs.answer(request).await) }.instrument(span))
    }
}

impl Logs {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if !is_grpc(request.headers()) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        if request.uri().path() != EXPORT {
            return Status::unimplemented(format!("the only method here is {EXPORT}")).into_http();
        }
        let started = Instant::now();
        let result = self.export(request).await;
        let code = result.as_ref().map_or_else(code_of, |_| Code::Ok);
        let duration_ms = started.elapsed().as_millis() as u64;
        tracing::info!(
            route = EXPORT,
            code = code as i32,
            duration_ms,
            "{EXPORT} {code:?}"
        );
        match result {
            Ok(response) => success(&response),
            Err(error) => {
                metrics::refused(&error);
                error.log();
                failure(&error).into_http()
            }
        }
    }

    async fn export(&self, request: Request<Body>) -> Result<ExportLogsServiceResponse, ApiError> {
        let (head, body) = request.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let raw = access::raw_api_key_among(header)?;
        let key = IngestKey::look_up(&self.state, &raw).await?;
        tracing::Span::current().record("org_id", tracing::field::display(key.0.scope.org_id));
        let encoding = encoding_of(header("grpc-encoding"))?;
        let stored = intake::store_streamed(
            &key,
            BodyDataStream::new(body),
            PREFIX,
            &self.kit,
            &self.state,
            |body| message_of(&body, encoding),
            |body, max_lines| Export::of(body, Writing::Protobuf, max_lines),
        )
        .await?;
        otlp::require_some(&stored)?;
        Ok(otlp::response_of(&stored))
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.strip_prefix(GRPC))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(';') || rest.starts_with("+proto"))
}

/// What messages that are marked as compressed are compressed with.
fn encoding_of(name: Option<&str>) -> Result<Encoding, ApiError> {
    match name {
        None | Some("identity") => Ok(Encoding::Identity),
        Some("gzip") => Ok(Encoding::Gzip),
        Some("zstd") => Ok(Encoding::Zstd),
        Some(_) => Err(ApiError::UnsupportedMediaType(
            "grpc-encoding must be gzip, zstd, or identity".to_owned(),
        )),
    }
}

/// What stands before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The one message of a call.
fn message_of(body: &Bytes, encoding: Encoding) -> Result<(Bytes, Encoding), ApiError> {
    let broken = |what: &str| ApiError::invalid("", format!("the call is not one message of gRPC: {what}"));
    let Some((&[compressed, a, b, c, d], message)) = body.split_first_chunk::<PREFIX>() else {
        return Err(broken("it is shorter than the head of one"));
    };
    if u32::from_be_bytes([a, b, c, d]) as usize != message.len() {
        return Err(broken("it is longer or shorter than its head says"));
    }
    let encoding = match compressed {
        0 => Encoding::Identity,
        1 if encoding != Encoding::Identity => encoding,
        1 => return Err(broken("it is compressed, and grpc-encoding does not say how")),
        _ => return Err(broken("its first byte must be 0 or 1")),
    };
    Ok((body.slice(PREFIX..), encoding))
}

fn success(response: &ExportLogsServiceResponse) -> Response<Body> {
    let length = response.encoded_len();
    let mut message = Vec::with_capacity(PREFIX + length);
    message.push(0);
    message.extend_from_slice(&(length as u32).to_be_bytes());
    message.extend_from_slice(&response.encode_to_vec());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(message)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(Body::new(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    response
}

fn code_of(error: &ApiError) -> Code {
    Code::from_i32(otlp::grpc_code(error.status_code()))
}

/// A sender tries again only if it is told when (OTLP 1.x, "OTLP/gRPC Throttling").
fn failure(error: &ApiError) -> Status {
    const MAX_CHARS: usize = 1_000;
    let code = code_of(error);
    // It travels as a header, and senders take only so many bytes of those.
    let message: String = error.to_string().chars().take(MAX_CHARS).collect();
    let mut status = match error.retry_after_s() {
        Some(seconds) => {
            let details = RpcStatus::with_retry(code, &message, seconds).encode_to_vec();
            Status::with_details(code, message, details.into())
        }
        None => Status::new(code, message),
    };
    if code == Code::Unimplemented {
        let known = tonic::metadata::MetadataValue::from_static("gzip,zstd,identity");
        status.metadata_mut().insert("grpc-accept-encoding", known);
    }
    status
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`, in whole seconds.
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

impl RpcStatus {
    fn with_retry(code: Code, message: &str, seconds: u64) -> Self {
        let retry_delay = Some(Delay {
            seconds: seconds as i64,
        });
        Self {
            code: code as i32,
            message: message.to_owned(),
            details: vec![Any {
                type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
                value: RetryInfo { retry_delay }.encode_to_vec(),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &[u8], encoding: Encoding) -> Result<(Vec<u8>, Encoding), String> {
        message_of(&Bytes::copy_from_slice(body), encoding)
            .map(|(message, encoding)| (message.to_vec(), encoding))
            .map_err(|error| error.to_string())
    }

    #[rstest::rstest]
    #[case(&[0, 0, 0, 0, 0], Encoding::Gzip, b"", Encoding::Identity)]
    #[case(&[0, 0, 0, 0, 2, b'a', b'b'], Encoding::Identity, b"ab", Encoding::Identity)]
    #[case(&[1, 0, 0, 0, 1, b'a'], Encoding::Zstd, b"a", Encoding::Zstd)]
    fn a_message_is_what_its_head_says(
        #[case] body: &[u8],
        #[case] named: Encoding,
        #[case] expected: &[u8],
        #[case] encoding: Encoding,
    ) {
        assert_eq!(message(body, named), Ok((expected.to_vec(), encoding)));
    }

    #[rstest::rstest]
    #[case(&[], "shorter")]
    #[case(&[0, 0, 0, 0], "shorter")]
    #[case(&[0, 0xFF, 0xFF, 0xFF, 0xFF, b'a'], "longer or shorter")]
    #[case(&[0, 0, 0, 0, 1, b'a', 0, 0, 0, 0, 1, b'a'], "longer or shorter")]
    #[case(&[1, 0, 0, 0, 1, b'a'], "grpc-encoding")]
    #[case(&[2, 0, 0, 0, 1, b'a'], "0 or 1")]
    fn what_is_not_one_message_is_refused(#[case] body: &[u8], #[case] part: &str) {
        let error = message(body, Encoding::Identity).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
