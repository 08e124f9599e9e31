//! The cleanup that an operator asks for.

use serde_json::json;
use testkit::Fixture;

use crate::test_app::{INGEST, INTERNAL_SECRET, TestApp, assert_accepted};

const CLEANUP: &str = "/api/v1/internal/logs/cleanup";

#[tokio::test]
async fn it_is_for_our_own_services_only() {
    let app = TestApp::start().await;
    let nobody = app.replica.client();
    for client in [
        nobody.clone(),
        nobody.with_internal_secret("guess"),
        app.sender(),
        nobody.with_cookie(&app.org.admin.cookie),
    ] {
        client
            .post(CLEANUP, json!({}))
            .await
            .assert_error(401, "UNAUTHORIZED", "X-Internal-Secret");
    }
}

#[tokio::test]
async fn it_removes_what_a_short_retention_no_longer_keeps_and_reports_it() {
    let app = TestApp::start().await;
    let patient = Fixture::org(&app.db).await;
    let owner = app.db.owner().await;
    let days_ago = |days: i32| {
        let sql = "SELECT to_char((now() - make_interval(days => $1)) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
        let owner = &owner;
        async move { owner.query_one(sql, &[&days]).await.unwrap().get::<_, String>(0) }
    };
    let old = json!([
        {"message": "old", "timestamp": days_ago(3).await},
        {"message": "old", "timestamp": days_ago(2).await},
        {"message": "young", "timestamp": days_ago(0).await},
    ]);
    for key in [app.org.api_key(), patient.api_key()] {
        let sender = app.replica.client().with_api_key(key);
        assert_accepted(&sender.post(INGEST, old.clone()).await, 3);
    }
    let shorten = "UPDATE services SET retention_days = 1 WHERE org_id = $1";
    owner.execute(shorten, &[&app.org.org_id]).await.unwrap();

    let operator = app.replica.client().with_internal_secret(INTERNAL_SECRET);
    let report = operator.post(CLEANUP, json!({})).await.data();
    assert_eq!(
        (&report["log_rows"], &report["count_rows"]),
        (&json!(2), &json!(2)),
        "{report}"
    );
    for field in [
        "partitions",
        "arrival_rows",
        "receipt_rows",
        "rate_bucket_rows",
        "patterns",
    ] {
        assert!(report.get(field).is_some(), "{field} in {report}");
    }
    assert_eq!(
        app.messages().await,
        [("old".to_owned(), 2), ("young".to_owned(), 2)]
    );
    let recorded =
        "SELECT count(*) FROM cron_runs WHERE job = 'logs.cleanup' AND outcome = 'ok' AND report = $1";
    let runs: i64 = owner.query_one(recorded, &[&report]).await.unwrap().get(0);
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn a_second_one_at_the_same_time_is_told_so() {
    let app = TestApp::start().await;
    let busy = "INSERT INTO leases (name, owner, fence, expires_at)
                VALUES ('logs.cleanup', gen_random_uuid(), 1, now() + interval '1 minute')
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at";
    app.db.owner().await.execute(busy, &[]).await.unwrap();
    let operator = app.replica.client().with_internal_secret(INTERNAL_SECRET);
    operator
        .post(CLEANUP, json!({}))
        .await
        .assert_error(409, "CONFLICT", "running already");
}
