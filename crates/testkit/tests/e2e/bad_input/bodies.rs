//! Bodies that cannot be read at all.

use std::io::Read as _;
use std::time::Duration;

use reqwest::Method;
use testkit::{Client, Fixture, Reply, Service, Stack, eventually};

use crate::company::INGEST;
use crate::load::compress;

/// What the bombs unpack to: beyond every limit.
const BOMB_BYTES: usize = 100_000_000;

struct Case {
    what: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    /// Status, code and a part of the message or of the first detail.
    expected: (u16, &'static str, &'static str),
}

const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");
const ZSTD: (&str, &str) = ("content-encoding", "zstd");

fn cases() -> Vec<Case> {
    let invalid = |message| (400, "VALIDATION_ERROR", message);
    let too_large = |message| (413, "PAYLOAD_TOO_LARGE", message);
    let unsupported = |message| (415, "UNSUPPORTED_MEDIA_TYPE", message);
    let line = br#"{"message":"m"}"#.to_vec();
    let case = |what, headers, body: Vec<u8>, expected| Case {
        what,
        headers,
        body,
        expected,
    };
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    vec![
        case(
            "nothing",
            &[JSON],
            vec![],
            invalid("the body is empty; send {\"logs\":"),
        ),
        case(
            "no lines",
            &[JSON],
            b"{\"logs\":[]}".to_vec(),
            invalid("there are no log lines in it; send"),
        ),
        case(
            "malformed",
            &[JSON],
            b"{\"logs\":[{\"message\":\"m\"}".to_vec(),
            invalid("is not valid JSON"),
        ),
        case(
            "a text",
            &[JSON],
            b"\"hello\"".to_vec(),
            invalid("is not valid JSON"),
        ),
        case("NUL bytes", &[JSON], vec![0; 64], invalid("is not valid JSON")),
        case(
            "no array",
            &[JSON],
            b"{\"logs\":7}".to_vec(),
            invalid("must be an array of log lines"),
        ),
        case(
            "two objects",
            &[JSON],
            b"{\"message\":\"a\"} {}".to_vec(),
            invalid("application/x-ndjson"),
        ),
        case(
            "deep",
            &[JSON],
            b"[".repeat(1_000_000),
            invalid("is not valid JSON"),
        ),
        case(
            "another type",
            &[("content-type", "text/plain")],
            line.clone(),
            unsupported("Content-Type:"),
        ),
        case(
            "another charset",
            &[("content-type", "application/json; charset=utf-16")],
            line.clone(),
            unsupported("send UTF-8"),
        ),
        case(
            "another encoding",
            &[JSON, ("content-encoding", "br")],
            line.clone(),
            unsupported("gzip, zstd"),
        ),
        case(
            "two encodings",
            &[JSON, ("content-encoding", "gzip, gzip")],
            line.clone(),
            unsupported("just one"),
        ),
        case(
            "no gzip",
            &[JSON, GZIP],
            line.clone(),
            invalid("complete and valid gzip"),
        ),
        case(
            "half a gzip",
            &[JSON, GZIP],
            cut(compress(&line)),
            invalid("complete and valid gzip"),
        ),
        case(
            "no zstd",
            &[JSON, ZSTD],
            line.clone(),
            invalid("complete and valid zstd"),
        ),
        case(
            "too long",
            &[JSON],
            vec![b' '; 10 * 1024 * 1024 + 1],
            too_large("send fewer lines a request"),
        ),
        case(
            "a gzip bomb",
            &[JSON, GZIP],
            compress(&vec![b' '; BOMB_BYTES]),
            too_large("67108864 bytes"),
        ),
        case(
            "a zstd bomb",
            &[JSON, ZSTD],
            zstd_bomb(),
            too_large("67108864 bytes"),
        ),
        case(
            "too many lines",
            &[JSON],
            many_lines(50_001),
            too_large("more than 50000 lines; send fewer"),
        ),
        case(
            "an unprintable key",
            &[JSON, ("idempotency-key", "")],
            line,
            invalid("must be sent once, with 1 to 200 printable ASCII characters"),
        ),
    ]
}

fn zstd_bomb() -> Vec<u8> {
    zstd::encode_all(std::io::repeat(b' ').take(BOMB_BYTES as u64), 1).unwrap()
}

fn many_lines(count: usize) -> Vec<u8> {
    let line = r#"{"message":"m"}"#;
    format!("[{}]", vec![line; count].join(",")).into_bytes()
}

async fn send(application: &Client, case: &Case) -> Reply {
    let mut request = application.request(Method::POST, INGEST).body(case.body.clone());
    for (name, value) in case.headers {
        request = request.header(*name, *value);
    }
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_whole_and_the_message_says_what_to_send() {
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let application = stack.client(Service::Ingest).with_api_key(org.api_key());
    for case in cases() {
        let reply = send(&application, &case).await;
        let (status, code, message) = case.expected;
        let error = &reply.body["error"];
        assert_eq!(
            (reply.status, &error["code"]),
            (status, &code.into()),
            "{}: {}",
            case.what,
            reply.body
        );
        assert!(
            error.to_string().contains(&message.replace('"', "\\\"")),
            "{}: {error}",
            case.what
        );
    }
    assert_eq!(testkit::stored::lines(&stack.db).await, []);
}

#[tokio::test]
async fn thirty_bombs_at_once_do_not_swell_ingest_and_it_goes_on_serving() {
    const MAX_RSS_MIB: u64 = 512;
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let ingest = stack.process(Service::Ingest, 0);
    let application = ingest.client().with_api_key(org.api_key());
    let bomb = compress(&vec![b' '; BOMB_BYTES]);
    let bombs = (0..30).map(|_| {
        let request = application
            .request(Method::POST, INGEST)
            .header(JSON.0, JSON.1)
            .header(GZIP.0, GZIP.1)
            .body(bomb.clone());
        async move { request.send().await.unwrap() }
    });
    for response in futures_util::future::join_all(bombs).await {
        let reply = Reply::read(response).await.unwrap();
        assert!(
            [413, 503].contains(&reply.status),
            "{}: {}",
            reply.status,
            reply.body
        );
        assert!(reply.status != 503 || !reply.header("retry-after").is_empty());
    }
    let peak = peak_memory_mib(ingest.pid());
    assert!(peak < MAX_RSS_MIB, "ingest grew to {peak} MiB");
    eventually(Duration::from_secs(5), "ingest to take lines again", async || {
        let reply = application
            .post(INGEST, serde_json::json!({"message": "after"}))
            .await;
        if reply.status == 200 {
            Ok(())
        } else {
            Err(reply.body)
        }
    })
    .await;
}

/// The most memory that a process ever held.
fn peak_memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
