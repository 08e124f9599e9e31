//! An incident's life beyond its first end: reopened, given to somebody, put off, made part of another.

use serde_json::{Value, json};
use testkit::Receiver;

use crate::test_app::{SOON, TestApp, list, text};

impl TestApp {
    /// A person changes an incident; how it is then.
    pub(crate) async fn change(&self, id: &str, wanted: Value) -> Value {
        let changed = self
            .developer()
            .patch(&format!("/api/incidents/{id}"), wanted)
            .await;
        changed.assert_status(200).data()
    }

    /// A moment so many seconds from now, as an API takes it.
    async fn in_seconds(&self, seconds: i64) -> String {
        let sql = format!(
            "SELECT to_char((now() + interval '{seconds} s') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        self.db.owner().await.query_one(&sql, &[]).await.unwrap().get(0)
    }

    /// The errors of the usual rule are over for it.
    async fn quiet(&self) {
        self.pass(20).await;
        self.sweep().await;
        self.pass(11).await;
        assert_eq!(self.sweep().await["resolved"], 1);
    }
}

fn types(receiver: &Receiver) -> Vec<String> {
    let told = receiver.received();
    told.iter().map(|one| text(&one.json()["type"])).collect()
}

#[tokio::test]
async fn a_problem_that_comes_back_reopens_its_incident_with_one_page_and_late_it_is_a_new_one() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 1);
    let id = text(&app.incidents().await[0]["id"]);
    app.quiet().await;
    app.errors(5).await;
    let swept = app.sweep().await;
    assert_eq!((&swept["opened"], &swept["reopened"]), (&json!(0), &json!(1)));
    assert_eq!(app.sweep().await["reopened"], 0, "once");
    let shown = app.incident(&id).await;
    assert_eq!(
        (
            &shown["status"],
            &shown["reopened_times"],
            &shown["firings"],
            &shown["resolved_at"]
        ),
        (&json!("open"), &json!(1), &json!(2), &Value::Null)
    );
    app.quiet().await;
    app.everything_is_told().await;
    assert_eq!(
        types(&receiver),
        [
            "incident.opened",
            "incident.resolved",
            "incident.reopened",
            "incident.resolved"
        ]
    );
    receiver.assert_no_faults();
    let page = &receiver.received()[2].json()["data"]["incident"];
    assert_eq!(page["status"], "open");
    assert!(
        text(&page["cause"]).contains("5 errors in the last 10 s"),
        "{page}"
    );
    app.pass(600).await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["opened"], 1);
    assert_eq!(app.incidents().await.len(), 2);
    let why = app
        .developer()
        .get(&format!("/api/incidents/{id}/explain"))
        .await
        .data();
    let reopened = list(why["notifications"].clone());
    let reopened = reopened
        .iter()
        .find(|one| one["transition"] == "reopened")
        .unwrap();
    assert!(text(&reopened["steps"][0]["message"]).starts_with("reopened: rule too many errors fired"));
}

#[tokio::test]
async fn a_person_reopens_what_is_over_unless_another_incident_has_the_problem() {
    let app = TestApp::start().await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    let first = text(&app.incidents().await[0]["id"]);
    app.quiet().await;
    let reopened = app
        .change(&first, json!({"status": "open", "reason": "not fixed"}))
        .await;
    assert_eq!(reopened["status"], "open");
    app.resolve(&first).await;
    app.pass(600).await;
    app.errors(5).await;
    app.sweep().await;
    let refused = app
        .developer()
        .patch(&format!("/api/incidents/{first}"), json!({"status": "open"}))
        .await;
    refused.assert_error(409, "CONFLICT", "another incident about the same problem is open");
    let shown = app.incident(&first).await;
    let reopened = list(shown["timeline"].clone());
    let reopened = reopened.iter().find(|event| event["kind"] == "reopened").unwrap();
    assert_eq!(reopened["actor_user_id"], json!(app.org.developer.user_id));
    assert!(text(&reopened["message"]).ends_with(": not fixed"));
}

#[tokio::test]
async fn an_incident_is_given_to_a_member_or_nobody_and_found_by_it() {
    let app = TestApp::start().await;
    let (mine, other) = (app.open("mine").await, app.open("other").await);
    let me = json!(app.org.developer.user_id);
    assert_eq!(
        app.change(&mine, json!({"assignee_id": me})).await["assignee_id"],
        me
    );
    app.change(&mine, json!({"assignee_id": me})).await;
    let found = list(app.developer().get("/api/incidents?assignee=me").await.data());
    assert_eq!((found.len(), &found[0]["title"]), (1, &json!("mine")));
    let of = format!("/api/incidents?assignee={}", app.org.viewer.user_id);
    assert_eq!(app.developer().get(&of).await.data(), json!([]));
    let stranger = json!({"assignee_id": uuid::Uuid::new_v4()});
    let refused = app
        .developer()
        .patch(&format!("/api/incidents/{other}"), stranger)
        .await;
    refused.assert_error(400, "VALIDATION_ERROR", "assignee_id");
    app.change(&mine, json!({"assignee_id": null})).await;
    let timeline = list(app.incident(&mine).await["timeline"].clone());
    let assigned: Vec<String> = timeline
        .iter()
        .filter(|event| event["kind"] == "assigned")
        .map(|event| text(&event["message"]))
        .collect();
    assert_eq!(
        assigned,
        [
            format!("assigned to {}", app.org.developer.email),
            "assigned to nobody".to_owned()
        ]
    );
    // Who leaves looks after nothing any more.
    app.change(&other, json!({"assignee_id": app.org.viewer.user_id}))
        .await;
    let sql = format!(
        "DELETE FROM org_members WHERE user_id = '{}'",
        app.org.viewer.user_id
    );
    app.db.owner().await.batch_execute(&sql).await.unwrap();
    assert_eq!(app.incident(&other).await["assignee_id"], Value::Null);
}

#[tokio::test]
async fn a_snoozed_incident_tells_nobody_and_wakes_once_by_itself() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    app.error_rule(json!({})).await;
    app.errors(5).await;
    app.sweep().await;
    app.everything_is_told().await;
    let id = text(&app.incidents().await[0]["id"]);
    let path = format!("/api/incidents/{id}");
    let past = json!({"snoozed_until": app.in_seconds(-1).await});
    app.developer()
        .patch(&path, past)
        .await
        .assert_error(400, "VALIDATION_ERROR", "snoozed_until");
    let until = app.in_seconds(3_600).await;
    app.change(&id, json!({"snoozed_until": until, "reason": "after lunch"}))
        .await;
    let snoozed = list(app.developer().get("/api/incidents?snoozed=true").await.data());
    assert_eq!(snoozed.len(), 1);
    assert_eq!(
        app.developer().get("/api/incidents?snoozed=false").await.data(),
        json!([])
    );
    // More urgent, and over, and back: nobody hears of it.
    app.change(&id, json!({"severity": "critical"})).await;
    app.quiet().await;
    app.errors(5).await;
    assert_eq!(app.sweep().await["reopened"], 1);
    assert_eq!(app.sweep().await["woken"], 0, "not yet");
    assert_eq!(types(&receiver), ["incident.opened"]);
    let sql = "UPDATE incidents SET snoozed_until = now()";
    app.db.owner().await.batch_execute(sql).await.unwrap();
    app.errors(5).await;
    assert_eq!(app.sweep().await["woken"], 1);
    assert_eq!(app.sweep().await["woken"], 0, "once");
    receiver.wait_for(2, SOON).await;
    app.everything_is_told().await;
    assert_eq!(types(&receiver), ["incident.opened", "incident.reminded"]);
    assert_eq!(
        receiver.received()[1].json()["data"]["incident"]["severity"],
        "critical"
    );
    let why = app.developer().get(&format!("{path}/explain")).await.data();
    let because: Vec<String> = list(why["notifications"].clone())
        .iter()
        .filter(|one| one["told"] == false)
        .map(|one| text(&one["because"]))
        .collect();
    assert_eq!(because.len(), 3, "raised, resolved, reopened: {because:?}");
    assert!(
        because
            .iter()
            .all(|why| why.starts_with("the incident is snoozed until")),
        "{because:?}"
    );
}

#[tokio::test]
async fn what_ended_while_it_was_snoozed_is_told_when_the_snooze_is_over() {
    let app = TestApp::start().await;
    let receiver = Receiver::standard_webhooks(None).await;
    app.webhook("ops", &receiver).await;
    let id = app.open("outage").await;
    app.everything_is_told().await;
    app.change(&id, json!({"snoozed_until": app.in_seconds(60).await}))
        .await;
    app.resolve(&id).await;
    app.pass(61).await;
    assert_eq!(app.sweep().await["woken"], 1);
    app.everything_is_told().await;
    assert_eq!(types(&receiver), ["incident.opened", "incident.resolved"]);
    // Whoever ends the wait by hand looks at it anyway.
    let other = app.open("another").await;
    app.everything_is_told().await;
    app.change(&other, json!({"snoozed_until": app.in_seconds(60).await}))
        .await;
    app.change(&other, json!({"severity": "high"})).await;
    app.change(&other, json!({"snoozed_until": null})).await;
    app.everything_is_told().await;
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn a_higher_severity_calls_where_the_routes_say_then() {
    let app = TestApp::start().await;
    let (chat, pager) = (Receiver::slack().await, Receiver::slack().await);
    app.chat_and_pager(&chat, &pager).await;
    let id = app.open("slow").await;
    app.everything_is_told().await;
    assert_eq!((chat.received().len(), pager.received().len()), (1, 0));
    app.change(&id, json!({"severity": "critical"})).await;
    app.change(&id, json!({"severity": "medium"})).await;
    app.everything_is_told().await;
    assert_eq!((chat.received().len(), pager.received().len()), (1, 1));
    assert!(
        pager.received()[0].text().contains("more severe"),
        "{}",
        pager.received()[0].text()
    );
    app.resolve(&id).await;
    app.everything_is_told().await;
    assert_eq!(
        (chat.received().len(), pager.received().len()),
        (2, 2),
        "both hear of the end"
    );
}

/// Two incidents of one rule, in production and in staging; the second one was merged into the first.
async fn merged(app: &TestApp) -> (String, String) {
    app.error_rule(json!({"environment_id": null})).await;
    app.errors(5).await;
    app.sweep().await;
    app.arrive(app.org.staging, domain::level::Level::Error, 5).await;
    app.sweep().await;
    let incidents = app.incidents().await;
    let (one, other) = (text(&incidents[1]["id"]), text(&incidents[0]["id"]));
    let wanted = json!({"into": one, "reason": "one database"});
    let reply = app
        .developer()
        .post(&format!("/api/incidents/{other}/merge"), wanted)
        .await;
    let merged = reply.assert_status(200).data();
    assert_eq!(
        (&merged["status"], &merged["merged_into"]),
        (&json!("resolved"), &json!(one))
    );
    (one, other)
}

#[tokio::test]
async fn a_merged_incident_goes_on_in_the_other_which_ends_when_both_problems_are_clear() {
    let app = TestApp::start().await;
    let (one, other) = merged(&app).await;
    let shown = app.incident(&one).await;
    assert_eq!((&shown["firing"], &shown["firings"]), (&json!(2), &json!(2)));
    assert_eq!(shown["merged"][0]["id"], json!(other));
    assert!(app.timeline(&one).await.contains(&"took_in".to_owned()));
    assert!(app.timeline(&other).await.contains(&"merged".to_owned()));
    // The problem of production is clear, the other one fires on.
    app.pass(20).await;
    app.arrive(app.org.staging, domain::level::Level::Error, 5).await;
    app.sweep().await;
    app.pass(11).await;
    app.arrive(app.org.staging, domain::level::Level::Error, 5).await;
    assert_eq!(app.sweep().await["resolved"], 0);
    assert_eq!(app.incident(&one).await["firing"], 1);
    app.quiet().await;
    assert_eq!(app.incident(&one).await["status"], "resolved");
    // What was merged comes back in the other one.
    app.arrive(app.org.staging, domain::level::Level::Error, 5).await;
    assert_eq!(app.sweep().await["reopened"], 1);
    assert_eq!(app.incident(&one).await["status"], "open");
    assert_eq!(app.incident(&other).await["status"], "resolved");
    assert_eq!(app.incidents().await.len(), 2);
}

#[tokio::test]
async fn merging_makes_no_circles_and_cannot_be_undone() {
    let app = TestApp::start().await;
    let (one, other) = merged(&app).await;
    let merge = async |id: &str, into: &str| {
        let wanted = json!({"into": into});
        app.developer()
            .post(&format!("/api/incidents/{id}/merge"), wanted)
            .await
    };
    merge(&one, &other)
        .await
        .assert_error(409, "CONFLICT", "itself merged");
    merge(&one, &one)
        .await
        .assert_error(409, "CONFLICT", "into itself");
    merge(&other, &one).await.assert_status(200);
    let again = app
        .developer()
        .patch(&format!("/api/incidents/{other}"), json!({"status": "open"}))
        .await;
    again.assert_error(409, "CONFLICT", "was merged into");
    let third = app.open("by hand").await;
    merge(&other, &third)
        .await
        .assert_error(409, "CONFLICT", "was merged into");
    let nobody = uuid::Uuid::new_v4().to_string();
    merge(&third, &nobody).await.assert_status(404);
    // A chain of two: what fires goes to its end, which a person opened and a person ends.
    merge(&one, &third).await.assert_status(200);
    assert_eq!(app.incident(&third).await["firing"], 2);
    app.pass(20).await;
    app.sweep().await;
    app.pass(11).await;
    assert_eq!(app.sweep().await["resolved"], 0);
    let shown = app.incident(&third).await;
    assert_eq!((&shown["status"], &shown["firing"]), (&json!("open"), &json!(0)));
    app.errors(5).await;
    assert_eq!(app.sweep().await["joined"], 1, "at the end of the chain");
    assert_eq!(
        app.count("SELECT count(*) FROM audit_logs WHERE action = 'incident.merge'")
            .await,
        2
    );
}
