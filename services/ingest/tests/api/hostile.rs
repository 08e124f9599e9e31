//! Hostile input: no answer is ever a 5xx, every valid neighbour is stored, every invalid line is named.

use serde_json::{Value, json};
use testkit::Reply;
use testkit::corpus::Dice;

use crate::test_app::{TestApp, gzip, send, zstd};

const JSON: (&str, &str) = ("content-type", "application/json");

/// The text of a line, and the field under which it is refused; `None` if it is stored.
fn corpus() -> Vec<(String, Option<&'static str>)> {
    let with = |field: &str, value: &str| format!("{{\"message\":\"m\",\"{field}\":{value}}}");
    let meta = |value: &str| with("meta", value);
    let text = |text: &str| json!({ "message": text }).to_string();
    let nested = |depth: usize| meta(&format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)));
    let mut corpus = vec![
        // Numbers.
        (meta("{\"a\":1e131071}"), Some("")),
        (meta("{\"a\":1e400}"), Some("")),
        (meta("{\"a\":-1e400}"), Some("")),
        (meta("{\"a\":1e308}"), None),
        (meta("{\"a\":1e-400}"), None),
        (meta("{\"a\":-0}"), None),
        (meta("{\"a\":-0.0}"), None),
        (meta("{\"a\":9007199254740993}"), None),
        (meta("{\"a\":18446744073709551616}"), None),
        (meta("{\"a\":NaN}"), Some("")),
        (meta("{\"a\":Infinity}"), Some("")),
        (meta("{\"a\":01}"), Some("")),
        (meta("{\"a\":.5}"), Some("")),
        // Depth.
        (nested(20), None),
        (nested(40), Some("meta")),
        (nested(127), Some("")),
        (nested(10_000), Some("")),
        (
            format!(
                "{{\"message\":{}}}",
                "{\"a\":".repeat(500) + "1" + &"}".repeat(500)
            ),
            Some(""),
        ),
        // Texts.
        ("{\"message\":\"a\\u0000b\"}".into(), None),
        (meta("{\"k\\u0000\":\"\\u0000\"}"), None),
        ("{\"message\":\"\\ud800\"}".into(), Some("")),
        ("{\"message\":\"\\udc00\\ud800\"}".into(), Some("")),
        ("{\"message\":\"\\ud83d\\ude00\"}".into(), None),
        ("{\"message\":\"a\\x41\"}".into(), Some("")),
        ("{\"message\":\"raw\tcontrol\"}".into(), Some("")),
        (
            text("\u{202e}right to left\u{200b}zero width\u{2028}separator"),
            None,
        ),
        (text("\u{1b}[31mred\u{1b}[0m \r\n forged line"), None),
        (text("<script>alert(1)</script>"), None),
        (text("'; DROP TABLE logs; --"), None),
        (text("\\N\t\\."), None),
        (text(&"x".repeat(1024 * 1024)), None),
        (text(&"x".repeat(1024 * 1024 + 1)), Some("message")),
        (text("   \n\t "), Some("message")),
        (text(""), Some("message")),
        // Shapes.
        ("null".into(), Some("")),
        ("true".into(), Some("")),
        ("[]".into(), Some("")),
        ("{}".into(), Some("message")),
        ("\"text\"".into(), Some("")),
        ("{\"message\":null}".into(), Some("message")),
        ("{\"message\":[\"a\"]}".into(), Some("message")),
        ("{\"message\":\"first\",\"message\":\"last\"}".into(), None),
        ("{\"message\":\"m\",}".into(), Some("")),
        ("{\"message\":\"m\" \"level\":\"info\"}".into(), Some("")),
        ("{'message':'m'}".into(), Some("")),
        ("{\"message\":\"m\"/* comment */}".into(), Some("")),
        (meta("[]"), Some("meta")),
        (meta("\"a\""), Some("meta")),
        (
            meta(&format!("{{\"a\":\"{}\"}}", "x".repeat(300_000))),
            Some("meta"),
        ),
        (
            meta(&format!(
                "{{{}\"z\":1}}",
                (0..5000).fold(String::new(), |all, n| all + &format!("\"k{n}\":{n},"))
            )),
            None,
        ),
        (with(&"k".repeat(100_000), "1"), None),
        (with("trace_id", "{}"), Some("trace_id")),
        (
            with("trace_id", &format!("\"{}\"", "t".repeat(257))),
            Some("trace_id"),
        ),
        (with("request_id", "[]"), Some("request_id")),
        (with("level", "\"loud\""), Some("level")),
        (with("level", "3"), Some("level")),
        (
            with("level", &format!("\"{}\"", "e".repeat(100_000))),
            Some("level"),
        ),
        (with("org_id", "\"00000000-0000-0000-0000-000000000000\""), None),
    ];
    corpus.extend(timestamps().map(|(value, stored)| {
        (
            with("timestamp", value),
            if stored { None } else { Some("timestamp") },
        )
    }));
    corpus
}

fn timestamps() -> impl Iterator<Item = (&'static str, bool)> {
    [
        ("\"0000-01-01T00:00:00Z\"", false),
        ("\"0001-01-01T00:00:00Z\"", false),
        ("\"1969-12-31T23:59:59Z\"", false),
        ("\"9999-12-31T23:59:59Z\"", false),
        ("\"10000-01-01T00:00:00Z\"", false),
        ("\"-2026-01-01T00:00:00Z\"", false),
        ("\"2016-12-31T23:59:60Z\"", false),
        ("\"2026-13-01T00:00:00Z\"", false),
        ("\"2026-02-30T00:00:00Z\"", false),
        ("\"2026-01-01T00:00:00\"", false),
        ("\"2026-01-01\"", false),
        ("\"now\"", false),
        ("\"\"", false),
        ("null", true),
        ("true", false),
        ("{}", false),
        ("0", false),
        ("-1", false),
        ("1e300", false),
        ("9223372036854775807", false),
        ("-9223372036854775808", false),
        ("18446744073709551615", false),
        ("253402300800", false),
    ]
    .into_iter()
}

/// Indexes with fields, as the answer names them: in `rejected`, or in the details of an error.
fn named(reply: &Reply) -> Vec<(usize, String)> {
    if reply.is_success() {
        let rejected = reply.data()["rejected"].clone();
        let name = |line: &Value| {
            (
                line["index"].as_u64().unwrap() as usize,
                line["field"].as_str().unwrap().to_owned(),
            )
        };
        return rejected.as_array().unwrap().iter().map(name).collect();
    }
    let details = reply.body["error"]["details"].as_array().unwrap();
    let name = |detail: &Value| {
        let (index, field) = detail["path"].as_str()?.strip_prefix("logs[")?.split_once(']')?;
        Some((index.parse().ok()?, field.trim_start_matches('.').to_owned()))
    };
    details.iter().filter_map(name).collect()
}

/// Every hostile line in an array, between neighbours that are fine.
#[tokio::test]
async fn every_valid_neighbour_is_stored_and_every_invalid_line_is_named() {
    let app = TestApp::start().await;
    let sender = app.sender();
    for (place, (line, refused)) in corpus().into_iter().enumerate() {
        let neighbour = |n: usize| format!("{{\"message\":\"neighbour {place}/{n}\"}}");
        let position = place % 3;
        let mut lines = vec![neighbour(0), neighbour(1)];
        lines.insert(position, line.clone());
        let shown: String = line.chars().take(80).collect();

        let reply = send(&sender, &[JSON], format!("{{\"logs\":[{}]}}", lines.join(","))).await;
        assert_eq!(reply.status, 200, "{shown}: {}", reply.body);
        let expected: Vec<(usize, String)> = refused
            .map(|field| (position, field.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(named(&reply), expected, "{shown}");
        assert_eq!(reply.data()["accepted"], 3 - expected.len(), "{shown}");
    }
    let stored = app.messages().await;
    let neighbours = stored
        .iter()
        .filter(|(message, _)| message.starts_with("neighbour"));
    assert_eq!(neighbours.clone().count(), 2 * corpus().len());
    assert!(neighbours.into_iter().all(|(_, count)| *count == 1));
}

/// The same lines all together, one a line of text, and each alone.
#[tokio::test]
async fn the_same_holds_for_lines_of_text_and_for_lines_alone() {
    let app = TestApp::start().await;
    let sender = app.sender();
    // A raw newline ends a line of text, so what contains one is another case there.
    let corpus: Vec<_> = corpus()
        .into_iter()
        .filter(|(line, _)| !line.contains('\n'))
        .collect();
    let lines: Vec<&str> = corpus.iter().map(|(line, _)| line.as_str()).collect();
    let body = lines.join(
        "
",
    );
    let reply = send(&sender, &[("content-type", "application/x-ndjson")], body).await;
    let expected: Vec<(usize, String)> = corpus
        .iter()
        .enumerate()
        .filter_map(|(index, (_, refused))| Some((index, (*refused)?.to_owned())))
        .collect();
    assert_eq!(named(&reply), expected);
    assert_eq!(reply.data()["accepted"], corpus.len() - expected.len());
    assert_eq!(app.total().await, (corpus.len() - expected.len()) as i64);

    for (line, refused) in corpus.iter().filter(|(line, _)| line.starts_with('{')) {
        let reply = send(&sender, &[JSON], line.clone()).await;
        let shown: String = line.chars().take(80).collect();
        match refused {
            None => assert_eq!(reply.status, 200, "{shown}: {}", reply.body),
            Some(field) => {
                assert_eq!(reply.status, 400, "{shown}: {}", reply.body);
                // Alone, what never ends is no request at all.
                if !named(&reply).is_empty() {
                    assert_eq!(named(&reply), [(0, (*field).to_owned())], "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn times_near_the_ends_of_what_is_kept_are_judged_by_the_servers_clock() {
    let app = TestApp::start().await;
    let owner = app.db.owner().await;
    for (offset, stored) in [
        ("9 minutes", true),
        ("11 minutes", false),
        ("10 years", false),
        ("-29 days", true),
        ("-31 days", false),
    ] {
        let sql = format!(
            "SELECT to_char((now() + interval '{offset}') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                    to_char((now() + interval '{offset}') AT TIME ZONE 'UTC' + interval '14 hours',
                        'YYYY-MM-DD\"T\"HH24:MI:SS\"+14:00\"'),
                    extract(epoch FROM now() + interval '{offset}')::bigint::text"
        );
        let row = owner.query_one(&sql, &[]).await.unwrap();
        let writings: [String; 3] = [row.get(0), row.get(1), row.get(2)];
        let values = [
            json!(writings[0]),
            json!(writings[1]),
            json!(writings[2].parse::<i64>().unwrap()),
            json!(writings[2].parse::<i64>().unwrap() * 1000),
            json!(writings[2].parse::<i64>().unwrap() * 1_000_000_000),
        ];
        for value in values {
            let reply = app
                .sender()
                .post(
                    crate::test_app::INGEST,
                    json!({"message": offset, "timestamp": value}),
                )
                .await;
            assert_eq!(reply.is_success(), stored, "{offset} as {value}: {}", reply.body);
        }
    }
    assert_eq!(
        app.messages().await,
        [("-29 days".to_owned(), 5), ("9 minutes".to_owned(), 5)]
    );
}

#[tokio::test]
async fn bytes_that_are_no_utf8_cost_nothing_but_themselves() {
    let app = TestApp::start().await;
    let body =
        b"[{\"message\":\"a\xFFb\"},{\"message\":\"\xC0\xAF overlong\"},{\"message\":\"fine\"}]".to_vec();
    let reply = send(&app.sender(), &[JSON], body).await;
    assert_eq!(reply.data()["accepted"], 3);
    assert_eq!(app.count("a\u{FFFD}b").await, 1);
    assert_eq!(app.count("fine").await, 1);
}

#[tokio::test]
async fn nul_is_replaced_wherever_it_stands() {
    let app = TestApp::start().await;
    let body = r#"{"message":"a\u0000b","trace_id":"\u0000","request_id":"r\u0000","meta":{"k\u0000":["\u0000"]},"x\u0000":1}"#;
    assert_eq!(send(&app.sender(), &[JSON], body).await.data()["accepted"], 1);
    let sql = "SELECT message, trace_id, request_id, meta_json FROM logs";
    let row = app.db.owner().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>("message"), "a\u{FFFD}b");
    assert_eq!(row.get::<_, &str>("trace_id"), "\u{FFFD}");
    assert_eq!(row.get::<_, &str>("request_id"), "r\u{FFFD}");
    assert_eq!(
        row.get::<_, Value>("meta_json"),
        json!({"k\u{FFFD}": ["\u{FFFD}"], "x\u{FFFD}": 1})
    );
}

/// Bodies that are damaged as a whole: cut, compressed wrongly, or random.
#[tokio::test]
async fn no_body_makes_the_service_fail() {
    let app = TestApp::start().await;
    let sender = app.sender();
    let good = br#"{"logs":[{"message":"a"},{"message":"b"}]}"#;
    let mut bodies: Vec<(Option<&str>, Vec<u8>)> = Vec::new();
    for cut in 0..good.len() {
        bodies.push((None, good[..cut].to_vec()));
    }
    for (name, packed) in [("gzip", gzip(good)), ("zstd", zstd(good))] {
        for cut in (0..packed.len()).step_by(3) {
            bodies.push((Some(name), packed[..cut].to_vec()));
        }
        bodies.push((Some(name), good.to_vec()));
        bodies.push((Some(name), [packed.clone(), b"rubbish behind".to_vec()].concat()));
        bodies.push((Some(name), gzip(&zstd(&packed))));
    }
    let mut dice = Dice(7);
    for _ in 0..150 {
        let length = dice.below(200) as usize;
        let alphabet = b"{}[]\",:\\u0message logs\n\t 1e-\xFF";
        bodies.push((None, (0..length).map(|_| *dice.pick(alphabet)).collect()));
    }
    for (encoding, body) in bodies {
        for content_type in ["application/json", "application/x-ndjson"] {
            let mut headers = vec![("content-type", content_type)];
            headers.extend(encoding.map(|encoding| ("content-encoding", encoding)));
            let reply = send(&sender, &headers, body.clone()).await;
            assert!(
                matches!(reply.status, 200 | 400),
                "{} for {:?} as {encoding:?}: {}",
                reply.status,
                String::from_utf8_lossy(&body),
                reply.body
            );
        }
    }
}

#[tokio::test]
async fn no_value_of_a_header_makes_the_service_fail() {
    let app = TestApp::start().await;
    let body = br#"{"message":"a"}"#.to_vec();
    for (name, value) in [
        ("content-type", ";;;="),
        ("content-type", "application/json;charset"),
        ("content-type", ""),
        ("content-encoding", ","),
        ("content-encoding", ""),
        ("idempotency-key", ""),
        ("idempotency-key", "\u{e4}"),
        ("x-request-id", "a b\tc"),
        ("traceparent", "00-zz"),
        ("expect", "100-continue"),
    ] {
        let reply = send(&app.sender(), &[(name, value)], body.clone()).await;
        assert!(
            reply.status < 500,
            "{name}: {value:?}: {} {}",
            reply.status,
            reply.body
        );
    }
}
