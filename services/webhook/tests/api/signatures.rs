use domain::ids::IntegrationId;
use domain::role::Role;
use reqwest::Method;
use serde_json::json;
use testkit::{Client, Delivery, GitHub, Reply, WorkflowRun};

use crate::app::{Hook, TestApp, another_org};

const ENTER_THE_SECRET: &str = "enter the integration's secret";
const NOT_SAFE: &str = "which is not safe";
const MALFORMED: &str = "64 lower-case hex digits";
const WRONG: &str = "does not match";
const SEVERAL: &str = "more than once";

/// A delivery with these headers in place of a good signature.
async fn send_signed(app: &Client, hook: &Hook, delivery: &Delivery, headers: &[(&str, String)]) -> Reply {
    let mut request = app
        .request(Method::POST, &hook.path)
        .header("x-github-event", delivery.event)
        .header("x-github-delivery", &delivery.id)
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Reply::read(request.body(delivery.body.clone()).send().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_delivery_is_believed_only_by_one_well_formed_matching_signature() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = hook.github.workflow_run(&WorkflowRun::completed(1, "success"));
    let good = hook.github.signature(&delivery.body);
    let (prefix, digits) = good.split_at("sha256=".len());
    let of_other_body = hook.github.signature(b"{}");
    let by_other_secret = GitHub::new("acme", "shop", "guess").signature(&delivery.body);
    let by_no_secret = GitHub::new("acme", "shop", "").signature(&delivery.body);
    let name = "x-hub-signature-256";
    let cases: Vec<(Vec<(&str, String)>, &str)> = vec![
        (vec![], ENTER_THE_SECRET),
        (
            vec![(
                "x-hub-signature",
                "sha1=0123456789012345678901234567890123456789".into(),
            )],
            NOT_SAFE,
        ),
        (vec![(name, String::new())], MALFORMED),
        (vec![(name, prefix.to_owned())], MALFORMED),
        (vec![(name, digits.to_owned())], MALFORMED),
        (vec![(name, format!("sha1={digits}"))], MALFORMED),
        (
            vec![(name, good.split_at(good.len() - 1).0.to_owned())],
            MALFORMED,
        ),
        (
            vec![(name, good.split_at(good.len() - 2).0.to_owned())],
            MALFORMED,
        ),
        (vec![(name, format!("{good}00"))], MALFORMED),
        (
            vec![(name, format!("{prefix}{}", digits.to_uppercase()))],
            MALFORMED,
        ),
        (vec![(name, format!("{prefix}{}", "z".repeat(64)))], MALFORMED),
        (vec![(name, format!("{good}, {good}"))], MALFORMED),
        (vec![(name, of_other_body)], WRONG),
        (vec![(name, by_other_secret)], WRONG),
        (vec![(name, by_no_secret)], WRONG),
        (vec![(name, good.clone()), (name, good.clone())], SEVERAL),
    ];
    for (headers, message) in cases {
        let reply = send_signed(&app.anyone, &hook, &delivery, &headers).await;
        reply.assert_error(401, "UNAUTHORIZED", message);
    }
    app.assert_nothing_stored().await;
    let reply = send_signed(&app.anyone, &hook, &delivery, &[(name, good)]).await;
    assert_eq!(reply.assert_status(202).data()["status"], "applied");
}

#[tokio::test]
async fn a_body_that_was_encoded_anew_is_refused() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let mut delivery = hook.github.ping();
    delivery.body.push(b'\n');
    hook.send(&app, &delivery)
        .await
        .assert_error(401, "UNAUTHORIZED", WRONG);
}

#[tokio::test]
async fn an_integration_that_does_not_exist_is_not_found_whatever_is_sent() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    for id in [
        IntegrationId::generate().to_string(),
        "not-an-id".into(),
        app.org.service_id.to_string(),
    ] {
        let path = format!("/api/v1/webhooks/github/{id}");
        let signed = hook.github.ping().send(&app.anyone, &path).await;
        signed.assert_error(404, "NOT_FOUND", "not found");
        let bare = app.anyone.post(&path, json!({})).await;
        bare.assert_error(404, "NOT_FOUND", "not found");
    }
}

#[tokio::test]
async fn the_headers_that_github_always_sends_are_required_after_the_signature() {
    let app = TestApp::start().await;
    let hook = app.connect(json!({})).await;
    let delivery = hook.github.ping();
    let bad: [(&str, &str); 6] = [
        ("x-github-delivery", ""),
        ("x-github-delivery", "a b"),
        ("x-github-delivery", "'; DROP TABLE deployments; --"),
        ("x-github-event", ""),
        ("x-github-event", "ping\u{e9}"),
        ("x-github-event", &"x".repeat(101)),
    ];
    for (name, value) in bad {
        let mut request = app
            .anyone
            .request(Method::POST, &hook.path)
            .header("x-hub-signature-256", delivery.signature.clone().unwrap());
        for (header, good) in [
            ("x-github-delivery", delivery.id.as_str()),
            ("x-github-event", "ping"),
        ] {
            match (header == name, value.is_empty()) {
                (false, _) => request = request.header(header, good),
                (true, true) => {}
                (true, false) => request = request.header(header, value),
            }
        }
        let reply = request.body(delivery.body.clone()).send().await.unwrap();
        let reply = Reply::read(reply).await.unwrap();
        let wanted = if name == "x-github-event" {
            "X-GitHub-Event"
        } else {
            "X-GitHub-Delivery"
        };
        reply.assert_error(400, "VALIDATION_ERROR", wanted);
    }
    app.assert_nothing_stored().await;
}

#[tokio::test]
async fn another_integrations_secret_does_not_verify() {
    let app = TestApp::start().await;
    let stranger = another_org(&app).await;
    let ours = app.connect(json!({})).await;
    let theirs = app
        .connect_service(&stranger, stranger.service_id, json!({}))
        .await;
    let forged = theirs.github.workflow_run(&WorkflowRun::completed(1, "failure"));
    ours.send(&app, &forged)
        .await
        .assert_error(401, "UNAUTHORIZED", WRONG);
    app.assert_nothing_stored().await;
}

#[tokio::test]
async fn a_rotated_secret_replaces_the_old_one_at_once() {
    let app = TestApp::start().await;
    let old = app.connect(json!({})).await;
    let path = format!("/api/services/{}/github", app.org.service_id);
    let wanted = json!({"repo_owner": "acme", "repo_name": "shop", "rotate_secret": true});
    let rotated = app.member(Role::Developer).put(&path, wanted).await;
    let new = Hook::new(&rotated.assert_status(200).data());
    assert_eq!(new.path, old.path);
    assert_ne!(new.github.secret, old.github.secret);
    old.send(&app, &old.github.ping())
        .await
        .assert_error(401, "UNAUTHORIZED", WRONG);
    new.send(&app, &new.github.ping()).await.assert_status(202);
}

#[tokio::test]
async fn the_secret_is_stored_sealed_and_opens_only_in_its_own_row() {
    let app = TestApp::start().await;
    let stranger = another_org(&app).await;
    let (other_service, _) = app.org.insert_service(&app.db, "other").await;
    let ours = app.connect(json!({})).await;
    let others = [
        app.connect_service(&app.org, other_service, json!({})).await,
        app.connect_service(&stranger, stranger.service_id, json!({}))
            .await,
    ];
    let dump = app
        .column("SELECT encode(secret_sealed, 'escape') FROM service_github_integrations")
        .await;
    for secret in [&ours, &others[0], &others[1]].map(|hook| &hook.github.secret) {
        assert!(dump.iter().all(|sealed| !sealed.contains(secret.as_str())));
    }
    // Somebody who can write to the database puts another sealed secret, which they know, into our row.
    for other in &others {
        app.execute(&format!(
            "UPDATE service_github_integrations SET secret_sealed =
                 (SELECT secret_sealed FROM service_github_integrations WHERE id = '{}') WHERE id = '{}'",
            other.id, ours.id
        ))
        .await;
        let forged = other.github.workflow_run(&WorkflowRun::completed(1, "failure"));
        ours.send(&app, &forged)
            .await
            .assert_error(500, "INTERNAL_ERROR", "internal error");
    }
    app.assert_nothing_stored().await;
}
