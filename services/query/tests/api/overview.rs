//! `GET /api/overview`.

use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::test_app::{TestApp, now};

#[tokio::test]
async fn one_call_tells_how_everything_is() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let (stranger, _) = app.org().await;
    let (billing, [billing_production, _]) = org.insert_service(&app.db, "billing").await;
    let owner = app.db.owner().await;
    for (org, service, environment, ago, level, count) in [
        (org.org_id, org.service_id, org.production, 5, 2_i16, 70_i64),
        (org.org_id, org.service_id, org.production, 6, 4, 3),
        (org.org_id, billing, billing_production, 90, 5, 9),
        (
            stranger.org_id,
            stranger.service_id,
            stranger.production,
            5,
            4,
            1_000,
        ),
    ] {
        let sql =
            "INSERT INTO log_counts (org_id, service_id, environment_id, minute, level, writer_id, count)
            VALUES ($1, $2, $3, $4, $5, 1, $6)";
        let minute = now() - Duration::minutes(ago);
        owner
            .execute(sql, &[&org, &service, &environment, &minute, &level, &count])
            .await
            .unwrap();
    }
    for (id, org, severity, status) in [
        (1_u128, org.org_id, "low", "open"),
        (2, org.org_id, "critical", "acknowledged"),
        (3, org.org_id, "high", "resolved"),
        (4, stranger.org_id, "critical", "open"),
    ] {
        let sql =
            "INSERT INTO incidents (org_id, id, status, severity, source, title, fingerprint, opened_at)
            VALUES ($1, $2, $3, $4, 'manual', $4, $5, now())";
        let id = uuid::Uuid::from_u128(id);
        owner
            .execute(sql, &[&org, &id, &status, &severity, &id.to_string()])
            .await
            .unwrap();
    }
    let sql = "INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, status, status_at,
            version, created_at)
        VALUES ($1, gen_random_uuid(), $2, $3, 'api', $4, $5, now(), $4, now() - make_interval(mins => $6))";
    for (version, status, ago) in [("v1", "success", 20), ("v2", "failure", 10)] {
        owner
            .execute(
                sql,
                &[
                    &org.org_id,
                    &org.service_id,
                    &org.production,
                    &version,
                    &status,
                    &ago,
                ],
            )
            .await
            .unwrap();
    }
    for (rule, org, state) in [
        ("burst", org.org_id, "firing"),
        ("calm", org.org_id, "pending"),
        ("strange", stranger.org_id, "firing"),
    ] {
        let sql = "WITH rule AS (
                INSERT INTO alert_rules (org_id, id, name, type, params_json, severity)
                VALUES ($1, gen_random_uuid(), $2, 'error_count', '{}', 'high') RETURNING org_id, id
            )
            INSERT INTO alert_firings (org_id, rule_id, fingerprint, state, last_evaluated_at)
            SELECT org_id, id, fingerprint, $3, now() FROM rule, unnest(ARRAY['a', 'b']) AS fingerprint";
        owner.execute(sql, &[&org, &rule, &state]).await.unwrap();
    }

    let data = viewer.get("/api/overview?window=1h").await.data();
    let services = data["services"].as_array().unwrap();
    let names: Vec<&str> = services
        .iter()
        .map(|service| service["service"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["billing", "default"]);
    let numbers = |place: usize| {
        ["lines", "errors", "lines_before", "errors_before"]
            .map(|name| services[place][name].as_u64().unwrap())
    };
    assert_eq!((numbers(0), numbers(1)), ([0, 0, 9, 9], [73, 3, 0, 0]));
    let newest = services[1]["newest_line"].as_str().unwrap();
    let ago = now() - OffsetDateTime::parse(newest, &Rfc3339).unwrap();
    assert!((5..=6).contains(&ago.whole_minutes()), "{ago}");
    assert_eq!(services[0]["newest_line"], json!(null), "none in the window");
    let deployments = services[1]["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 1, "the newest of the environment");
    assert_eq!(
        (
            &deployments[0]["version"],
            &deployments[0]["status"],
            &deployments[0]["environment"]
        ),
        (&json!("v2"), &json!("failure"), &json!("production"))
    );
    let titles: Vec<&str> = data["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|incident| incident["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["critical", "low"], "the worst first");
    assert_eq!(data["open_incidents"], json!(2));
    let firing = data["firing"].as_array().unwrap();
    assert_eq!(firing.len(), 1, "{firing:?}");
    assert_eq!(
        (&firing[0]["name"], &firing[0]["firings"]),
        (&json!("burst"), &json!(2))
    );
    viewer
        .get("/api/overview?window=31d")
        .await
        .assert_error(400, "VALIDATION_ERROR", "window");
}
