use domain::role::Role;
use serde_json::{Value, json};
use testkit::{Delivery, WorkflowRun};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::app::{Hook, TestApp};

/// Any bytes with a good signature.
fn raw(hook: &Hook, event: &'static str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    Delivery {
        id: uuid::Uuid::new_v4().to_string(),
        event,
        signature: Some(hook.github.signature(&body)),
        body,
    }
}

#[tokio::test]
async fn what_is_not_one_json_object_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{} {}",
        b"{\"action\":1e999}",
        b"{\"action\":\"\\ud800\"}",
        b"{\"action\":\"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        b"{\"action\":NaN}",
        b"payload=%7B%7D",
    ];
    for body in bodies {
        let reply = hook.send(&app, &raw(&hook, "workflow_run", body)).await;
        reply.assert_error(400, "VALIDATION_ERROR", "the body is");
    }
    app.assert_nothing_stored().await;
}

#[tokio::test]
async fn strange_but_valid_bodies_are_recorded_and_break_nothing() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"*": "production"})).await;
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let members: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let many = format!("{{{}}}", members.join(","));
    let bodies = [
        deep,
        many,
        "{}".into(),
        "{\"repository\":{\"full_name\":\"acme/shop\"},\"workflow_run\":[[1]]}".into(),
        "{\"repository\":\"acme/shop\",\"workflow_run\":null}".into(),
        "{\"repository\":{\"full_name\":\"acme/shop\",\"id\":1},\"workflow_run\":{\"id\":1e300}}".into(),
        format!("{{\"repository\":{{\"full_name\":\"{}\"}}}}", "x".repeat(1_000_000)),
        "{\"\\u0000\":\"\\u0000\",\"action\":\"\\u0000\",\"repository\":{\"full_name\":\"\\u0000acme/shop\"}}".into(),
    ];
    for event in [
        "workflow_run",
        "deployment",
        "deployment_status",
        "ping",
        "__proto__",
    ] {
        for body in &bodies {
            let (status, _) = hook.told(&app, &raw(&hook, event, body.clone())).await;
            assert!(status == "ignored" || event == "ping", "{event}: {status}");
        }
    }
    assert_eq!(app.count("deployments").await, 0);
    let longest = app
        .column("SELECT max(octet_length(payload::text))::text FROM webhook_deliveries")
        .await;
    assert!(longest[0].parse::<usize>().unwrap() < 5_000, "{longest:?}");
    app.member(Role::Viewer)
        .get("/api/webhooks/deliveries")
        .await
        .assert_status(200);
}

#[tokio::test]
async fn hostile_texts_are_stored_clean_and_short() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({"*": "production"})).await;
    let mut run = WorkflowRun::completed(1, "failure");
    run.commit_message = format!(
        "\0<script>alert(1)</script>\r\n\u{1b}[31m{}",
        "\u{1f4a3}".repeat(50_000)
    );
    run.branch = format!("{}\n\0", "b".repeat(10_000));
    run.name = "\u{202e}evil\u{0}".into();
    let mut payload: Value = serde_json::from_slice(&hook.github.workflow_run(&run).body).unwrap();
    payload["workflow_run"]["html_url"] = json!("javascript:alert(1)");
    payload["workflow_run"]["triggering_actor"]["login"] = json!({"$ne": 1});
    payload["workflow_run"]["run_attempt"] = json!(u64::MAX);
    assert_eq!(
        hook.told(&app, &hook.github.sign("workflow_run", &payload))
            .await
            .0,
        "applied"
    );
    let stored = app.deployment().await;
    let text = |field: &str| stored[field].as_str().unwrap_or_default().to_owned();
    assert!(text("commit_message").starts_with("<script>alert(1)</script>\n[31m\u{1f4a3}"));
    assert_eq!(text("commit_message").chars().count(), 2_000);
    assert_eq!(text("ref"), "b".repeat(255));
    assert_eq!(text("actor"), "octocat");
    assert_eq!(stored["url"], Value::Null);
    assert_eq!(stored["attempt"], i32::MAX);
    assert!(!stored.to_string().contains("\\u0000"));
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let app = TestApp::start_with(|config| config.max_body_bytes = 10_000).await;
    let hook = app.connect(json!({})).await;
    let padded = |length: usize| format!("{{\"pad\":\"{}\"}}", "x".repeat(length - 10));
    hook.told(&app, &raw(&hook, "push", padded(10_000))).await;
    let reply = hook.send(&app, &raw(&hook, "push", padded(10_001))).await;
    reply.assert_error(413, "PAYLOAD_TOO_LARGE", "longer than 10000 bytes");
    assert_eq!(app.count("webhook_deliveries").await, 1);
}

#[tokio::test]
async fn a_body_of_githubs_greatest_length_is_accepted() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let mut payload: Value = serde_json::from_slice(
        &hook
            .github
            .workflow_run(&WorkflowRun::completed(1, "failure"))
            .body,
    )
    .unwrap();
    payload["pad"] = json!("x".repeat(24 * 1024 * 1024));
    assert_eq!(
        hook.told(&app, &hook.github.sign("workflow_run", &payload))
            .await
            .0,
        "applied"
    );
}

#[tokio::test]
async fn bodies_past_the_memory_of_the_process_are_put_off() {
    let app = TestApp::start_with(|config| config.max_inflight_bytes = 1_000).await;
    let hook = app.connect(json!({})).await;
    let long = raw(&hook, "push", format!("{{\"pad\":\"{}\"}}", "x".repeat(2_000)));
    let reply = hook.send(&app, &long).await;
    reply.assert_error(503, "UNAVAILABLE", "try again in 2 s");
    assert_eq!(reply.header("retry-after"), "2");
    // What was held for it is free again.
    let short = raw(&hook, "push", format!("{{\"pad\":\"{}\"}}", "x".repeat(900)));
    for _ in 0..3 {
        hook.told(&app, &raw(&hook, "push", short.body.clone())).await;
    }
}

#[tokio::test]
async fn a_sender_that_breaks_off_or_announces_more_than_it_sends_does_no_harm() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = hook.github.ping();
    let addr = app.anyone.base().strip_prefix("http://").unwrap().to_owned();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-github-event: ping\r\n\
         x-github-delivery: cut\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\n\r\n",
        hook.path,
        delivery.signature.clone().unwrap(),
        delivery.body.len() + 100,
    );
    let mut socket = tokio::net::TcpStream::connect(&addr).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&delivery.body).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    // The server may answer 400 or just close; it must not accept.
    let _ = socket.read_to_string(&mut answer).await;
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    app.assert_nothing_stored().await;
    hook.told(&app, &delivery).await;
}

#[tokio::test]
async fn a_body_that_drips_in_is_cut_off_and_holds_nobody_up() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = hook.github.ping();
    let addr = app.anyone.base().strip_prefix("http://").unwrap().to_owned();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nx-github-event: ping\r\nx-github-delivery: slow\r\n\
         x-hub-signature-256: {}\r\ncontent-length: 1000000\r\n\r\n{{",
        hook.path,
        delivery.signature.clone().unwrap(),
    );
    let mut slow = tokio::net::TcpStream::connect(&addr).await.unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    hook.told(&app, &delivery).await;
    let mut answer = [0; 12];
    let cut_off = slow.read_exact(&mut answer);
    tokio::time::timeout(std::time::Duration::from_secs(15), cut_off)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, *b"HTTP/1.1 400");
    assert_eq!(app.count("webhook_deliveries").await, 1);
}
