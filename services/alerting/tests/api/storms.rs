//! Many firings at once are one incident and one page, and each of them is explained.

use domain::ids::EnvironmentId;
use domain::level::Level;
use serde_json::{Value, json};
use testkit::Receiver;

use crate::test_app::{TestApp, list, text};

impl TestApp {
    /// Environments of the usual service.
    async fn shards(&self, count: usize) -> Vec<EnvironmentId> {
        let owner = self.db.owner().await;
        let mut shards = Vec::new();
        for number in 0..count {
            let id = EnvironmentId::generate();
            let sql = "INSERT INTO environments (org_id, id, service_id, name) VALUES ($1, $2, $3, $4)";
            let name = format!("shard {number}");
            owner
                .execute(sql, &[&self.org.org_id, &id, &self.org.service_id, &name])
                .await
                .unwrap();
            shards.push(id);
        }
        shards
    }

    async fn fail(&self, shards: &[EnvironmentId]) {
        for shard in shards {
            self.arrive(*shard, Level::Error, 5).await;
        }
    }
}

async fn rule_everywhere(app: &TestApp) {
    app.error_rule(json!({"environment_id": null})).await;
}

#[tokio::test]
async fn a_rule_that_fires_everywhere_at_once_is_one_incident_one_page_and_one_end() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    rule_everywhere(&app).await;
    let shards = app.shards(30).await;
    app.fail(&shards).await;
    let swept = app.sweep().await;
    assert_eq!((&swept["opened"], &swept["joined"]), (&json!(1), &json!(29)));
    let storm = app.incidents().await.remove(0);
    let id = text(&storm["id"]);
    assert_eq!(
        (&storm["storm_of"], &storm["firings"]),
        (&json!("rule"), &json!(30))
    );
    assert!(
        text(&storm["summary"]).starts_with("30 firings within 60 s"),
        "{storm}"
    );
    let shown = app.incident(&id).await;
    assert_eq!(
        (shown["firing"].as_i64(), list(shown["members"].clone()).len()),
        (Some(30), 30)
    );
    let page = app
        .developer()
        .get(&format!("/api/incidents/{id}/members?limit=20"))
        .await;
    let cursor = page.next_cursor().unwrap();
    let rest = app
        .developer()
        .get(&format!("/api/incidents/{id}/members?limit=20&cursor={cursor}"))
        .await;
    assert_eq!(list(rest.data()).len(), 10);
    let timeline = app.timeline(&id).await;
    let joined = timeline.iter().filter(|kind| *kind == "firing_joined").count();
    assert_eq!(joined, 10, "2 to 10, and 16: {timeline:?}");
    // Some are clear, which ends nothing.
    app.pass(20).await;
    app.fail(&shards[..2]).await;
    app.sweep().await;
    app.pass(11).await;
    app.fail(&shards[..2]).await;
    let swept = app.sweep().await;
    assert_eq!(swept["resolved"], 0);
    assert_eq!(app.incident(&id).await["firing"], 2);
    app.pass(20).await;
    app.sweep().await;
    app.pass(11).await;
    assert_eq!(app.sweep().await["resolved"], 1);
    app.everything_is_told().await;
    let told: Vec<String> = receiver
        .received()
        .iter()
        .map(|one| text(&one.json()["type"]))
        .collect();
    assert_eq!(told, ["incident.opened", "incident.resolved"]);
    receiver.assert_no_faults();
}

#[tokio::test]
async fn a_firing_that_joined_a_storm_is_explained() {
    let app = TestApp::start().await;
    let receiver = Receiver::slack().await;
    app.slack("ops", &receiver).await;
    rule_everywhere(&app).await;
    let shards = app.shards(12).await;
    app.fail(&shards).await;
    app.sweep().await;
    app.everything_is_told().await;
    let id = text(&app.incidents().await[0]["id"]);
    let why = app
        .developer()
        .get(&format!("/api/incidents/{id}/explain"))
        .await
        .data();
    let firings = list(why["firings"].clone());
    assert_eq!(firings.len(), 12);
    assert!(
        firings
            .iter()
            .all(|one| text(&one["because"]).contains("so many firings of its rule"))
    );
    let steps = list(why["notifications"][0]["steps"].clone());
    assert!(
        text(&steps[1]["message"]).starts_with("a storm: one incident"),
        "{steps:?}"
    );
    for shard in &shards {
        let path = format!(
            "/api/explain?service_id={}&environment_id={shard}",
            app.org.service_id
        );
        let there = app.developer().get(&path).await.assert_status(200).data();
        let incidents = list(there["incidents"].clone());
        assert_eq!(
            (incidents.len(), &incidents[0]["incident"]["id"]),
            (1, &json!(id)),
            "{shard}"
        );
        let mine = list(incidents[0]["firings"].clone());
        assert_eq!((mine.len(), &mine[0]["environment_id"]), (1, &json!(shard)));
        assert_eq!(mine[0]["row"]["table"], "incident_members");
        assert_eq!(incidents[0]["notifications"][0]["told"], true);
        assert!(
            text(&there["rules"][0]["because"]).contains("part of a storm"),
            "{there}"
        );
    }
    let sql = "SELECT count(*) FROM alert_transitions WHERE transition = 'fired' AND incident_id IS NOT NULL";
    assert_eq!(app.count(sql).await, 12);
}

#[tokio::test]
async fn few_firings_have_an_incident_each_and_those_that_follow_within_the_minute_join() {
    let app = TestApp::start().await;
    rule_everywhere(&app).await;
    let shards = app.shards(12).await;
    app.fail(&shards[..9]).await;
    assert_eq!(app.sweep().await["opened"], 9);
    app.fail(&shards[9..11]).await;
    let swept = app.sweep().await;
    assert_eq!(
        (&swept["opened"], &swept["joined"]),
        (&json!(1), &json!(1)),
        "the tenth makes a storm"
    );
    // Long after the last one joined, a firing has a page of its own.
    app.pass(301).await;
    app.fail(&shards[11..]).await;
    assert_eq!(app.sweep().await["opened"], 1);
    let newest = app.incidents().await.remove(0);
    assert_eq!(
        (&newest["storm_of"], &newest["status"]),
        (&Value::Null, &json!("open"))
    );
}

#[tokio::test]
async fn a_storm_over_rules_of_one_service_is_as_urgent_as_its_worst_and_calls_whoever_a_firing_concerns() {
    let app = TestApp::start().await;
    let (chat, pager) = (Receiver::slack().await, Receiver::slack().await);
    app.chat_and_pager(&chat, &pager).await;
    let settings = json!({"reopen_seconds": 600, "storm_threshold": 3, "storm_window_seconds": 60});
    app.developer()
        .put("/api/incidents/settings", settings)
        .await
        .assert_status(200);
    app.errors(5).await;
    for number in 0..5 {
        let severity = if number == 4 { "critical" } else { "low" };
        app.error_rule(json!({"name": format!("rule {number}"), "severity": severity}))
            .await;
        app.sweep().await;
    }
    app.everything_is_told().await;
    let incidents = app.incidents().await;
    assert_eq!(incidents.len(), 3, "two alone, and the storm");
    let storm = &incidents[0];
    assert_eq!(
        (&storm["storm_of"], &storm["severity"], &storm["firings"]),
        (&json!("service"), &json!("critical"), &json!(3))
    );
    assert_eq!((chat.received().len(), pager.received().len()), (3, 1));
}

#[tokio::test]
async fn another_problem_beside_a_storm_has_an_incident_of_its_own() {
    let app = TestApp::start().await;
    rule_everywhere(&app).await;
    let shards = app.shards(12).await;
    app.fail(&shards).await;
    app.sweep().await;
    app.error_rule(json!({"name": "another", "environment_id": shards[0]}))
        .await;
    app.sweep().await;
    let newest = app.incidents().await.remove(0);
    assert_eq!(
        (&newest["storm_of"], &newest["firings"]),
        (&Value::Null, &json!(1)),
        "the storm is one problem at its service: {newest}"
    );
}

#[tokio::test]
async fn the_settings_are_checked_and_audited() {
    let app = TestApp::start().await;
    let path = "/api/incidents/settings";
    let usual = json!({"reopen_seconds": 600, "storm_threshold": 10, "storm_window_seconds": 60});
    assert_eq!(app.developer().get(path).await.assert_status(200).data(), usual);
    for (field, value) in [
        ("reopen_seconds", json!(86_401)),
        ("storm_threshold", json!(1)),
        ("storm_window_seconds", json!(4)),
    ] {
        let mut wanted = usual.clone();
        wanted[field] = value;
        let refused = app.developer().put(path, wanted).await;
        refused.assert_error(400, "VALIDATION_ERROR", field);
    }
    app.developer().put(path, usual).await.assert_status(200);
    app.each_alone().await;
    assert_eq!(
        app.developer().get(path).await.data()["storm_threshold"],
        Value::Null
    );
    let sql = "SELECT count(*) FROM audit_logs WHERE action = 'incident_settings.change'";
    assert_eq!(app.count(sql).await, 1);
}
