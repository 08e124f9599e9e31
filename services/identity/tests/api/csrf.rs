//! An unsafe request that carries our cookie must come from our own pages.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::Reply;

use crate::app::{PASSWORD, TestApp};

/// `None` is a header that is not sent.
type Headers = (Option<&'static str>, Option<&'static str>);

const ACCEPTED: [Headers; 5] = [
    (None, None),
    (Some("same-origin"), Some("https://sightline.example")),
    (Some("none"), None),
    (None, Some("https://sightline.example")),
    (Some("same-origin"), None),
];

const REFUSED: [Headers; 9] = [
    (Some("cross-site"), Some("https://evil.example")),
    (Some("cross-site"), Some("https://sightline.example")),
    (Some("cross-site"), None),
    (Some("same-site"), Some("https://sibling.example")),
    (Some("same-site"), None),
    (Some("nonsense"), None),
    (None, Some("https://evil.example")),
    (None, Some("null")),
    (None, Some("https://sightline.example.evil.example")),
];

/// Sends what a browser with this session would send from a page of the given origin.
async fn send(
    app: &TestApp,
    (fetch_site, origin): Headers,
    session: Option<&str>,
    (method, path): (Method, &str),
    body: Value,
) -> Reply {
    let mut request = app
        .client
        .with_header("host", "sightline.example")
        .request(method, path);
    if let Some(site) = fetch_site {
        request = request.header("sec-fetch-site", site);
    }
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if let Some(session) = session {
        request = request.header("cookie", format!("sightline_session={session}"));
    }
    Reply::read(request.json(&body).send().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_change_is_taken_from_our_own_pages_only() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let session = Some(ada.session.as_str());
    let change = || json!({"name": "Ours"});
    for headers in ACCEPTED {
        let reply = send(&app, headers, session, (Method::POST, "/api/orgs"), change()).await;
        assert_eq!(reply.status, 201, "{headers:?}: {}", reply.body);
    }
    let before = app.count("SELECT count(*) FROM orgs", &[]).await;
    for headers in REFUSED {
        let reply = send(&app, headers, session, (Method::POST, "/api/orgs"), change()).await;
        assert_eq!(reply.status, 403, "{headers:?}: {}", reply.body);
        reply.assert_error(403, "FORBIDDEN", "came from another site");
        let call = (Method::DELETE, "/api/sessions");
        send(&app, headers, session, call, json!(null))
            .await
            .assert_status(403);
        let call = (Method::GET, "/api/me");
        send(&app, headers, session, call, json!(null))
            .await
            .assert_status(200);
    }
    assert_eq!(app.count("SELECT count(*) FROM orgs", &[]).await, before);
}

#[tokio::test]
async fn another_site_can_neither_log_a_visitor_in_nor_sign_them_up() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let login = || json!({"email": "ada@example.com", "password": PASSWORD});
    for headers in REFUSED {
        let reply = send(&app, headers, None, (Method::POST, "/api/auth/login"), login()).await;
        reply.assert_error(403, "FORBIDDEN", "came from another site");
        let signup = json!({"email": "eve@example.com", "password": PASSWORD, "org_name": "Evil"});
        let reply = send(&app, headers, None, (Method::POST, "/api/auth/signup"), signup).await;
        reply.assert_status(403);
    }
    for headers in ACCEPTED {
        let reply = send(&app, headers, None, (Method::POST, "/api/auth/login"), login()).await;
        reply.assert_status(200);
    }
    assert_eq!(app.count("SELECT count(*) FROM users", &[]).await, 1);
}

#[tokio::test]
async fn a_form_of_another_site_is_not_json() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        ada.client
            .post_bytes("/api/orgs", content_type, r#"{"name":"Evil"}"#)
            .await
            .assert_error(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type: application/json");
    }
}
