//! The link in a message by which its addressee acknowledges the incident.

use serde_json::json;
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, text};

/// The path of the link in the first message that a webhook got.
async fn link(app: &TestApp, hook: &Receiver) -> String {
    app.webhook("hook", hook).await;
    let received = hook.wait_for(1, SOON);
    app.open("outage & <b>more</b>").await;
    let body = received.await.remove(0).json();
    let link = text(&body["data"]["incident"]["acknowledge_url"]);
    link.strip_prefix("https://sightline.example").unwrap().to_owned()
}

#[tokio::test]
async fn a_link_acknowledges_when_its_button_is_pressed_and_not_when_it_is_fetched() {
    let app = TestApp::start().await;
    let hook = Receiver::standard_webhooks(None).await;
    let link = link(&app, &hook).await;
    let nobody = app.replica.client();
    // As programs do that look at links ahead.
    for _ in 0..3 {
        let page = nobody.get(&link).await;
        assert_eq!(page.status, 200);
        let html = page.body.as_str().unwrap();
        assert!(
            html.contains("<form method=\"post\">") && html.contains("&lt;b&gt;"),
            "{html}"
        );
        assert!(
            page.header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
    }
    let incident = app.incidents().await.remove(0);
    assert_eq!(incident["status"], "open");
    let form = "application/x-www-form-urlencoded";
    for _ in 0..2 {
        assert_eq!(nobody.post_bytes(&link, form, "").await.status, 200);
    }
    let id = text(&incident["id"]);
    let shown = app.incident(&id).await;
    assert_eq!(
        (&shown["status"], &shown["acknowledged_by"]),
        (&json!("acknowledged"), &json!(null))
    );
    let timeline = app.timeline(&id).await;
    assert_eq!(timeline.iter().filter(|kind| *kind == "acknowledged").count(), 1);
    let told = shown["timeline"].to_string();
    assert!(told.contains("through the link sent to hook"), "{told}");
    app.resolve(&id).await;
    let late = nobody.post_bytes(&link, form, "").await;
    assert!(late.body.as_str().unwrap().contains("resolved already"));
}

#[tokio::test]
async fn a_link_that_is_not_ours_opens_nothing() {
    let app = TestApp::start().await;
    let hook = Receiver::standard_webhooks(None).await;
    let link = link(&app, &hook).await;
    let nobody = app.replica.client();
    let (start, end) = link.split_at(link.len() - 6);
    let forged = format!("{start}{}", end.chars().rev().collect::<String>());
    for path in [forged.as_str(), "/api/acknowledge/x", "/api/acknowledge/AAAA"] {
        nobody.get(path).await.assert_error(404, "NOT_FOUND", "link");
        let pressed = nobody
            .post_bytes(path, "application/x-www-form-urlencoded", "")
            .await;
        assert_eq!(pressed.status, 404);
    }
    assert_eq!(app.incidents().await[0]["status"], "open");
}
