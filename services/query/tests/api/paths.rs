//! Addresses that no owner may see, and addresses that pretend to be others.

use crate::test_app::TestApp;

/// The status of a GET whose target is sent exactly so.
async fn status_of(app: &TestApp, target: &str) -> String {
    let request = format!("GET {target} HTTP/1.1\nHost: a\nConnection: close\n\n");
    let answer = app.raw(&request).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn forwarded(app: &TestApp) -> Vec<String> {
    let parts = [&app.identity, &app.ingest, &app.alerting, &app.webhook];
    parts
        .iter()
        .flat_map(|part| part.seen())
        .map(|seen| seen.target)
        .collect()
}

#[tokio::test]
async fn internal_and_unknown_routes_are_not_forwarded() {
    let app = TestApp::start().await;
    for path in [
        "/api/v1/internal/logs/cleanup",
        "/api/v1/%69nternal/logs/cleanup",
        "/api/v1/rules/evaluate",
        "/api/v1/internal",
        "/api/v1/logs/other",
        "/api/unknown",
        "/api/logs/unknown",
        "/api",
        "/api/",
        "/api//auth/login",
        "//api/auth/login",
        "/readyz/x",
    ] {
        app.anyone()
            .with_header("x-internal-secret", "internal-secret-of-the-tests")
            .get(path)
            .await
            .assert_error(404, "NOT_FOUND", "this route");
    }
    assert_eq!(forwarded(&app), Vec::<String>::new());
}

#[tokio::test]
async fn a_path_that_wanders_is_refused() {
    let app = TestApp::start().await;
    for target in [
        "/api/auth/../v1/internal/logs/cleanup",
        "/api/auth/%2e%2e/v1/internal/logs/cleanup",
        "/api/auth/.%2E/v1/internal/logs/cleanup",
        "/api/auth/..%2fv1%2finternal",
        "/api/auth/%2e%2e%5cv1%5cinternal",
        "/api/auth\\..\\v1\\internal",
        "/api/auth/./login",
        "http://a/api/auth/../v1/internal/logs/cleanup",
    ] {
        assert_eq!(status_of(&app, target).await, "400", "{target}");
    }
    assert_eq!(forwarded(&app), Vec::<String>::new());
}

#[tokio::test]
async fn encoded_slashes_do_not_change_the_owner() {
    let app = TestApp::start().await;
    for target in [
        "/api/services/1%2Fgithub",
        "/api/auth%2Flogin",
        "/api%2Fv1%2Finternal%2Flogs",
        "/api/v1%2Finternal%2Flogs%2Fcleanup",
    ] {
        status_of(&app, target).await;
    }
    assert_eq!(forwarded(&app), ["/api/services/1%2Fgithub"]);
    assert_eq!(app.identity.seen().len(), 1);
}
