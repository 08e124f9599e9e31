//! Lines that cannot be stored, between lines that can.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Fixture, Reply, Service, Stack};

use crate::company::INGEST;

/// A bad line as it stands in the body, with the field that is named and a part of the reason.
struct Bad {
    line: Vec<u8>,
    field: &'static str,
    reason: &'static str,
}

fn bad(line: impl Into<Vec<u8>>, field: &'static str, reason: &'static str) -> Bad {
    Bad {
        line: line.into(),
        field,
        reason,
    }
}

fn bad_lines() -> Vec<Bad> {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let very_deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let rfc3339 = "must be RFC 3339, such as";
    let future = "is more than 10 minutes in the future; check the sender's clock";
    let ancient = "is older than the 30 days that this service keeps";
    let level = "a level is one of trace, debug, info, warn, error, fatal";
    vec![
        bad(r#"{"message": "cut of"#, "", "is not valid JSON"),
        bad("not JSON at all", "", "is not valid JSON"),
        bad(r#"["message"]"#, "", "must be a JSON object such as"),
        bad(
            r#"{"level":"info"}"#,
            "message",
            "is missing; send the text of the line",
        ),
        bad(r#"{"message":"  \t "}"#, "message", "must not be blank"),
        bad(
            r#"{"message":{"a":1}}"#,
            "message",
            "put structured data into meta",
        ),
        bad(
            format!(r#"{{"message":"{}"}}"#, "x".repeat(6_000_000)),
            "message",
            "has 6000000 bytes; at most 1048576 are taken, split it",
        ),
        bad(r#"{"message":"m","level":"loud"}"#, "level", level),
        bad(r#"{"message":"m","level":3}"#, "level", level),
        bad(r#"{"message":"m","timestamp":"yesterday"}"#, "timestamp", rfc3339),
        bad(
            r#"{"message":"m","timestamp":"10000-01-01T00:00:00Z"}"#,
            "timestamp",
            rfc3339,
        ),
        bad(
            r#"{"message":"m","timestamp":"9999-12-31T23:59:59Z"}"#,
            "timestamp",
            future,
        ),
        bad(
            r#"{"message":"m","timestamp":"2001-01-31T12:00:00Z"}"#,
            "timestamp",
            ancient,
        ),
        bad(
            r#"{"message":"m","timestamp":"0000-01-01T00:00:00+23:59"}"#,
            "timestamp",
            ancient,
        ),
        bad(
            r#"{"message":"m","timestamp":1e300}"#,
            "timestamp",
            "as a number must be seconds",
        ),
        bad(
            r#"{"message":"m","timestamp":true}"#,
            "timestamp",
            "must be an RFC 3339 text or a number",
        ),
        bad(r#"{"message":"m","meta":[1]}"#, "meta", "must be a JSON object"),
        bad(
            format!(r#"{{"message":"m","meta":{{"a":{deep}}}}}"#),
            "meta",
            "nests deeper than 32 levels",
        ),
        bad(
            format!(r#"{{"message":"m","meta":{{"a":{very_deep}}}}}"#),
            "",
            "is not valid JSON",
        ),
        bad(
            format!(r#"{{"message":"m","meta":{{"a":"{}"}}}}"#, "x".repeat(300_000)),
            "meta",
            "has more than 262144 bytes; send less or put it into the message",
        ),
        bad(r#"{"message":"m","trace_id":{}}"#, "trace_id", "must be a text"),
        bad(
            format!(r#"{{"message":"m","request_id":"{}"}}"#, "r".repeat(257)),
            "request_id",
            "must be at most 256 bytes",
        ),
    ]
}

async fn send(application: &Client, content_type: &str, body: Vec<u8>) -> Reply {
    let request = application
        .request(Method::POST, INGEST)
        .header("content-type", content_type)
        .body(body);
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

async fn messages(stack: &Stack) -> Vec<String> {
    let lines = testkit::stored::lines(&stack.db).await;
    lines.into_iter().map(|line| line.message).collect()
}

#[tokio::test]
async fn a_bad_line_is_named_by_index_field_and_remedy_and_its_neighbours_are_stored() {
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let application = stack.client(Service::Ingest).with_api_key(org.api_key());
    let bad_lines = bad_lines();
    let mut body = Vec::new();
    let good = |number: usize| format!("{{\"message\":\"good {number}\"}}\n");
    for (number, bad) in bad_lines.iter().enumerate() {
        body.extend(good(number).bytes());
        body.extend_from_slice(&bad.line);
        body.push(b'\n');
    }
    let reply = send(&application, "application/x-ndjson", body).await;
    let data = reply.assert_status(200).data();
    assert_eq!(data["accepted"], bad_lines.len());
    let rejected = data["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), bad_lines.len(), "{rejected:#?}");
    for (number, (bad, found)) in bad_lines.iter().zip(rejected).enumerate() {
        let shown = String::from_utf8_lossy(&bad.line[..bad.line.len().min(80)]).into_owned();
        assert_eq!(
            (&found["index"], &found["field"]),
            (&json!(2 * number + 1), &json!(bad.field)),
            "{shown}"
        );
        let reason = found["reason"].as_str().unwrap();
        assert!(reason.contains(bad.reason), "{shown}: {reason}");
    }
    let expected: Vec<String> = (0..bad_lines.len())
        .map(|number| format!("good {number}"))
        .collect();
    assert_eq!(messages(&stack).await, expected);
}

#[tokio::test]
async fn a_request_of_bad_lines_alone_is_a_400_that_names_each() {
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let application = stack.client(Service::Ingest).with_api_key(org.api_key());
    for bad in bad_lines() {
        let body = [br#"{"logs":["#, bad.line.as_slice(), b"]}"].concat();
        let reply = send(&application, "application/json", body).await;
        let shown = String::from_utf8_lossy(&bad.line[..bad.line.len().min(80)]).into_owned();
        let error = &reply.assert_error(400, "VALIDATION_ERROR", "").body["error"];
        // A body that is not JSON as a whole is refused as a whole.
        if serde_json::from_slice::<Value>(&bad.line).is_ok() {
            let path = if bad.field.is_empty() {
                "logs[0]".into()
            } else {
                format!("logs[0].{}", bad.field)
            };
            assert_eq!(error["details"][0]["path"], path, "{shown}: {error}");
            let reason = error["details"][0]["message"].as_str().unwrap();
            assert!(reason.contains(bad.reason), "{shown}: {reason}");
        }
    }
    assert!(messages(&stack).await.is_empty());
}

#[tokio::test]
async fn nul_and_invalid_utf8_are_replaced_and_the_line_is_kept() {
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let application = stack.client(Service::Ingest).with_api_key(org.api_key());
    let body = [
        br#"{"message":"nul \u0000 here","meta":{"k\u0000":"\u0000"},"trace_id":"t\u0000"}"#.as_slice(),
        b"{\"message\":\"latin \xE4 here\"}",
        br#"{"message":"\u001b[31mred\u001b[0m \u202e <script>"}"#,
    ]
    .join(&b'\n');
    let reply = send(&application, "application/x-ndjson", body).await;
    assert_eq!(
        reply.assert_status(200).data(),
        json!({"accepted": 3, "rejected": []})
    );
    let expected = [
        "nul \u{FFFD} here",
        "latin \u{FFFD} here",
        "\u{1b}[31mred\u{1b}[0m \u{202e} <script>",
    ];
    assert_eq!(messages(&stack).await, expected);
}
