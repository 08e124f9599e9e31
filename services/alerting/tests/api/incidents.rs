//! What people do with incidents.

use serde_json::{Value, json};
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, text};

#[tokio::test]
async fn a_person_opens_acknowledges_describes_and_resolves_an_incident() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    let wanted = json!({
        "title": "checkout is slow",
        "severity": "medium",
        "summary": "p99 of 4 s\nsince noon",
        "service_id": app.org.service_id,
    });
    let made = app
        .developer()
        .post("/api/incidents", wanted)
        .await
        .assert_status(201)
        .data();
    let id = text(&made["id"]);
    assert_eq!(
        (&made["source"], &made["status"], &made["rule_id"]),
        (&json!("manual"), &json!("open"), &Value::Null)
    );
    let path = format!("/api/incidents/{id}");
    let change = json!({"status": "acknowledged", "severity": "critical", "title": "checkout is down"});
    let changed = app.developer().patch(&path, change.clone()).await.data();
    assert_eq!(changed["status"], "acknowledged");
    assert_eq!(changed["acknowledged_by"], json!(app.org.developer.user_id));
    assert_eq!(
        (&changed["severity"], &changed["title"]),
        (&json!("critical"), &json!("checkout is down"))
    );
    let note = app
        .developer()
        .post(&format!("{path}/notes"), json!({"text": "rolling back\nnow"}))
        .await;
    assert_eq!(note.assert_status(201).data()["text"], "rolling back\nnow");
    // The same again changes nothing.
    app.developer().patch(&path, change).await.assert_status(200);
    app.resolve(&id).await;
    app.resolve(&id).await;
    app.everything_is_told().await;
    let mut kinds = app.timeline(&id).await;
    // Delivery happens meanwhile, at a time of its own.
    kinds.retain(|kind| kind != "notification_sent");
    assert_eq!(
        kinds,
        [
            "opened",
            "notification_enqueued",
            "title_changed",
            "severity_changed",
            "notification_enqueued",
            "acknowledged",
            "note",
            "resolved",
            "notification_enqueued"
        ]
    );
    let told = receiver.wait_for(3, SOON).await;
    receiver.assert_no_faults();
    assert_eq!(told[1].json()["type"], "incident.raised");
    let (opened, resolved) = (told[0].json(), told[2].json());
    assert_eq!(
        (&opened["type"], &resolved["type"]),
        (&json!("incident.opened"), &json!("incident.resolved"))
    );
    let incident = &opened["data"]["incident"];
    assert_eq!(incident["service"]["name"], "default");
    assert_eq!(incident["environment"], Value::Null);
    assert_eq!(
        incident["url"],
        format!("https://sightline.example/incidents/{id}")
    );
    assert_eq!(
        resolved["data"]["incident"]["resolution"],
        format!("by {}", app.org.developer.email)
    );
    let sql = "SELECT count(*) FROM audit_logs WHERE action LIKE 'incident.%'";
    assert_eq!(app.count(sql).await, 4);
    let sql = "SELECT count(*) FROM outbox WHERE routing_key = 'incident.changed'";
    assert_eq!(
        app.count(sql).await,
        5,
        "opened, renamed, changed, acknowledged, resolved"
    );
}

#[tokio::test]
async fn what_is_not_legal_says_what_to_do_instead() {
    let app = TestApp::start().await;
    let id = app.open("outage").await;
    let path = format!("/api/incidents/{id}");
    let change = async |status| app.developer().patch(&path, json!({"status": status})).await;
    change("acknowledged").await.assert_status(200);
    change("open")
        .await
        .assert_error(409, "CONFLICT", "acknowledged cannot become open");
    change("resolved").await.assert_status(200);
    change("acknowledged")
        .await
        .assert_error(409, "CONFLICT", "reopen it first");
    change("closed")
        .await
        .assert_error(400, "VALIDATION_ERROR", "status");
    assert_eq!(app.incident(&id).await["status"], "resolved");
}

#[tokio::test]
async fn racing_people_resolve_an_incident_once() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    let id = app.open("outage").await;
    let path = format!("/api/incidents/{id}");
    let developer = app.developer();
    let requests = (0..8).map(|_| developer.patch(&path, json!({"status": "resolved"})));
    for reply in futures_util::future::join_all(requests).await {
        assert!(reply.status == 200 || reply.status == 503, "{}", reply.body);
    }
    app.resolve(&id).await;
    let timeline = app.timeline(&id).await;
    assert_eq!(timeline.iter().filter(|kind| *kind == "resolved").count(), 1);
    app.everything_is_told().await;
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn incidents_are_listed_by_status_in_pages() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(app.open(&format!("outage {number}")).await);
    }
    app.resolve(&ids[0]).await;
    let path = format!("/api/incidents/{}", ids[1]);
    app.developer()
        .patch(&path, json!({"status": "acknowledged"}))
        .await;
    let titles = async |query: &str| {
        let data = app
            .developer()
            .get(&format!("/api/incidents?{query}"))
            .await
            .data();
        let titles = data.as_array().unwrap().iter();
        titles.map(|one| text(&one["title"])).collect::<Vec<_>>()
    };
    assert_eq!(titles("status=resolved").await, ["outage 0"]);
    assert_eq!(
        titles("status=open,acknowledged").await,
        ["outage 4", "outage 3", "outage 2", "outage 1"]
    );
    let page = app.developer().get("/api/incidents?limit=3").await;
    let cursor = page.next_cursor().unwrap();
    assert_eq!(
        titles(&format!("limit=3&cursor={cursor}")).await,
        ["outage 1", "outage 0"]
    );
    let bad = app.developer().get("/api/incidents?status=open,closed").await;
    bad.assert_error(400, "VALIDATION_ERROR", "status");
    let unknown = app.developer().get("/api/incidents?colour=red").await;
    unknown.assert_error(400, "VALIDATION_ERROR", "colour");
}

#[tokio::test]
async fn a_mistake_in_an_incident_or_note_is_named() {
    let app = TestApp::start().await;
    let id = app.open("outage").await;
    let developer = app.developer();
    for (body, path) in [
        (json!({"severity": "low"}), "title"),
        (json!({"title": "", "severity": "low"}), "title"),
        (
            json!({"title": "x", "severity": "low", "summary": "a\u{0}b"}),
            "summary",
        ),
        (
            json!({"title": "x", "severity": "low", "environment_id": app.org.production}),
            "environment_id",
        ),
        (
            json!({"title": "x", "severity": "low", "status": "resolved"}),
            "status",
        ),
    ] {
        let refused = developer.post("/api/incidents", body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], path,
            "{}",
            refused.body
        );
    }
    for body in [
        json!({"text": " "}),
        json!({"text": "x".repeat(10_001)}),
        json!({}),
    ] {
        let refused = developer.post(&format!("/api/incidents/{id}/notes"), body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "text");
    }
}
