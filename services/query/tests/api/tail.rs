//! `GET /api/logs/tail`.

use std::time::Duration;

use domain::level::Level;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;
use testkit::Client;
use testkit::corpus::Dice;
use tokio::time::timeout;

use crate::test_app::{TestApp, now};

const A_WHILE: Duration = Duration::from_secs(20);

/// A connection that follows.
struct Tail {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug, PartialEq)]
struct Seen {
    event: String,
    id: String,
    data: Value,
}

impl Tail {
    async fn open(client: &Client, query: &str) -> Self {
        let request = client.request(Method::GET, &format!("/api/logs/tail?{query}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut tail = Self {
            response,
            text: String::new(),
        };
        assert_eq!(tail.block().await, "retry: 1000");
        // It follows from its first look on: lines from before are not its business.
        assert!(tail.block().await.starts_with("id: "));
        tail
    }

    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return block;
            }
            let chunk = timeout(A_WHILE, self.response.chunk()).await.unwrap().unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended"));
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn next(&mut self) -> Seen {
        let mut block = self.block().await;
        while !block.contains("event: ") {
            block = self.block().await;
        }
        let of = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        Seen {
            event: of("event: "),
            id: of("id: "),
            data: serde_json::from_str(&of("data: ")).unwrap(),
        }
    }

    async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let seen = self.next().await;
            assert_eq!(seen.event, "line", "{seen:?}");
            messages.push(seen.data["message"].as_str().unwrap().to_owned());
        }
        messages
    }
}

#[tokio::test]
async fn new_lines_that_match_are_delivered_and_no_others() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let (stranger, _) = app.org().await;
    app.store(org.scope(), &[(now(), Level::Error, "before")]).await;
    let mut tail = Tail::open(&viewer, "q=level:error").await;
    app.store(stranger.scope(), &[(now(), Level::Error, "of another")])
        .await;
    app.store(org.scope(), &[(now(), Level::Info, "no error")]).await;
    app.store(org.scope(), &[(now(), Level::Error, "one")]).await;
    assert_eq!(tail.messages(1).await, ["one"]);
    let lines: Vec<_> = (0..40).map(|_| (now(), Level::Error, "many")).collect();
    app.store(org.scope(), &lines).await;
    assert_eq!(tail.messages(40).await, vec!["many"; 40]);
}

#[tokio::test]
async fn a_line_that_is_committed_late_is_delivered_all_the_same() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let mut owner = app.db.owner().await;
    let slow = owner.transaction().await.unwrap();
    let insert = "INSERT INTO logs (org_id, service_id, environment_id, ts, level, message)
        VALUES ($1, $2, $3, $4, 2, 'slow')";
    let scope = org.scope();
    slow.execute(
        insert,
        &[&scope.org_id, &scope.service_id, &scope.environment_id, &now()],
    )
    .await
    .unwrap();
    let mut tail = Tail::open(&viewer, "").await;
    app.store(scope, &[(now(), Level::Info, "quick")]).await;
    assert_eq!(tail.messages(1).await, ["quick"]);
    slow.commit().await.unwrap();
    assert_eq!(tail.messages(1).await, ["slow"]);
}

#[tokio::test]
async fn who_comes_back_goes_on_behind_the_last_event_wherever_that_was() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let mut tail = Tail::open(&viewer, "").await;
    let mut dice = Dice(1);
    let mut stored = 0;
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..6 {
        let count = dice.below(30) as usize + 5;
        let names: Vec<String> = (stored..stored + count)
            .map(|number| format!("{number:04}"))
            .collect();
        let lines: Vec<_> = names
            .iter()
            .map(|name| (now(), Level::Info, name.as_str()))
            .collect();
        app.store(org.scope(), &lines).await;
        stored += count;
        let mut last = String::new();
        for _ in 0..=dice.below(count as u64 - 1) {
            let event = tail.next().await;
            seen.push(event.data["message"].as_str().unwrap().to_owned());
            last = event.id;
        }
        // The rest was on its way when the connection broke.
        let request = viewer
            .request(Method::GET, "/api/logs/tail")
            .header("Last-Event-ID", last);
        tail = Tail {
            response: request.send().await.unwrap(),
            text: String::new(),
        };
        assert_eq!(tail.block().await, "retry: 1000");
    }
    while seen.len() < stored {
        seen.extend(tail.messages(1).await);
    }
    seen.sort();
    let expected: Vec<String> = (0..stored).map(|number| format!("{number:04}")).collect();
    assert_eq!(seen, expected, "each once");
}

#[tokio::test]
async fn who_saw_no_line_yet_comes_back_without_a_gap() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let mut tail = Tail::open(&viewer, "").await;
    // While nothing comes, it is told where it is.
    let id = tail.block().await;
    let id = id.strip_prefix("id: ").unwrap().to_owned();
    drop(tail);
    app.store(org.scope(), &[(now(), Level::Info, "meanwhile")]).await;
    let request = viewer
        .request(Method::GET, "/api/logs/tail")
        .header("Last-Event-ID", id);
    let mut tail = Tail {
        response: request.send().await.unwrap(),
        text: String::new(),
    };
    assert_eq!(tail.messages(1).await, ["meanwhile"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_the_stream_begins() {
    let app = TestApp::start().await;
    let (_org, viewer) = app.org().await;
    for (query, status, field) in [
        ("q=(", 400, "q"),
        ("last_event_id=x", 400, "last_event_id"),
        ("service=nothing", 404, "service"),
    ] {
        let reply = viewer.get(&format!("/api/logs/tail?{query}")).await;
        assert_eq!(reply.status, status, "{query}");
        assert!(reply.body.to_string().contains(field), "{}", reply.body);
    }
}

#[tokio::test]
async fn an_export_streams_every_line_once_while_lines_arrive() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let names: Vec<String> = (0..45_000).map(|number| format!("{number:05}")).collect();
    let start = now() - time::Duration::hours(1);
    for part in names.chunks(15_000) {
        let lines: Vec<_> = part
            .iter()
            .enumerate()
            .map(|(number, name)| {
                let at = start + time::Duration::seconds((number / 7) as i64 % 600);
                (at, Level::Info, name.as_str())
            })
            .collect();
        app.store(org.scope(), &lines).await;
    }
    let request = viewer.request(Method::GET, "/api/logs/export");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.unwrap());
        app.store(org.scope(), &[(now(), Level::Info, "new")]).await;
    }
    let lines = std::str::from_utf8(&body).unwrap().lines();
    let mut seen: Vec<String> = lines
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .filter(|message| message != "new")
        .collect();
    seen.sort();
    assert_eq!(seen, names);
    let sql = "SELECT count(*) FROM audit_logs WHERE org_id = $1 AND action = 'logs.export'";
    let audited: i64 = app
        .db
        .owner()
        .await
        .query_one(sql, &[&org.org_id])
        .await
        .unwrap()
        .get(0);
    assert_eq!(audited, 1);
}

#[tokio::test]
async fn an_export_as_csv_has_a_header_and_quotes_what_needs_it() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    app.store(org.scope(), &[(now(), Level::Warn, "a \"quoted\", b\nsecond")])
        .await;
    let response = viewer
        .request(Method::GET, "/api/logs/export?format=csv&order=oldest")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(
        text.starts_with("timestamp,level,service,environment,message,meta,trace_id,request_id,id\n"),
        "{text}"
    );
    assert!(
        text.contains(",warn,default,production,\"a \"\"quoted\"\", b\nsecond\","),
        "{text}"
    );
    let pages = vec![(now() - time::Duration::HOUR, Level::Info, "of several pages"); 10_500];
    app.store(org.scope(), &pages).await;
    let of_several = viewer
        .request(Method::GET, "/api/logs/export?format=csv")
        .send()
        .await
        .unwrap();
    let of_several = of_several.text().await.unwrap();
    assert_eq!(of_several.matches("timestamp,level").count(), 1, "one header");
    assert_eq!(of_several.matches("of several pages").count(), 10_500);
    let some = viewer
        .request(Method::GET, "/api/logs/export?limit=10200")
        .send()
        .await
        .unwrap();
    assert_eq!(some.text().await.unwrap().lines().count(), 10_200);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=5000001", "limit"),
        ("format=xml", "format"),
    ] {
        let reply = viewer.get(&format!("/api/logs/export?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", field);
    }
    let found = viewer
        .request(Method::GET, "/api/logs/export?q=nothing&format=csv")
        .send()
        .await
        .unwrap();
    assert!(
        found.text().await.unwrap().starts_with("timestamp,"),
        "the header comes all the same"
    );
}
