//! Routes, silences and maintenance windows: who is told, what is held back, and that each of it is on record.

use serde_json::{Value, json};
use testkit::{Receiver, eventually};

use crate::test_app::{SOON, TestApp, list, text};

/// Two channels, the receivers behind them, and a route for urgent things to the second.
struct Office {
    app: TestApp,
    chat: Receiver,
    pager: Receiver,
    chat_id: String,
    pager_id: String,
}

impl Office {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let (chat, pager) = (Receiver::slack().await, Receiver::slack().await);
        let chat_id = app.slack("chat", &chat).await;
        let pager_id = app.slack("pager", &pager).await;
        Self {
            app,
            chat,
            pager,
            chat_id,
            pager_id,
        }
    }

    async fn route(&self, wanted: Value) -> String {
        let made = self.app.developer().post("/api/routing/routes", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    async fn silence(&self, wanted: Value) -> String {
        let made = self.app.developer().post("/api/silences", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    async fn open_incident(&self, wanted: Value) -> String {
        let made = self.app.developer().post("/api/incidents", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    fn told(&self) -> (usize, usize) {
        (self.chat.received().len(), self.pager.received().len())
    }

    /// `(state, channel, because)` of each explanation of an incident, in the order of the channels' names.
    async fn why(&self, incident: &str) -> Vec<(String, String, String)> {
        let path = format!("/api/incidents/{incident}/explain");
        let explained = self.app.developer().get(&path).await.assert_status(200).data();
        let mut found: Vec<_> = list(explained["notifications"].clone())
            .iter()
            .map(|one| {
                let channel = one["channel_name"].as_str().unwrap_or("-").to_owned();
                (text(&one["state"]), channel, text(&one["because"]))
            })
            .collect();
        found.sort_by(|one, other| one.1.cmp(&other.1));
        found
    }

    async fn held(&self) -> i64 {
        self.app
            .count("SELECT count(*) FROM notification_jobs WHERE state = 'held'")
            .await
    }
}

#[tokio::test]
async fn routes_choose_in_order_and_without_a_match_everybody_is_told() {
    let office = Office::open().await;
    let urgent =
        json!({"name": "urgent", "matcher": {"min_severity": "high"}, "channel_ids": [office.pager_id]});
    let urgent = office.route(urgent).await;
    let team =
        json!({"name": "search", "matcher": {"labels": {"team": "search"}}, "channel_ids": [office.chat_id]});
    let team = office.route(team).await;
    let incident = json!({"title": "a", "severity": "critical", "labels": {"team": "search"}});
    let first = office.open_incident(incident.clone()).await;
    office.app.everything_is_told().await;
    assert_eq!(office.told(), (0, 1), "the first route decides");
    // In the other order, the other one does.
    let order = json!({"ids": [team, urgent]});
    let reply = office.app.developer().put("/api/routing/order", order).await;
    assert_eq!(reply.assert_status(200).data()[0]["name"], "search");
    office.open_incident(incident).await;
    office.app.everything_is_told().await;
    assert_eq!(office.told(), (1, 1));
    office
        .open_incident(json!({"title": "c", "severity": "low"}))
        .await;
    office.app.everything_is_told().await;
    assert_eq!(office.told(), (2, 2), "no route matches");
    // Whoever was told of the beginning is told of the end, and nobody else who was not chosen.
    office.app.resolve(&first).await;
    office.app.everything_is_told().await;
    assert_eq!(office.pager.received().len(), 3);
    let why = office.why(&first).await;
    assert!(
        why.iter()
            .any(|(state, channel, _)| (state.as_str(), channel.as_str()) == ("sent", "pager")),
        "{why:?}"
    );
    let incomplete = json!({"ids": [urgent]});
    let refused = office.app.developer().put("/api/routing/order", incomplete).await;
    refused.assert_error(409, "CONFLICT", "every route once");
    assert_eq!(
        office
            .app
            .count("SELECT count(*) FROM audit_logs WHERE action LIKE 'route.%'")
            .await,
        3
    );
}

#[tokio::test]
async fn a_route_that_tells_nobody_leaves_a_row_that_says_so() {
    let office = Office::open().await;
    office.route(json!({"name": "nobody", "channel_ids": []})).await;
    let incident = office.app.open("outage").await;
    let why = office.why(&incident).await;
    assert_eq!(why.len(), 1);
    assert_eq!((why[0].0.as_str(), why[0].1.as_str()), ("unrouted", "-"));
    assert!(why[0].2.contains("nobody was chosen"), "{why:?}");
    assert_eq!(office.app.timeline(&incident).await, ["opened", "nobody_told"]);
    assert_eq!(office.told(), (0, 0));
}

#[tokio::test]
async fn who_would_be_told_is_what_happens() {
    let office = Office::open().await;
    office
        .route(
            json!({"name": "urgent", "matcher": {"min_severity": "high"}, "channel_ids": [office.pager_id]}),
        )
        .await;
    office
        .silence(
            json!({"matcher": {"labels": {"team": "search"}}, "ends_at": "2099-01-01T00:00:00Z", "starts_at":
            "2098-12-01T00:00:00Z", "reason": "migration"}),
        )
        .await;
    let preview = async |wanted: Value| {
        let reply = office.app.developer().post("/api/routing/preview", wanted).await;
        let told = list(reply.assert_status(200).data());
        told.iter()
            .map(|one| (text(&one["channel_name"]), one["told"] == true))
            .collect::<Vec<_>>()
    };
    let named = |name: &str, told| (name.to_owned(), told);
    assert_eq!(
        preview(json!({"severity": "critical"})).await,
        [named("pager", true)]
    );
    assert_eq!(
        preview(json!({"severity": "low"})).await,
        [named("chat", true), named("pager", true)]
    );
    let then = json!({"severity": "high", "labels": {"team": "search"}, "at": "2098-12-15T00:00:00Z"});
    assert_eq!(preview(then).await, [named("pager", false)]);
    let nowhere = json!({"severity": "low", "service_id": uuid::Uuid::new_v4()});
    let reply = office.app.developer().post("/api/routing/preview", nowhere).await;
    reply.assert_error(404, "NOT_FOUND", "service");
}

#[tokio::test]
async fn a_silence_holds_back_and_what_is_not_over_when_it_ends_is_told_then() {
    let office = Office::open().await;
    let wanted = json!({"matcher": {"max_severity": "medium"}, "ends_at": "2098-12-01T00:00:00Z", "reason": "migration"});
    let refused = office.app.developer().post("/api/silences", wanted).await;
    refused.assert_error(400, "VALIDATION_ERROR", "");
    let soon = crate::test_app::tomorrow();
    let silence = office
        .silence(json!({"matcher": {"max_severity": "medium"}, "ends_at": soon, "reason": "migration"}))
        .await;
    let over = office.app.open("over before the silence").await;
    let lasting = office.app.open("still there").await;
    let loud = office
        .open_incident(json!({"title": "urgent", "severity": "critical"}))
        .await;
    office.app.resolve(&over).await;
    eventually(SOON, "the urgent one told", async || match office.told() {
        (1, 1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let why = office.why(&lasting).await;
    assert!(
        why.iter()
            .all(|(state, _, because)| state == "held" && because.contains("migration")),
        "{why:?}"
    );
    let shown = office
        .app
        .developer()
        .get(&format!("/api/silences/{silence}"))
        .await
        .data();
    assert_eq!(shown["held"], 4, "two incidents, two channels: {shown}");
    let held = office
        .app
        .developer()
        .get(&format!("/api/notifications?silence_id={silence}"))
        .await
        .data();
    assert_eq!(list(held).len(), 4);
    // Ended before its time: what is over stays untold, the rest is told.
    let ended = office
        .app
        .developer()
        .delete(&format!("/api/silences/{silence}"))
        .await;
    ended.assert_status(204);
    eventually(SOON, "the lasting one told", async || match office.told() {
        (2, 2) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    eventually(SOON, "everything looked at", async || {
        let sql = "SELECT count(*) FROM notification_jobs WHERE state = 'held' AND settled_at IS NULL";
        match office.app.count(sql).await {
            0 => Ok(()),
            left => Err(left),
        }
    })
    .await;
    assert_eq!(
        office.held().await,
        4,
        "the opening and the end of what was over, at two channels"
    );
    for incident in [&over, &lasting, &loud] {
        office.app.resolve(incident).await;
    }
    office.app.everything_is_told().await;
    assert_eq!(
        office.told(),
        (4, 4),
        "nobody hears of the end of what they never heard of"
    );
    assert!(office.chat.received()[1].text().contains("still there"));
    let why = office.why(&over).await;
    assert!(
        why.iter().all(
            |(state, _, because)| state == "held" && because.contains("over before")
                || because.contains("not told")
        ),
        "{why:?}"
    );
}

#[tokio::test]
async fn a_maintenance_window_holds_back_while_it_is_open() {
    let office = Office::open().await;
    let schedule = json!({"time_zone": "Europe/Berlin", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "start": "00:00", "duration_minutes": 1_440});
    let wanted = json!({"name": "always", "reason": "tests", "schedule": schedule,
        "matcher": {"service_id": office.app.org.service_id}});
    let made = office
        .app
        .developer()
        .post("/api/maintenance-windows", wanted)
        .await;
    let made = made.assert_status(201).data();
    assert_eq!(list(made["next"].clone()).len(), 3);
    let path = format!("/api/maintenance-windows/{}", text(&made["id"]));
    let there = json!({"title": "there", "severity": "high", "service_id": office.app.org.service_id});
    let there = office.open_incident(there).await;
    office.app.open("elsewhere").await;
    eventually(SOON, "the other one told", async || match office.told() {
        (1, 1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let why = office.why(&there).await;
    assert!(
        why.iter().all(|(_, _, because)| because.contains("always")),
        "{why:?}"
    );
    let closed = office
        .app
        .developer()
        .patch(&path, json!({"enabled": false}))
        .await;
    assert_eq!(closed.assert_status(200).data()["held"], 2);
    eventually(SOON, "what it held", async || match office.told() {
        (2, 2) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    office.app.developer().delete(&path).await.assert_status(204);
    office.app.developer().get(&path).await.assert_status(404);
}

#[tokio::test]
async fn mistakes_are_named_by_their_field() {
    let office = Office::open().await;
    let schedule = json!({"time_zone": "UTC", "days": ["mon"], "start": "00:00", "duration_minutes": 60});
    let with = |field: &str, value: Value| {
        let mut changed = schedule.clone();
        changed[field] = value;
        json!({"name": "x", "schedule": changed})
    };
    for (path, body, field) in [
        (
            "/api/routing/routes",
            json!({"name": "x", "channel_ids": [office.chat_id, office.chat_id]}),
            "channel_ids",
        ),
        (
            "/api/routing/routes",
            json!({"name": "x", "channel_ids": [], "matcher": {"colour": 1}}),
            "matcher.colour",
        ),
        (
            "/api/routing/routes",
            json!({"name": "x", "channel_ids": [], "matcher": {"min_severity": "high", "max_severity": "low"}}),
            "matcher.min_severity",
        ),
        (
            "/api/silences",
            json!({"ends_at": "2001-01-01T00:00:00Z", "reason": "x"}),
            "ends_at",
        ),
        (
            "/api/silences",
            json!({"ends_at": "2099-01-01T00:00:00Z", "reason": "x"}),
            "ends_at",
        ),
        (
            "/api/maintenance-windows",
            with("time_zone", json!("Mars/Olympus")),
            "schedule.time_zone",
        ),
        (
            "/api/maintenance-windows",
            with("start", json!("25:00")),
            "schedule.start",
        ),
        (
            "/api/maintenance-windows",
            with("days", json!([])),
            "schedule.days",
        ),
        (
            "/api/maintenance-windows",
            with("duration_minutes", json!(0)),
            "schedule.duration_minutes",
        ),
        ("/api/notifications/retry", json!({}), "all"),
    ] {
        let refused = office.app.developer().post(path, body).await;
        refused.assert_error(400, "VALIDATION_ERROR", "");
        assert_eq!(
            refused.body["error"]["details"][0]["path"], field,
            "{}",
            refused.body
        );
    }
    let foreign = json!({"name": "x", "channel_ids": [uuid::Uuid::new_v4()]});
    let refused = office.app.developer().post("/api/routing/routes", foreign).await;
    refused.assert_error(404, "NOT_FOUND", "channel");
}
