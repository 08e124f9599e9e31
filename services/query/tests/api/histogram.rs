//! `GET /api/logs/histogram`.

use domain::role::Role;
use serde_json::json;

use crate::test_app::{TestApp, now, rfc3339};

#[tokio::test]
async fn a_histogram_is_zero_filled_and_counts_only_ones_own() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let (other, _) = app.org().await;
    let end = time::OffsetDateTime::from_unix_timestamp(now().unix_timestamp() / 600 * 600).unwrap();
    let minute = end - time::Duration::minutes(25);
    for (org_id, service_id, environment_id, count) in [
        (org.org_id, org.service_id, org.production, 5_i64),
        (org.org_id, org.service_id, org.staging, 2),
        (other.org_id, other.service_id, other.production, 1_000),
    ] {
        let sql =
            "INSERT INTO log_counts (org_id, service_id, environment_id, minute, level, writer_id, count)
            VALUES ($1, $2, $3, $4, 4, 1, $5)";
        app.db
            .owner()
            .await
            .execute(sql, &[&org_id, &service_id, &environment_id, &minute, &count])
            .await
            .unwrap();
    }
    let range = format!("from={}&to={}", rfc3339(end - time::Duration::HOUR), rfc3339(end));
    let all = viewer
        .get(&format!("/api/logs/histogram?{range}&interval=10m"))
        .await
        .data();
    assert_eq!(all["interval_seconds"], 600);
    let totals: Vec<_> = all["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| bucket["total"].clone())
        .collect();
    assert_eq!(json!(totals), json!([0, 0, 0, 7, 0, 0]));
    assert_eq!(
        all["buckets"][3],
        json!({
            "start": rfc3339(end - time::Duration::minutes(30)), "total": 7,
            "counts": {"trace": 0, "debug": 0, "info": 0, "warn": 0, "error": 7, "fatal": 0}
        })
    );
    let staging = format!("/api/logs/histogram?{range}&interval=1h&environment=staging&level=error,fatal");
    let staging = viewer.get(&staging).await.data();
    let total: i64 = staging["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["total"].as_i64().unwrap())
        .sum();
    assert_eq!(total, 2);

    let foreign = format!("/api/logs/histogram?service_id={}", other.service_id);
    viewer
        .get(&foreign)
        .await
        .assert_error(404, "NOT_FOUND", "service not found");
    let admin_of_other = app.anyone().with_cookie(other.cookie(Role::Admin));
    admin_of_other.get(&foreign).await.assert_status(200);
    app.anyone()
        .get("/api/logs/histogram")
        .await
        .assert_error(401, "UNAUTHORIZED", "log in");
}

#[tokio::test]
async fn an_interval_that_makes_no_sense_is_refused() {
    let app = TestApp::start().await;
    let (_org, viewer) = app.org().await;
    for interval in ["30s", "90s", "0m", "31d", "x", "1", "-1h"] {
        viewer
            .get(&format!("/api/logs/histogram?interval={interval}"))
            .await
            .assert_error(400, "VALIDATION_ERROR", "interval");
    }
    viewer
        .get("/api/logs/histogram?from=-7d&interval=1m")
        .await
        .assert_error(400, "VALIDATION_ERROR", "buckets");
    viewer
        .get("/api/logs/histogram?from=0001-01-01T00:00:00Z&interval=30d")
        .await
        .assert_status(400);
    viewer
        .get("/api/logs/histogram?from=-52w")
        .await
        .assert_status(200);
}
