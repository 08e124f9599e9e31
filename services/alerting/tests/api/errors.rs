//! `error_count`: from the first error to the notice that it is over.

use domain::level::Level;
use serde_json::json;
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, text};

#[tokio::test]
async fn an_error_burst_opens_one_incident_tells_once_and_resolves_when_it_is_quiet() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    let rule = app.error_rule(json!({})).await;
    app.errors(4).await;
    assert_eq!(app.sweep().await["opened"], 0, "4 of 5 errors are not enough");
    app.arrive(app.org.production, Level::Fatal, 1).await;
    assert_eq!(app.sweep().await["opened"], 1, "fatal lines count as errors");
    for _ in 0..3 {
        assert_eq!(app.sweep().await["opened"], 0, "it fires once");
    }
    let opened = receiver.wait_for(1, SOON).await;
    receiver.assert_no_faults();
    let page = opened[0].text();
    for part in [
        "Incident opened: too many errors: default / production",
        "5 errors in the last 10 s (threshold 5)",
        "https://sightline.example/incidents/",
    ] {
        assert!(page.contains(part), "{part:?} is missing in {page}");
    }
    let incident = app.incidents().await.remove(0);
    assert_eq!(incident["status"], "open");
    assert_eq!(incident["severity"], "high");
    assert_eq!(incident["source"], "rule");
    assert_eq!(incident["rule_id"], json!(rule));
    assert_eq!(incident["summary"], "5 errors in the last 10 s (threshold 5)");

    app.pass(20).await;
    assert_eq!(
        app.sweep().await["resolved"],
        0,
        "false, but not yet for the window"
    );
    app.pass(10).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    assert_eq!(app.sweep().await["resolved"], 0);
    app.everything_is_told().await;
    let told = receiver.received();
    assert_eq!(told.len(), 2, "one page and one notice");
    assert!(told[1].text().contains("Incident resolved"), "{}", told[1].text());
    let id = text(&incident["id"]);
    let shown = app.incident(&id).await;
    assert_eq!(shown["status"], "resolved");
    assert_eq!(shown["resolved_by"], json!(null));
    assert_eq!(
        app.timeline(&id).await,
        [
            "opened",
            "notification_enqueued",
            "notification_sent",
            "firing_ended",
            "resolved",
            "notification_enqueued",
            "notification_sent"
        ]
    );
    let opened = &shown["timeline"][0];
    assert_eq!(
        (&opened["details"]["value"], &opened["details"]["threshold"]),
        (&json!(5.0), &json!(5.0))
    );
}

#[tokio::test]
async fn warnings_and_other_environments_do_not_count() {
    let app = TestApp::start().await;
    app.error_rule(json!({})).await;
    app.arrive(app.org.production, Level::Warn, 100).await;
    app.arrive(app.org.staging, Level::Error, 100).await;
    assert_eq!(app.sweep().await["opened"], 0);
}

#[tokio::test]
async fn an_error_that_comes_back_within_the_window_is_the_same_incident() {
    let app = TestApp::start().await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    // Not met since a moment between 10 and 15 s after the errors, and over 10 s later.
    app.pass(15).await;
    app.sweep().await;
    app.errors(5).await;
    app.sweep().await;
    app.pass(15).await;
    app.sweep().await;
    assert_eq!(app.incidents().await.len(), 1);
    assert_eq!(app.incidents().await[0]["status"], "open");
    app.pass(15).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    app.pass(600).await;
    app.errors(5).await;
    app.sweep().await;
    assert_eq!(
        app.incidents().await.len(),
        2,
        "long after it was over it is a new one"
    );
}

#[tokio::test]
async fn an_incident_without_a_channel_says_that_nobody_was_told() {
    let app = TestApp::start().await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    let id = text(&app.incidents().await[0]["id"]);
    assert_eq!(app.timeline(&id).await, ["opened", "nobody_told"]);
}

#[tokio::test]
async fn a_rule_for_the_whole_organisation_fires_for_each_service_and_environment_alone() {
    let app = TestApp::start().await;
    let (shop, [shop_production, _]) = app.org.insert_service(&app.db, "shop").await;
    let rule = app
        .error_rule(json!({"service_id": null, "environment_id": null}))
        .await;
    app.errors(3).await;
    app.arrive(app.org.staging, Level::Error, 3).await;
    assert_eq!(app.sweep().await["opened"], 0, "their sum is nobody's");
    app.errors(2).await;
    app.arrive_at(shop, shop_production, Level::Error, 5).await;
    assert_eq!(app.sweep().await["opened"], 2);
    let mut titles: Vec<String> = app
        .incidents()
        .await
        .iter()
        .map(|incident| text(&incident["title"]))
        .collect();
    titles.sort();
    assert_eq!(
        titles,
        [
            "too many errors: default / production",
            "too many errors: shop / production"
        ]
    );
    let firings = app.developer().get(&format!("/api/alerts/{rule}")).await.data()["firings"].clone();
    assert_eq!(firings.as_array().unwrap().len(), 2);
    assert_eq!(
        (&firings[0]["state"], &firings[0]["reason"]),
        (&json!("firing"), &json!("met"))
    );
}
