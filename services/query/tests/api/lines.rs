//! `GET /api/logs/lines/{id}` and `GET /api/logs/context`.

use domain::level::Level;
use domain::role::Role;
use serde_json::Value;
use testkit::Fixture;
use time::Duration;

use crate::test_app::{TestApp, messages, now};

async fn stored(app: &TestApp, org: &Fixture) -> Vec<Value> {
    let start = now() - Duration::minutes(10);
    let names: Vec<String> = (0..9).map(|number| format!("line {number}")).collect();
    let lines: Vec<_> = names
        .iter()
        .enumerate()
        // Three of each moment.
        .map(|(number, name)| {
            (
                start + Duration::seconds(number as i64 / 3),
                Level::Info,
                name.as_str(),
            )
        })
        .collect();
    app.store(org.scope(), &lines).await;
    let client = app.anyone().with_cookie(org.cookie(Role::Viewer));
    let data = client.get("/api/logs/query?order=oldest").await.data();
    data.as_array().unwrap().clone()
}

fn id(line: &Value) -> &str {
    line["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_line_is_found_by_its_id() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    for line in stored(&app, &org).await {
        let found = viewer.get(&format!("/api/logs/lines/{}", id(&line))).await.data();
        assert_eq!(found, line);
    }
    for unknown in ["x", "AAAA", &"A".repeat(43)] {
        let reply = viewer.get(&format!("/api/logs/lines/{unknown}")).await;
        reply.assert_error(404, "NOT_FOUND", "not found");
    }
}

#[tokio::test]
async fn a_line_stands_among_its_neighbours() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let lines = stored(&app, &org).await;
    let (_, [other, _]) = org.insert_service(&app.db, "noise").await;
    let mut elsewhere = org.scope();
    elsewhere.environment_id = other;
    app.store(
        elsewhere,
        &[(now() - Duration::minutes(10), Level::Info, "noise")],
    )
    .await;
    for days in [-2, 2] {
        let far = now() - Duration::minutes(10) + Duration::days(days);
        app.store(org.scope(), &[(far, Level::Info, "far")]).await;
    }
    let around = async |query: String| viewer.get(&format!("/api/logs/context?{query}")).await.data();
    let context = around(format!("id={}&before=3&after=2", id(&lines[4]))).await;
    assert_eq!(messages(&context["before"]), ["line 1", "line 2", "line 3"]);
    assert_eq!(context["line"], lines[4]);
    assert_eq!(messages(&context["after"]), ["line 5", "line 6"]);
    let context = around(format!("id={}&before=0", id(&lines[7]))).await;
    assert_eq!(messages(&context["before"]), Vec::<&str>::new());
    assert_eq!(messages(&context["after"]), ["line 8"]);
    let context = around(format!("id={}&before=100&after=100", id(&lines[4]))).await;
    let neighbours = ["before", "after"].map(|side| messages(&context[side]).len());
    assert_eq!(neighbours, [4, 4], "those of a day before and after");
    for (query, field) in [
        ("id=x".to_owned(), "id"),
        (String::new(), "id"),
        (format!("id={}&before=501", id(&lines[0])), "before"),
    ] {
        let reply = viewer.get(&format!("/api/logs/context?{query}")).await;
        reply.assert_error(400, "VALIDATION_ERROR", field);
    }
}

#[tokio::test]
async fn a_line_of_another_organisation_looks_like_none() {
    let app = TestApp::start().await;
    let (org, _) = app.org().await;
    let (_, stranger) = app.org().await;
    let lines = stored(&app, &org).await;
    for path in ["lines/", "context?id="] {
        let reply = stranger.get(&format!("/api/logs/{path}{}", id(&lines[0]))).await;
        reply.assert_error(404, "NOT_FOUND", "log line not found");
    }
}

#[tokio::test]
async fn a_line_past_its_retention_is_gone() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    app.store(org.scope(), &[(now() - Duration::days(3), Level::Info, "old")])
        .await;
    let data = viewer.get("/api/logs/query?from=-5d").await.data();
    let path = format!("/api/logs/lines/{}", id(&data[0]));
    viewer.get(&path).await.assert_status(200);
    app.set_retention(org.org_id, org.service_id, 2).await;
    viewer.get(&path).await.assert_error(404, "NOT_FOUND", "log line");
}
