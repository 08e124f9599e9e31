//! More logins than the cores can hash: the rest is told to come back, and nobody's failures are counted for it.

use crate::app::{PASSWORD, TestApp};

#[tokio::test]
async fn a_burst_of_logins_is_answered_or_put_off() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let cores = std::thread::available_parallelism().unwrap().get();
    let attempts = (0..cores * 33 * 2).map(|number| {
        let client = app
            .client
            .with_header("x-forwarded-for", &format!("203.0.113.{}", number % 250));
        async move {
            let body =
                serde_json::json!({"email": format!("nobody{number}@example.com"), "password": PASSWORD});
            client.post("/api/auth/login", body).await
        }
    });
    let replies = futures_util::future::join_all(attempts).await;
    for reply in &replies {
        match reply.status {
            401 => {}
            503 => assert!(!reply.header("retry-after").is_empty()),
            other => panic!("{other}: {}", reply.body),
        }
    }
    let answered = replies.iter().filter(|reply| reply.status == 401).count();
    assert!(answered >= cores, "{answered}");
    let counted = "SELECT count(*) FROM login_throttle WHERE failures > 0";
    // Each counted attempt has an account's bucket and shares an address's.
    assert!(app.count(counted, &[]).await <= 2 * answered as i64);
    app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
}
