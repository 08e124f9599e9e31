//! What rules decided is kept for as long as it can be replayed, and no longer.

use testkit::eventually;

use crate::test_app::{SOON, TestApp};

#[tokio::test]
async fn what_is_older_than_history_goes_with_the_sweep() {
    let app = TestApp::start_with(&[("--sweep-interval", "0.2")]).await;
    let rule = app.error_rule(serde_json::json!({})).await;
    let org = app.org.org_id;
    for days in [34, 36] {
        let sql = format!(
            "INSERT INTO alert_transitions (org_id, rule_id, rule_version, fingerprint, at, recorded_at, transition, state, reason, detail)
            VALUES ('{org}', '{rule}', 1, 'f', now() - interval '{days} days', now() - interval '{days} days', 'fired', 'firing',
                'met', '');
            INSERT INTO alert_heartbeat_calls (org_id, rule_id, at) VALUES ('{org}', '{rule}', now() - interval '{days} days')"
        );
        app.db.owner().await.batch_execute(&sql).await.unwrap();
    }
    eventually(SOON, "only what is younger than 35 days", async || {
        let kept = "SELECT (SELECT count(*) FROM alert_transitions) * 10 + (SELECT count(*) FROM alert_heartbeat_calls)";
        let kept = app.count(kept).await;
        if kept == 11 { Ok(()) } else { Err(kept) }
    })
    .await;
}
