//! What passes the gateway, in both directions.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::test_app::TestApp;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn each_path_reaches_its_owner_and_only_that() {
    let app = TestApp::start().await;
    let client = app.anyone();
    for (path, owner) in [
        ("/api/auth/login", "identity"),
        ("/api/me", "identity"),
        ("/api/services/1/keys", "identity"),
        ("/api/services/1/github", "webhook"),
        ("/api/alerts", "alerting"),
        ("/api/incidents/1", "alerting"),
        ("/api/v1/webhooks/github/1", "webhook"),
        ("/api/v1/deployments", "webhook"),
        ("/api/v1/logs/ingest", "ingest"),
    ] {
        assert_eq!(client.get(path).await.assert_status(200).data(), owner, "{path}");
    }
    let seen = [&app.identity, &app.ingest, &app.alerting, &app.webhook].map(|part| part.seen().len());
    assert_eq!(seen, [3, 1, 2, 3]);
}

#[tokio::test]
async fn method_path_query_headers_and_body_arrive_as_sent() {
    let app = TestApp::start().await;
    let client = app
        .anyone()
        .with_cookie("sls_x")
        .with_bearer("slp_x")
        .with_header("x-custom", "grüße");
    let reply = client
        .call(
            Method::PATCH,
            "/api/services/a%20b?x=1&y=%2F%3F&z",
            Some(json!({"name": "web"})),
        )
        .await;
    reply.assert_status(200);
    assert_eq!(reply.body["bytes"], 14);
    let seen = app.identity.only();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PATCH", "/api/services/a%20b?x=1&y=%2F%3F&z")
    );
    assert_eq!(seen.header("x-custom"), "grüße");
    assert_eq!(seen.header("cookie"), "sightline_session=sls_x");
    assert_eq!(seen.header("authorization"), "Bearer slp_x");
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("content-length"), "14");
    assert!(!seen.has("transfer-encoding"));
    assert_eq!(
        format!("http://{}", seen.header("host")),
        app.base,
        "compared with Origin"
    );
    assert_eq!(seen.header("origin"), app.base);
}

#[tokio::test]
async fn the_correlation_id_and_the_trace_go_through_and_come_back() {
    let app = TestApp::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let client = app
        .anyone()
        .with_header("x-request-id", "req-1")
        .with_header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
    let reply = client.get("/api/me").await;
    assert_eq!(reply.header("x-request-id"), "req-1");
    let seen = app.identity.only();
    assert_eq!(seen.header("x-request-id"), "req-1");
    assert!(
        seen.header("traceparent").starts_with(&format!("00-{trace}-")),
        "{seen:?}"
    );
    assert_ne!(
        seen.header("traceparent"),
        format!("00-{trace}-b7ad6b7169203331-01")
    );

    let made = app.anyone().get("/api/audit").await;
    let id = made.header("x-request-id");
    assert_eq!(id.len(), 36);
    assert_eq!(app.identity.seen()[1].header("x-request-id"), id);
}

#[tokio::test]
async fn the_answers_headers_pass_and_those_of_its_connection_do_not() {
    let app = TestApp::start().await;
    let reply = app
        .anyone()
        .with_header("x-request-id", "mine")
        .get("/api/auth/cookies")
        .await;
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(
        cookies,
        ["sightline_session=abc; Path=/; HttpOnly; SameSite=Lax", "other=1"]
    );
    assert_eq!(reply.header("etag"), "\"v1\"");
    assert_eq!(reply.headers.get_all("x-request-id").iter().count(), 1);
    assert_eq!(reply.header("x-request-id"), "mine");
    assert!(!reply.headers.contains_key("connection"));
    assert!(reply.headers.contains_key("content-length"));
}

#[tokio::test]
async fn redirects_empty_answers_and_heads_pass_unchanged() {
    let app = TestApp::start().await;
    let reply = app.anyone().get("/api/auth/redirect").await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, "http://127.0.0.1:1/elsewhere")
    );
    let reply = app.anyone().delete("/api/keys/empty").await;
    assert_eq!((reply.status, reply.body), (204, json!(null)));
    let get = app.anyone().get("/api/me").await;
    let head = app.anyone().call(Method::HEAD, "/api/me", None).await;
    assert_eq!((head.status, &head.body), (200, &json!(null)));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn a_body_is_passed_on_while_it_is_being_sent() {
    let app = TestApp::start().await;
    let (pieces, received) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = stream::unfold(received, |mut received| async move {
        received.recv().await.map(|piece| (piece, received))
    });
    let request = app
        .anyone()
        .request(Method::POST, "/api/v1/logs/ingest")
        .body(reqwest::Body::wrap_stream(body))
        .send();
    let request = tokio::spawn(request);
    let mut total = 0;
    for _ in 0..20 {
        pieces.send(Ok(vec![b'x'; 100_000])).await.unwrap();
        total += 100_000;
        // The next piece is not sent before this one has arrived: nobody can be waiting for the whole.
        app.ingest.received(total).await;
    }
    drop(pieces);
    let reply = testkit::Reply::read(request.await.unwrap().unwrap())
        .await
        .unwrap();
    assert_eq!(reply.assert_status(200).body["bytes"], 2_000_000);
    let seen = app.ingest.only();
    assert_eq!(seen.header("transfer-encoding"), "chunked");
    assert!(!seen.has("content-length"));
}

#[tokio::test]
async fn an_answer_is_passed_on_while_it_is_being_made() {
    let app = TestApp::start().await;
    let response = app
        .anyone()
        .request(Method::GET, "/api/notifications/stream")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut pieces = response.bytes_stream();
    for number in 0..5 {
        app.alerting.step();
        let piece = timeout(SOON, pieces.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(piece, format!("data: {number}\n\n"));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_as_whole() {
    let app = TestApp::start().await;
    let response = app
        .anyone()
        .request(Method::GET, "/api/me/broken")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    app.identity.step();
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn an_owner_may_refuse_a_body_before_it_was_sent() {
    let app = TestApp::start().await;
    let reply = app
        .anyone()
        .post_bytes("/api/v1/logs/ingest/early", "application/json", vec![b' '; 100])
        .await;
    reply.assert_status(413);
    assert_eq!(reply.body["error"]["code"], "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_body_past_the_cap_is_refused_declared_or_not() {
    let app = TestApp::start_with(&[("--forward-max-bytes", "100000")]).await;
    let declared = app
        .anyone()
        .post_bytes("/api/v1/logs/ingest", "application/json", vec![b' '; 100_001])
        .await;
    declared.assert_error(413, "PAYLOAD_TOO_LARGE", "100000 bytes");
    assert_eq!(
        app.ingest.seen().len(),
        0,
        "refused before anything was forwarded"
    );

    let pieces = stream::iter((0..50).map(|_| Ok::<_, std::io::Error>(vec![b' '; 10_000])));
    let chunked = app
        .anyone()
        .post_bytes(
            "/api/v1/logs/ingest",
            "application/json",
            reqwest::Body::wrap_stream(pieces),
        )
        .await;
    chunked.assert_error(413, "PAYLOAD_TOO_LARGE", "100000 bytes");

    let allowed = app
        .anyone()
        .post_bytes("/api/v1/logs/ingest", "application/json", vec![b' '; 100_000])
        .await;
    assert_eq!(allowed.assert_status(200).body["bytes"], 100_000);
}

#[tokio::test]
async fn a_stranger_cannot_speak_for_a_proxy_and_a_trusted_proxy_can() {
    let stranger = TestApp::start_with(&[("--trusted-proxies", "10.0.0.0/8")]).await;
    let trusted = TestApp::start().await;
    for app in [&stranger, &trusted] {
        app.anyone()
            .with_header("x-forwarded-for", "198.51.100.1")
            .with_header("x-forwarded-proto", "https")
            .with_header("x-internal-secret", "internal-secret-of-the-tests")
            .with_header("forwarded", "for=198.51.100.1")
            .get("/api/me")
            .await
            .assert_status(200);
    }
    let seen = stranger.identity.only();
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "http");
    assert!(!seen.has("forwarded") && !seen.has("x-internal-secret"));
    let seen = trusted.identity.only();
    assert_eq!(seen.header("x-forwarded-for"), "198.51.100.1, 127.0.0.1");
    assert_eq!(seen.header("x-forwarded-proto"), "https");
    assert!(seen.has("forwarded") && !seen.has("x-internal-secret"));
}

#[tokio::test]
async fn headers_that_the_connection_names_do_not_pass() {
    let app = TestApp::start().await;
    let answer = app.raw("GET /api/me HTTP/1.1\nHost: logs.example\nConnection: close, X-Hop, Host, X-Forwarded-For\nX-Hop: 1\n\
         Keep-Alive: 5\nTE: trailers\nUpgrade: websocket\nX-Kept: 1\n\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = app.identity.only();
    for name in ["x-hop", "keep-alive", "te", "upgrade", "connection"] {
        assert!(!seen.has(name), "{name} in {seen:?}");
    }
    assert_eq!(seen.header("x-kept"), "1");
    assert_eq!(seen.header("host"), "logs.example");
    assert_eq!(seen.header("x-forwarded-for"), "127.0.0.1");
}

#[tokio::test]
async fn a_request_that_could_be_read_in_two_ways_is_refused() {
    let app = TestApp::start().await;
    let smuggled = "GET /api/v1/internal/x HTTP/1.1\nHost: a\n\n";
    for framing in [
        "Content-Length: 5\nTransfer-Encoding: chunked",
        "Content-Length: 5\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 5, 6",
        "Transfer-Encoding: chunked\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: gzip, chunked",
        "Host: b\nContent-Length: 0",
        "X-A: 1\n Content-Length: 5",
    ] {
        let request =
            format!("POST /api/me HTTP/1.1\nHost: a\nConnection: close\n{framing}\n\n0\n\n{smuggled}");
        let answer = app.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{framing}: {answer}");
        assert_eq!(app.identity.seen().len(), 0, "{framing}");
    }
}

#[tokio::test]
async fn a_second_request_on_one_connection_is_its_own() {
    let app = TestApp::start().await;
    let answer = app
        .raw(
            "POST /api/me HTTP/1.1\nHost: a\nContent-Length: 5\n\nhelloGET /api/alerts HTTP/1.1\nHost: a\n\
         Connection: close\n\n",
        )
        .await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(app.identity.only().header("content-length"), "5");
    assert_eq!(app.alerting.only().target, "/api/alerts");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_passed_as_whole() {
    let app = TestApp::start().await;
    let beginnings = [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];
    for (number, beginning) in beginnings.into_iter().enumerate() {
        let addr = app.base.trim_start_matches("http://");
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!("POST /api/v1/logs/ingest HTTP/1.1\r\nHost: a\r\n{beginning}");
        stream.write_all(request.as_bytes()).await.unwrap();
        app.ingest.received(5 * (number + 1)).await;
        drop(stream);
        app.ingest.broken(number + 1).await;
    }
    let reply = app
        .anyone()
        .post_bytes("/api/v1/logs/ingest", "text/plain", "ok")
        .await;
    assert_eq!(reply.assert_status(200).body["bytes"], 2);
}
