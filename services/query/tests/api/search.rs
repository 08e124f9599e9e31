//! `GET /api/logs/query`.

use std::collections::HashSet;

use domain::level::Level;
use serde_json::json;
use testkit::{Client, Fixture};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::test_app::{TestApp, messages, now, rfc3339};

async fn found(client: &Client, query: &str) -> Vec<String> {
    let reply = client.get(&format!("/api/logs/query?{query}")).await;
    messages(&reply.data()).into_iter().map(str::to_owned).collect()
}

/// An organisation with two services and a few lines.
async fn shop(app: &TestApp) -> (Fixture, Client) {
    let (org, viewer) = app.org().await;
    let (service_id, [production, _]) = org.insert_service(&app.db, "billing").await;
    let mut billing = org.scope();
    billing.service_id = service_id;
    billing.environment_id = production;
    let mut staging = org.scope();
    staging.environment_id = org.staging;
    let ago = |minutes| now() - Duration::minutes(minutes);
    app.store(
        org.scope(),
        &[
            (ago(50), Level::Info, "GET /cart?id=42 took 12 ms"),
            (ago(40), Level::Error, "Connection TIMEOUT after 30s"),
            (ago(3 * 24 * 60), Level::Fatal, "three days ago"),
        ],
    )
    .await;
    app.store(staging, &[(ago(30), Level::Warn, "Überlauf im Puffer")])
        .await;
    app.store(billing, &[(ago(20), Level::Error, "card 42 declined")])
        .await;
    (org, viewer)
}

#[tokio::test]
async fn lines_are_found_by_everything_that_the_api_offers() {
    let app = TestApp::start().await;
    let (org, viewer) = shop(&app).await;
    let (cart, timeout, overflow, card) = (
        "GET /cart?id=42 took 12 ms",
        "Connection TIMEOUT after 30s",
        "Überlauf im Puffer",
        "card 42 declined",
    );
    let (old, mid) = (
        rfc3339(now() - Duration::minutes(45)),
        rfc3339(now() - Duration::minutes(25)),
    );
    for (query, expected) in [
        (String::new(), vec![card, overflow, timeout, cart]),
        ("q=42".into(), vec![card, cart]),
        ("q=timeout".into(), vec![timeout]),
        ("q=time".into(), vec![]),
        ("q=CART%2042".into(), vec![cart]),
        ("q=%C3%9CBERLAUF".into(), vec![overflow]),
        ("level=error".into(), vec![card, timeout]),
        ("level=warn,INFO".into(), vec![overflow, cart]),
        ("q=42&level=error".into(), vec![card]),
        ("q=42+level:error".into(), vec![card]),
        ("q=42+OR+timeout".into(), vec![card, timeout, cart]),
        ("q=service:billing".into(), vec![card]),
        ("q=-service:billing+level:>=warn".into(), vec![overflow, timeout]),
        (
            "q=has:trace_id&order=oldest".into(),
            vec![cart, timeout, overflow, card],
        ),
        ("order=oldest&limit=2".into(), vec![cart, timeout]),
        ("service=billing".into(), vec![card]),
        ("environment=staging".into(), vec![overflow]),
        (
            format!("service_id={}&environment_id={}", org.service_id, org.production),
            vec![timeout, cart],
        ),
        (
            "service=default&environment=production&level=info".into(),
            vec![cart],
        ),
        (format!("from={old}&to={mid}"), vec![overflow, timeout]),
        ("from=-35m".into(), vec![card, overflow]),
        ("from=-35m&to=-25m".into(), vec![overflow]),
        ("from=-4d&level=fatal".into(), vec!["three days ago"]),
        ("from=-4d&limit=1".into(), vec![card]),
        (
            "q=&level=&service=&from=".into(),
            vec![card, overflow, timeout, cart],
        ),
    ] {
        assert_eq!(found(&viewer, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn an_answer_has_everything_about_a_line() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let at = now();
    app.store(org.scope(), &[(at, Level::Warn, "slow")]).await;
    let reply = viewer.get("/api/logs/query").await;
    let line = &reply.body["data"][0];
    assert_eq!(line["id"].as_str().unwrap().len(), 43);
    let mut line = line.clone();
    line["id"] = json!("1");
    assert_eq!(
        line,
        json!({
            "id": "1", "timestamp": rfc3339(at), "level": "warn", "message": "slow", "meta": {"host": "a1"},
            "trace_id": "trace", "request_id": null, "service_id": org.service_id, "service": "default",
            "environment_id": org.production, "environment": "production"
        })
    );
    assert_eq!(reply.next_cursor(), None);
    let mut stats = reply.body["stats"].clone();
    assert!(stats["elapsed_ms"].is_u64());
    stats["elapsed_ms"] = json!(0);
    let watermark = stats.as_object_mut().unwrap().remove("watermark").unwrap();
    let watermark = OffsetDateTime::parse(watermark.as_str().unwrap(), &Rfc3339).unwrap();
    assert!(watermark > at, "the line was stored before it");
    assert_eq!(
        stats,
        json!({
            "rows_scanned": 1, "blocks_read": 0, "blocks_pruned": 0, "bytes_read": 0, "elapsed_ms": 0,
            "partial": false, "partial_reason": null
        })
    );
}

#[tokio::test]
async fn a_trace_or_a_request_is_found_by_its_id() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    app.store(org.scope(), &[(now(), Level::Warn, "slow")]).await;
    assert_eq!(found(&viewer, "trace_id=trace").await, ["slow"]);
    assert_eq!(
        found(&viewer, "trace_id=trace&q=slow&request_id=").await,
        ["slow"]
    );
    for nothing in ["trace_id=trac", "request_id=trace", "trace_id=trace&q=fast"] {
        assert!(found(&viewer, nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn names_of_nothing_are_not_found() {
    let app = TestApp::start().await;
    let (_org, viewer) = shop(&app).await;
    for (query, what) in [
        ("service=nothing", "service not found"),
        ("service=BILLING", "service not found"),
        ("service=billing&environment=nothing", "environment not found"),
        (
            "service_id=00000000-0000-0000-0000-000000000000",
            "service not found",
        ),
    ] {
        viewer
            .get(&format!("/api/logs/query?{query}"))
            .await
            .assert_error(404, "NOT_FOUND", what);
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let app = TestApp::start().await;
    let (_org, viewer) = app.org().await;
    let many_words = (0..65).map(|n| n.to_string()).collect::<Vec<_>>().join("+");
    let long = "x".repeat(4_097);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=%00%FF", "cursor"),
        ("cursor=MS4xLng", "cursor"),
        (
            "cursor=MS45OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x",
            "cursor",
        ),
        ("from=yesterday", "from"),
        ("from=now&to=-1h", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("level=loud", "level"),
        ("service_id=1", "service_id"),
        ("environment_id=x", "environment_id"),
        ("q=(a", "q"),
        ("q=%22open", "q"),
        ("q=level:loud", "q"),
        ("q=a|stats+count()", "q"),
        ("order=sideways", "order"),
        (&format!("q={many_words}"), "q"),
        (&format!("q={long}"), "q"),
        ("querry=x", "querry"),
    ] {
        let reply = viewer.get(&format!("/api/logs/query?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            reply.body["error"]["details"][0]["path"], field,
            "{query}: {}",
            reply.body
        );
    }
}

#[tokio::test]
async fn hostile_text_is_searched_for_or_refused_but_never_breaks_anything() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    app.store(
        org.scope(),
        &[(now(), Level::Info, "日本 naïve 'quoted' 100% a_b \u{1}x")],
    )
    .await;
    for text in [
        "日本",
        "naïve",
        "'; DROP TABLE logs; --",
        "100%",
        "%a%a%a%",
        "a_b",
        "(((((a+)+)+)+)+)$",
        "\u{0}x",
        "\u{202E}\u{FEFF}x\u{1B}[31m",
        "\\x00 {} ${jndi:ldap://x}",
        "🦀🦀🦀 x",
        &"x ".repeat(64),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let reply = viewer.get(&format!("/api/logs/query?q={query}")).await;
        if reply.status != 200 {
            reply.assert_error(400, "VALIDATION_ERROR", "q is no query: column ");
        }
    }
    assert_eq!(found(&viewer, "q=%E6%97%A5%E6%9C%AC").await.len(), 1);
    assert_eq!(found(&viewer, "q=a_b+100%25").await.len(), 1);
    assert_eq!(
        found(&viewer, "q=%ff%fe100").await.len(),
        1,
        "bytes that are no text part words"
    );

    let request = format!(
        "GET /api/logs/query?q={} HTTP/1.1\nHost: a\n\n",
        "x".repeat(1_048_576)
    );
    let answer = app.raw(&request).await;
    // Refused, or the connection was closed before the whole of it was sent.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(found(&viewer, "q=100").await.len(), 1);
}

#[tokio::test]
async fn five_thousand_lines_are_paged_through_exactly_once_while_more_arrive() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let texts: Vec<String> = (0..5_000).map(|number| format!("line {number}")).collect();
    // Many share a moment, so that the id must break ties.
    let lines: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            (
                now() - Duration::seconds(number as i64 / 50),
                Level::Info,
                text.as_str(),
            )
        })
        .collect();
    app.store(org.scope(), &lines).await;
    for query in ["q=line", "level=info"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let reply = viewer
                .get(&format!("/api/logs/query?limit=173&{query}{cursor}"))
                .await;
            seen.extend(messages(&reply.data()).into_iter().map(str::to_owned));
            let new = (
                now() - Duration::seconds(seen.len() as i64 % 100),
                Level::Info,
                "a line that is new",
            );
            app.store(org.scope(), &[new, (now(), Level::Info, "a line that is new")])
                .await;
            match reply.next_cursor() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.retain(|message| message != "a line that is new");
        assert_eq!(seen.len(), 5_000, "{query}");
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 5_000, "{query}");
    }
}

#[tokio::test]
async fn a_line_past_its_services_retention_is_gone_at_once() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let (short_lived, [environment_id, _]) = org.insert_service(&app.db, "short-lived").await;
    let mut short = org.scope();
    (short.service_id, short.environment_id) = (short_lived, environment_id);
    for (scope, name) in [(org.scope(), "long"), (short, "short")] {
        let days = |days| now() - Duration::days(days);
        let texts: Vec<String> = [1, 8].iter().map(|day| format!("{name} {day}")).collect();
        app.store(
            scope,
            &[
                (days(1), Level::Info, &texts[0]),
                (days(8), Level::Info, &texts[1]),
            ],
        )
        .await;
    }
    let query = "from=-30d&q=";
    assert_eq!(
        found(&viewer, query).await,
        ["short 1", "long 1", "short 8", "long 8"]
    );
    app.set_retention(org.org_id, short_lived, 7).await;
    assert_eq!(found(&viewer, query).await, ["short 1", "long 1", "long 8"]);
    assert_eq!(found(&viewer, "from=-30d&q=short").await, ["short 1"]);
    app.set_retention(org.org_id, org.service_id, 1).await;
    assert_eq!(found(&viewer, query).await, ["short 1"]);
}

#[tokio::test]
async fn a_search_out_of_time_says_so_and_can_be_continued_to_its_end() {
    let app = TestApp::start_with(&[("--search-budget-ms", "0")]).await;
    let (org, viewer) = app.org().await;
    let texts: Vec<String> = (0..3_000).map(|number| format!("line {number}")).collect();
    let lines: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            (
                now() - Duration::seconds(number as i64),
                Level::Info,
                text.as_str(),
            )
        })
        .collect();
    app.store(org.scope(), &lines).await;
    let (mut seen, mut cursor, mut partial_pages) = (Vec::new(), String::new(), 0);
    loop {
        let reply = viewer.get(&format!("/api/logs/query?q=2999{cursor}")).await;
        seen.extend(messages(&reply.data()).into_iter().map(str::to_owned));
        let stats = &reply.body["stats"];
        let Some(next) = reply.next_cursor() else {
            assert_eq!(stats["partial"], false);
            break;
        };
        assert_eq!(
            (&stats["partial"], &stats["partial_reason"]),
            (&json!(true), &json!("time_budget"))
        );
        partial_pages += 1;
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["line 2999"]);
    assert!(partial_pages >= 2, "{partial_pages}");
}
