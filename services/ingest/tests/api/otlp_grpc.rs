//! OpenTelemetry's logs over gRPC, as its SDKs and the Collector send them.

use std::net::SocketAddr;
use std::time::Duration;

use domain::api_key::KeyScope;
use futures_util::stream;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use testkit::{Fixture, KeySpec, Proxy, TestDb, eventually};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::otlp::{export, full_line, full_record, with_body};
use crate::routing;
use crate::syslog::free_addr;
use crate::test_app::{Replica, TestApp, described, gzip};

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Requests as bytes, so that they need not be good ones.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ExportLogsServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ExportLogsServiceResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let decoded = ExportLogsServiceResponse::decode(buffer);
        decoded
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

/// What a failure says of the next try (`google.rpc.Status` with `google.rpc.RetryInfo`), read by place: the seconds.
fn retry_after(status: &Status) -> Option<u64> {
    const TYPE: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
    let details = status.details();
    let at = details.windows(TYPE.len()).position(|window| window == TYPE)?;
    // Any.value { RetryInfo.retry_delay { Duration.seconds } }.
    match details[at + TYPE.len()..] {
        [0x12, 4, 0x0A, 2, 0x08, seconds] => Some(seconds.into()),
        _ => panic!("no RetryInfo of seconds: {details:?}"),
    }
}

/// An ingest that takes OTLP over gRPC.
pub(crate) struct Otlp {
    pub(crate) app: TestApp,
    addr: SocketAddr,
}

impl Otlp {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        let url = db.url_for("sightline_ingest");
        Self::on(db, org, &url, settings).await
    }

    async fn on(db: TestDb, org: Fixture, url: &str, settings: &[(&str, &str)]) -> Self {
        let addr = free_addr();
        let text = addr.to_string();
        let all = [&[("--otlp-grpc-addr", text.as_str())], settings].concat();
        let replica = Replica::start(url, &all).await;
        Self {
            app: TestApp { db, org, replica },
            addr,
        }
    }

    async fn connect(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.addr)).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// With the organisation's key.
    pub(crate) async fn send(
        &self,
        encoding: Option<CompressionEncoding>,
        body: Vec<u8>,
    ) -> Result<ExportLogsServiceResponse, Status> {
        let header = ("x-api-key", self.app.org.api_key());
        self.send_with(Some(header), encoding, body).await
    }

    async fn send_with(
        &self,
        header: Option<(&'static str, &str)>,
        encoding: Option<CompressionEncoding>,
        body: Vec<u8>,
    ) -> Result<ExportLogsServiceResponse, Status> {
        let mut client = Grpc::new(self.connect().await);
        if let Some(encoding) = encoding {
            client = client.send_compressed(encoding);
        }
        let mut request = Request::new(body);
        if let Some((name, value)) = header {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        client.ready().await.unwrap();
        let answer = client.unary(request, PathAndQuery::from_static(EXPORT), Raw);
        answer.await.map(Response::into_inner)
    }

    /// Bytes that a client of gRPC would not send. The answer is the code.
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Option<i32>) {
        testkit::install_crypto();
        let client = reqwest::Client::builder()
            .http2_prior_knowledge()
            .build()
            .unwrap();
        let mut request = client
            .post(format!("http://{}{path}", self.addr))
            .header("x-api-key", self.app.org.api_key())
            .header("te", "trailers")
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let code = response.headers().get("grpc-status");
        let code = code.map(|code| code.to_str().unwrap().parse().unwrap());
        (response.status().as_u16(), code)
    }
}

fn bodies(bodies: &[&str]) -> Vec<u8> {
    let records: Vec<LogRecord> = bodies.iter().map(|body| with_body(body)).collect();
    export(records).encode_to_vec()
}

/// With the head of an uncompressed message.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

const GRPC: (&str, &str) = ("content-type", "application/grpc");

#[tokio::test]
async fn records_are_stored_whole_in_every_encoding() {
    let otlp = Otlp::start(&[]).await;
    let body = export(vec![full_record()]).encode_to_vec();
    for encoding in [
        None,
        Some(CompressionEncoding::Gzip),
        Some(CompressionEncoding::Zstd),
    ] {
        let response = otlp.send(encoding, body.clone()).await.unwrap();
        assert_eq!(response, ExportLogsServiceResponse::default());
    }
    assert_eq!(otlp.app.stored().await, vec![full_line(); 3]);
}

#[tokio::test]
async fn refused_records_are_counted_with_the_reasons_and_the_others_stored() {
    let otlp = Otlp::start(&[]).await;
    let response = otlp.send(None, bodies(&["good", " ", "good too"])).await.unwrap();
    let expected = ExportLogsPartialSuccess {
        rejected_log_records: 1,
        error_message: "line 1: message must not be blank".to_owned(),
    };
    assert_eq!(response.partial_success, Some(expected));
    assert_eq!(otlp.app.total().await, 2);
    let status = otlp.send(None, bodies(&[" "])).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "line 0: message must not be blank");
    assert_eq!(otlp.send(None, Vec::new()).await.unwrap().partial_success, None);
}

#[tokio::test]
async fn records_go_to_the_service_that_they_name() {
    let otlp = Otlp::start(&[]).await;
    let (_, raw) = otlp
        .app
        .org
        .insert_key(&otlp.app.db, &routing::with(&routing::CREATE))
        .await;
    let response = otlp
        .send_with(Some(("x-api-key", &raw)), None, bodies(&["a"]))
        .await;
    assert_eq!(response.unwrap(), ExportLogsServiceResponse::default());
    let expected = [("a".to_owned(), "shop/production".to_owned())];
    assert_eq!(routing::places(&otlp.app.db).await, expected.into());
    otlp.app
        .db
        .owner()
        .await
        .execute("DELETE FROM services WHERE name = 'shop'", &[])
        .await
        .unwrap();

    let (_, raw) = otlp
        .app
        .org
        .insert_key(&otlp.app.db, &routing::with(&routing::ROUTE))
        .await;
    let response = otlp
        .send_with(Some(("x-api-key", &raw)), None, bodies(&["b"]))
        .await;
    let partial = response.unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 0);
    let told = &partial.error_message;
    assert!(told.contains("1 line of service \"shop\""), "{told}");
}

#[tokio::test]
async fn only_a_key_that_may_write_opens_the_door() {
    let otlp = Otlp::start(&[]).await;
    let (db, org) = (&otlp.app.db, &otlp.app.org);
    let spec = KeySpec {
        revoked: true,
        ..KeySpec::default()
    };
    let (_, revoked) = org.insert_key(db, &spec).await;
    let spec = KeySpec {
        scopes: KeyScope::ALL
            .into_iter()
            .filter(|scope| *scope != KeyScope::LogsWrite)
            .collect(),
        ..KeySpec::default()
    };
    let (_, reader) = org.insert_key(db, &spec).await;
    let bearer = format!("Bearer {}", org.api_key());
    for (header, expected) in [
        (Some(("authorization", bearer.as_str())), Code::Ok),
        (Some(("x-api-key", org.api_key())), Code::Ok),
        (None, Code::Unauthenticated),
        (Some(("x-api-key", "slk_nothing")), Code::Unauthenticated),
        (Some(("x-api-key", revoked.as_str())), Code::Unauthenticated),
        (Some(("x-api-key", reader.as_str())), Code::PermissionDenied),
    ] {
        let answer = otlp.send_with(header, None, bodies(&["m"])).await;
        let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
        assert_eq!(code, expected, "{header:?}");
    }
    assert_eq!(otlp.app.count("m").await, 2);
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_unpacked() {
    let settings = [
        ("--max-body-bytes", "100000"),
        ("--max-decompressed-bytes", "200000"),
        ("--max-lines-per-request", "1000"),
    ];
    let otlp = Otlp::start(&settings).await;
    let bomb = vec![0; 50_000_000];
    for (encoding, body, part) in [
        (
            Some(CompressionEncoding::Gzip),
            bomb.clone(),
            "after decompression",
        ),
        (Some(CompressionEncoding::Zstd), bomb, "after decompression"),
        (None, vec![0; 100_001], "as sent"),
        // Two bytes each on the wire.
        (
            None,
            export(vec![LogRecord::default(); 1_001]).encode_to_vec(),
            "1000",
        ),
    ] {
        let status = otlp.send(encoding, body).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(part), "{status}");
        assert_eq!(retry_after(&status), None, "it would not help");
    }
    let announced = [&[0, 0xFF, 0xFF, 0xFF, 0xFF][..], b"little"].concat();
    assert_eq!(otlp.post(EXPORT, &[GRPC], announced).await, (200, Some(3)));
    assert_eq!(
        otlp.send(None, bodies(&["m"])).await.unwrap().partial_success,
        None
    );
}

#[tokio::test]
async fn what_is_no_call_of_ours_is_told_so() {
    let otlp = Otlp::start(&[]).await;
    let good = framed(&bodies(&["m"]));
    let traces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    assert_eq!(otlp.post(traces, &[GRPC], good.clone()).await, (200, Some(12)));
    let deflate = [GRPC, ("grpc-encoding", "deflate")];
    assert_eq!(otlp.post(EXPORT, &deflate, good.clone()).await, (200, Some(12)));
    for content_type in ["application/grpc+json", "application/json", "application/grpcweb"] {
        let headers = [("content-type", content_type)];
        assert_eq!(otlp.post(EXPORT, &headers, good.clone()).await, (415, None));
    }
    let two = [good.clone(), good.clone()].concat();
    let not_gzip = [&[1, 0, 0, 0, 1][..], b"x"].concat();
    for (headers, body) in [
        (vec![GRPC], Vec::new()),
        (vec![GRPC], vec![0, 0]),
        (vec![GRPC], two),
        (vec![GRPC], not_gzip.clone()),
        (vec![GRPC, ("grpc-encoding", "gzip")], not_gzip),
        (vec![GRPC], framed(&[0x0A, 200])),
        (vec![GRPC], framed(&gzip(b"protobuf it is not"))),
    ] {
        assert_eq!(
            otlp.post(EXPORT, &headers, body.clone()).await,
            (200, Some(3)),
            "{body:?}"
        );
    }
    assert_eq!(otlp.app.total().await, 0);
    let headers = [("content-type", "application/grpc+proto; x=y")];
    // The code of a success comes in the trailers.
    assert_eq!(otlp.post(EXPORT, &headers, good).await, (200, None));
    assert_eq!(otlp.app.total().await, 1);
}

#[tokio::test]
async fn a_key_beyond_its_limit_is_told_when_to_come_back() {
    let otlp = Otlp::start(&[("--default-rate-limit-per-minute", "3")]).await;
    let three = bodies(&["m"; 3]);
    otlp.send(None, three.clone()).await.unwrap();
    let status = otlp.send(None, three).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert!((1..=60).contains(&retry_after(&status).unwrap()));
    assert_eq!(otlp.app.count("m").await, 3);
}

#[tokio::test]
async fn without_a_database_the_sender_is_told_when_to_come_back() {
    let db = TestDb::create().await;
    let org = Fixture::org(&db).await;
    let (proxy, url) = Proxy::in_front_of(&db.url_for("sightline_ingest")).await;
    let otlp = Otlp::on(db, org, &url, &[]).await;
    otlp.send(None, bodies(&["before"])).await.unwrap();
    proxy.cut();
    eventually(
        Duration::from_secs(10),
        "the failure to show",
        async || match otlp.send(None, bodies(&["during"])).await {
            Err(status) if status.code() == Code::Unavailable => {
                retry_after(&status).map(|_| ()).ok_or("no RetryInfo".to_owned())
            }
            other => Err(described(other)),
        },
    )
    .await;
    proxy.pass();
    eventually(Duration::from_secs(20), "the next success", async || {
        otlp.send(None, bodies(&["after"])).await.map_err(described)
    })
    .await;
    assert_eq!(otlp.app.count("during").await, 0);
}

#[tokio::test]
async fn a_stop_answers_and_stores_the_call_that_was_accepted() {
    let otlp = Otlp::start(&[]).await;
    let channel = otlp.connect().await;
    let with_key = |request: &mut tonic::metadata::MetadataMap| {
        request.insert("x-api-key", otlp.app.org.api_key().parse().unwrap());
    };
    let (release, released) = oneshot::channel::<Vec<u8>>();
    let body = stream::once(async { released.await.unwrap() });
    let mut request = Request::new(Box::pin(body));
    with_key(request.metadata_mut());
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let begun = tokio::spawn(async move {
        client
            .client_streaming(request, PathAndQuery::from_static(EXPORT), Raw)
            .await
            .map(Response::into_inner)
    });
    tokio::task::yield_now().await;
    // A connection is one stream of bytes: once this call is answered, the other one was seen to begin.
    let mut client = Grpc::new(channel);
    let mut request = Request::new(bodies(&["first"]));
    with_key(request.metadata_mut());
    client.ready().await.unwrap();
    client
        .unary(request, PathAndQuery::from_static(EXPORT), Raw)
        .await
        .unwrap();

    let stopping = tokio::spawn(otlp.app.replica.running.stop());
    eventually(
        Duration::from_secs(10),
        "the door to close",
        async || match TcpStream::connect(otlp.addr).await {
            Ok(_) => Err("open"),
            Err(_) => Ok(()),
        },
    )
    .await;
    release.send(bodies(&["second"])).unwrap();
    assert_eq!(
        begun.await.unwrap().unwrap(),
        ExportLogsServiceResponse::default()
    );
    tokio::time::timeout(Duration::from_secs(20), stopping)
        .await
        .expect("it stops")
        .unwrap()
        .unwrap();
    let stored = testkit::stored::messages(&otlp.app.db).await;
    assert_eq!(stored, [("first".to_owned(), 1), ("second".to_owned(), 1)]);
}
