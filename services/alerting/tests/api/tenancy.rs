//! Who may do what, and that another organisation's things do not exist.

use domain::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Fixture, Receiver, Reply};

use crate::test_app::{TestApp, text};

/// Every route with an id in its path: method, path, body, whether a viewer may.
fn routes_with_id(
    rule: &str,
    incident: &str,
    channel: &str,
    notification: &str,
) -> Vec<(Method, String, Value, bool)> {
    let body = || json!({});
    vec![
        (Method::GET, format!("/api/alerts/{rule}"), body(), true),
        (Method::PATCH, format!("/api/alerts/{rule}"), body(), false),
        (Method::GET, format!("/api/alerts/{rule}/versions"), body(), true),
        (
            Method::POST,
            format!("/api/alerts/{rule}/heartbeat"),
            body(),
            false,
        ),
        (Method::GET, format!("/api/incidents/{incident}"), body(), true),
        (Method::PATCH, format!("/api/incidents/{incident}"), body(), false),
        (
            Method::POST,
            format!("/api/incidents/{incident}/notes"),
            json!({"text": "x"}),
            false,
        ),
        (
            Method::POST,
            format!("/api/incidents/{incident}/merge"),
            json!({"into": incident}),
            false,
        ),
        (
            Method::GET,
            format!("/api/incidents/{incident}/members"),
            body(),
            true,
        ),
        (
            Method::GET,
            format!("/api/incidents/{incident}/context"),
            body(),
            true,
        ),
        (Method::PATCH, format!("/api/channels/{channel}"), body(), false),
        (
            Method::POST,
            format!("/api/channels/{channel}/test"),
            body(),
            false,
        ),
        (
            Method::POST,
            format!("/api/notifications/{notification}/retry"),
            body(),
            false,
        ),
        (Method::DELETE, format!("/api/alerts/{rule}"), body(), false),
        (Method::DELETE, format!("/api/channels/{channel}"), body(), false),
    ]
}

async fn call(client: &Client, method: &Method, path: &str, body: &Value) -> Reply {
    client.call(method.clone(), path, Some(body.clone())).await
}

#[tokio::test]
async fn another_organisations_things_do_not_exist() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    let rule = app.error_rule(json!({"name": "canary rule"})).await;
    let channel = app.slack("canary channel", &receiver).await;
    let incident = app.open("canary incident").await;
    app.everything_is_told().await;
    let notification = text(&app.notifications().await[0]["id"]);
    let stranger = Fixture::org(&app.db).await;
    let foreign = app.replica.client().with_cookie(stranger.cookie(Role::Admin));
    let random = uuid::Uuid::new_v4().to_string();
    let theirs = routes_with_id(&rule, &incident, &channel, &notification);
    let nobodys = routes_with_id(&random, &random, &random, &random);
    let malformed = routes_with_id("x", "x", "x", "x");
    for index in 0..theirs.len() {
        let mut answers = Vec::new();
        for (method, path, body, _) in [&theirs[index], &nobodys[index]] {
            let reply = call(&foreign, method, path, body).await;
            reply.assert_error(404, "NOT_FOUND", "not found");
            answers.push(reply.body["error"].clone());
        }
        assert_eq!(
            answers[0], answers[1],
            "a foreign id is told from a random one by nothing"
        );
        let (method, path, body, _) = &malformed[index];
        call(&foreign, method, path, body).await.assert_status(404);
    }
    for path in [
        "/api/alerts",
        "/api/incidents",
        "/api/channels",
        "/api/notifications",
    ] {
        assert_eq!(foreign.get(path).await.data(), json!([]), "{path}");
    }
    let filtered = format!("/api/notifications?incident_id={incident}");
    assert_eq!(foreign.get(&filtered).await.data(), json!([]));
    // Nothing happened to any of them.
    assert_eq!(app.incident(&incident).await["status"], "open");
    app.developer()
        .get(&format!("/api/alerts/{rule}"))
        .await
        .assert_status(200);
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn another_organisations_service_cannot_be_named() {
    let app = TestApp::start().await;
    let stranger = Fixture::org(&app.db).await;
    let own = app.error_rule(json!({})).await;
    let developer = app.developer();
    for (service, environment) in [
        (json!(stranger.service_id), Value::Null),
        (json!(stranger.service_id), json!(stranger.production)),
        (json!(app.org.service_id), json!(stranger.production)),
        (json!(uuid::Uuid::new_v4()), Value::Null),
    ] {
        let rule = json!({
            "name": "foreign",
            "type": "deployment_failure",
            "params": {},
            "severity": "low",
            "service_id": service,
            "environment_id": environment,
        });
        developer
            .post("/api/alerts", rule)
            .await
            .assert_error(404, "NOT_FOUND", "service or environment");
        let change = json!({"service_id": service, "environment_id": environment});
        developer
            .patch(&format!("/api/alerts/{own}"), change)
            .await
            .assert_error(404, "NOT_FOUND", "service or environment");
        let incident = json!({"title": "foreign", "severity": "low", "service_id": service, "environment_id": environment});
        developer.post("/api/incidents", incident).await.assert_error(
            404,
            "NOT_FOUND",
            "service or environment",
        );
    }
}

#[tokio::test]
async fn a_viewer_reads_and_a_developer_writes_and_a_stranger_does_neither() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    let rule = app.error_rule(json!({})).await;
    let channel = app.slack("ops", &receiver).await;
    let incident = app.open("outage").await;
    app.everything_is_told().await;
    let notification = text(&app.notifications().await[0]["id"]);
    let mut routes = routes_with_id(&rule, &incident, &channel, &notification);
    for path in [
        "/api/alerts",
        "/api/incidents",
        "/api/channels",
        "/api/notifications",
    ] {
        routes.push((Method::GET, path.to_owned(), json!({}), true));
    }
    for path in ["/api/alerts", "/api/incidents", "/api/channels"] {
        routes.push((Method::POST, path.to_owned(), json!({}), false));
    }
    let draft = json!({"type": "silence", "params": {"window_seconds": 60}});
    for (method, path, body, viewer_may) in [
        (Method::GET, "/api/alerts/export", json!({}), true),
        (
            Method::POST,
            "/api/alerts/backtest",
            json!({"draft": draft, "days": 1}),
            true,
        ),
        (Method::POST, "/api/alerts/preview", json!({"draft": draft}), true),
        (Method::POST, "/api/alerts/apply", json!({}), false),
        (Method::GET, "/api/incidents/settings", json!({}), true),
        (Method::PUT, "/api/incidents/settings", json!({}), false),
    ] {
        routes.push((method, path.to_owned(), body, viewer_may));
    }
    routes.extend(routing_routes(&app, &incident, &channel).await);
    let (viewer, nobody) = (app.as_role(Role::Viewer), app.replica.client());
    for (method, path, body, viewer_may) in &routes {
        call(&nobody, method, path, body)
            .await
            .assert_error(401, "UNAUTHORIZED", "");
        let reply = call(&viewer, method, path, body).await;
        if *viewer_may {
            reply.assert_status(200);
        } else {
            reply.assert_error(403, "FORBIDDEN", "developer role");
        }
    }
    assert_eq!(
        routes.len() + 6,
        documented(&app).await,
        "every route is walked but the internal one, that of API keys, the two of heartbeats and the two of a link"
    );
}

/// Those of routes, silences, windows and explanations: method, path, body, and whether a viewer may.
async fn routing_routes(app: &TestApp, incident: &str, channel: &str) -> Vec<(Method, String, Value, bool)> {
    let make = async |path: &str, body: Value| {
        let made = app.developer().post(path, body).await;
        text(&made.assert_status(201).data()["id"])
    };
    let never = json!({"labels": {"never": "there"}});
    let route = make(
        "/api/routing/routes",
        json!({"name": "r", "channel_ids": [], "matcher": never}),
    )
    .await;
    let tomorrow = crate::test_app::tomorrow();
    let silence = json!({"reason": "r", "ends_at": tomorrow, "matcher": never});
    let silence = make("/api/silences", silence).await;
    let schedule = json!({"time_zone": "UTC", "days": ["mon"], "start": "02:00", "duration_minutes": 60});
    let window = json!({"name": "w", "schedule": schedule, "matcher": never});
    let window = make("/api/maintenance-windows", window).await;
    let place = format!(
        "/api/explain?service_id={}&environment_id={}",
        app.org.service_id, app.org.production
    );
    let empty = || json!({});
    vec![
        (Method::GET, "/api/routing/routes".to_owned(), empty(), true),
        (Method::POST, "/api/routing/routes".to_owned(), empty(), false),
        (
            Method::PATCH,
            format!("/api/routing/routes/{route}"),
            empty(),
            false,
        ),
        (
            Method::DELETE,
            format!("/api/routing/routes/{route}"),
            empty(),
            false,
        ),
        (Method::PUT, "/api/routing/order".to_owned(), empty(), false),
        (
            Method::POST,
            "/api/routing/preview".to_owned(),
            json!({"severity": "low"}),
            true,
        ),
        (Method::GET, "/api/silences".to_owned(), empty(), true),
        (Method::POST, "/api/silences".to_owned(), empty(), false),
        (Method::GET, format!("/api/silences/{silence}"), empty(), true),
        (Method::DELETE, format!("/api/silences/{silence}"), empty(), false),
        (Method::GET, "/api/maintenance-windows".to_owned(), empty(), true),
        (
            Method::POST,
            "/api/maintenance-windows".to_owned(),
            empty(),
            false,
        ),
        (
            Method::GET,
            format!("/api/maintenance-windows/{window}"),
            empty(),
            true,
        ),
        (
            Method::PATCH,
            format!("/api/maintenance-windows/{window}"),
            empty(),
            false,
        ),
        (
            Method::DELETE,
            format!("/api/maintenance-windows/{window}"),
            empty(),
            false,
        ),
        (
            Method::POST,
            format!("/api/channels/{channel}/resume"),
            empty(),
            false,
        ),
        (
            Method::POST,
            format!("/api/channels/{channel}/rotate-secret"),
            empty(),
            false,
        ),
        (
            Method::POST,
            "/api/notifications/retry".to_owned(),
            empty(),
            false,
        ),
        (
            Method::GET,
            format!("/api/incidents/{incident}/explain"),
            empty(),
            true,
        ),
        (Method::GET, place, empty(), true),
    ]
}

/// How many operations the service says it has.
async fn documented(app: &TestApp) -> usize {
    let document = app.replica.client().get("/openapi.json").await.body;
    let paths = document["paths"].as_object().unwrap();
    paths.values().map(|path| path.as_object().unwrap().len()).sum()
}
