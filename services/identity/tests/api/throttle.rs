//! Guessing is slowed down; the owner is not locked out.

use serde_json::json;
use testkit::{Reply, eventually};

use crate::app::{PASSWORD, Person, TestApp};

async fn guess(app: &TestApp, times: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    for _ in 0..times {
        replies.push(app.log_in("ada@example.com", "not the password").await);
    }
    replies
}

async fn log_in_from(app: &TestApp, device: &str, password: &str) -> Reply {
    let body = json!({"email": "ada@example.com", "password": password});
    app.client
        .with_header("cookie", &format!("sightline_device={device}"))
        .post("/api/auth/login", body)
        .await
}

#[tokio::test]
async fn a_guesser_is_stopped_after_ten_failures_and_the_owner_is_not() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    for reply in guess(&app, 10).await {
        reply.assert_status(401);
    }
    let reply = guess(&app, 1).await.remove(0);
    reply.assert_error(429, "RATE_LIMITED", "too many failed attempts; try again in");
    assert_eq!(reply.header("retry-after"), "30");

    // Not even the right password helps a stranger now; the owner's device and session are unaffected.
    app.log_in("ada@example.com", PASSWORD).await.assert_status(429);
    ada.client.get("/api/me").await.assert_status(200);
    let reply = log_in_from(&app, &ada.device, PASSWORD).await;
    reply.assert_status(200);
    Person::of(&app, &reply)
        .client
        .get("/api/me")
        .await
        .assert_status(200);
    // That login did not open the account to strangers again.
    guess(&app, 1).await[0].assert_status(429);
}

#[tokio::test]
async fn a_known_device_has_ten_failures_of_its_own() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    for _ in 0..10 {
        log_in_from(&app, &ada.device, "not the password")
            .await
            .assert_status(401);
    }
    log_in_from(&app, &ada.device, PASSWORD).await.assert_status(429);
    app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
}

#[tokio::test]
async fn the_device_of_somebody_else_is_a_stranger() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let eve = app.sign_up("eve@example.com", "Evil").await;
    for _ in 0..10 {
        log_in_from(&app, &eve.device, "not the password")
            .await
            .assert_status(401);
    }
    guess(&app, 1).await[0].assert_status(429);
}

#[tokio::test]
async fn a_success_forgives_the_failures_before_it() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    for _ in 0..2 {
        for reply in guess(&app, 9).await {
            reply.assert_status(401);
        }
        app.log_in("ada@example.com", PASSWORD).await.assert_status(200);
    }
}

#[tokio::test]
async fn the_delay_ends_doubles_and_is_forgotten_after_a_quiet_window() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    guess(&app, 11).await;
    for expected in ["60", "120", "240", "480", "900", "900"] {
        app.sql(
            "UPDATE login_throttle SET blocked_until = now() WHERE blocked_until IS NOT NULL",
            &[],
        )
        .await;
        let replies = guess(&app, 2).await;
        replies[0].assert_status(401);
        replies[1].assert_status(429);
        assert_eq!(replies[1].header("retry-after"), expected);
    }
    let sql = "UPDATE login_throttle SET window_start = window_start - interval '16 minutes',
                   blocked_until = now() - interval '15 minutes'";
    app.sql(sql, &[]).await;
    for reply in guess(&app, 10).await {
        reply.assert_status(401);
    }
    guess(&app, 1).await[0].assert_status(429);
}

#[tokio::test]
async fn guesses_at_the_same_moment_count_one_another() {
    let app = TestApp::start().await;
    app.sign_up("ada@example.com", "Acme").await;
    let attempts = (0..30).map(|_| app.log_in("ada@example.com", "not the password"));
    let replies = futures_util::future::join_all(attempts).await;
    // On a busy machine, waiting for the bucket's row may take too long: that is a 503, and no guess.
    for reply in &replies {
        assert!(matches!(reply.status, 401 | 429 | 503), "{}", reply.body);
    }
    let mut tried = replies.iter().filter(|reply| reply.status == 401).count();
    while guess(&app, 1).await[0].status == 401 {
        tried += 1;
    }
    assert_eq!(tried, 10);
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_stopped() {
    let app = TestApp::start().await;
    let ada = app.sign_up("ada@example.com", "Acme").await;
    let from = |ip: &'static str, email: String, password: &'static str| {
        let client = app.client.with_header("x-forwarded-for", ip);
        async move {
            let body = json!({"email": email, "password": password});
            client.post("/api/auth/login", body).await
        }
    };
    for number in 0..100 {
        // Logging in to an account of their own does not clear the address.
        if number == 50 {
            from("203.0.113.9", "ada@example.com".into(), PASSWORD)
                .await
                .assert_status(200);
        }
        let email = format!("victim{number}@example.com");
        from("203.0.113.9", email, "not the password")
            .await
            .assert_status(401);
    }
    let next = || from("203.0.113.9", "next@example.com".into(), "not the password");
    next().await.assert_error(429, "RATE_LIMITED", "");
    from("203.0.113.10", "next@example.com".into(), "not the password")
        .await
        .assert_status(401);
    // A colleague behind the same address, on a device of their own, still comes in.
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    app.client
        .with_header("x-forwarded-for", "203.0.113.9")
        .with_header("cookie", &format!("sightline_device={}", ada.device))
        .post("/api/auth/login", body)
        .await
        .assert_status(200);
}

#[tokio::test]
async fn buckets_hold_neither_addresses_nor_e_mails() {
    let app = TestApp::start().await;
    guess(&app, 1).await;
    let rows = app
        .db
        .owner()
        .await
        .query(
            "SELECT bucket, to_jsonb(t)::text AS whole FROM login_throttle t",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 2, "the account's and the address's");
    for row in rows {
        assert_eq!(row.get::<_, Vec<u8>>("bucket").len(), 32);
        assert!(!row.get::<_, String>("whole").contains("127.0.0.1"));
    }
}

#[tokio::test]
async fn what_ran_out_is_swept() {
    let db = testkit::TestDb::create().await;
    let org = testkit::Fixture::org(&db).await;
    let owner = db.owner().await;
    let sql = "UPDATE sessions SET expires_at = now() WHERE id = $1";
    owner.execute(sql, &[&org.viewer.session_id]).await.unwrap();
    let sql = "INSERT INTO login_throttle (bucket, failures, window_start, blocked_until) VALUES
                   ('\\x01', 3, now() - interval '16 minutes', NULL),
                   ('\\x02', 3, now() - interval '14 minutes', NULL),
                   ('\\x03', 12, now() - interval '1 hour', now() - interval '14 minutes'),
                   ('\\x04', 12, now() - interval '1 hour', now() - interval '16 minutes')";
    owner.execute(sql, &[]).await.unwrap();
    let url = db.url_for("sightline_identity");
    let app = TestApp::start_on(db, &url).await;
    eventually(std::time::Duration::from_secs(10), "the sweep", async || {
        let sessions = app.count("SELECT count(*) FROM sessions", &[]).await;
        let buckets = app.count("SELECT count(*) FROM login_throttle", &[]).await;
        if (sessions, buckets) == (2, 2) {
            Ok(())
        } else {
            Err(format!("{sessions} sessions, {buckets} buckets"))
        }
    })
    .await;
    let kept = "SELECT count(*) FROM login_throttle WHERE bucket IN ('\\x02', '\\x03')";
    assert_eq!(app.count(kept, &[]).await, 2);
}
