//! The service under test.

use std::time::Duration;

use alerting::Config;
use clap::Parser as _;
use domain::ids::{EnvironmentId, ServiceId};
use domain::level::Level;
use domain::role::Role;
use serde_json::{Value, json};
use service_kit::Running;
use testkit::{Client, Fixture, Receiver, TestDb, eventually};

pub(crate) const INTERNAL_SECRET: &str = "internal-secret-of-the-tests";
pub(crate) const SEALING_KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Within which everything that is due must have happened, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A running alerting with a database of its own and one organisation. Without a broker, and sweeping only when it is
/// told to, unless started otherwise: tests say when something is evaluated.
pub(crate) struct TestApp {
    pub(crate) db: TestDb,
    pub(crate) org: Fixture,
    pub(crate) replica: Replica,
}

/// One process of alerting.
pub(crate) struct Replica {
    base: String,
    running: Running,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings that differ from the usual: `("--egress-allow", "")`.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        let replica = Replica::start(&db, settings).await;
        Self { db, org, replica }
    }

    pub(crate) fn as_role(&self, role: Role) -> Client {
        self.replica.client().with_cookie(self.org.cookie(role))
    }

    pub(crate) fn developer(&self) -> Client {
        self.as_role(Role::Developer)
    }

    /// Evaluates every rule of every organisation now; what that did.
    pub(crate) async fn sweep(&self) -> Value {
        self.replica.sweep().await
    }

    /// Lets `count` lines of this level arrive in an environment, now.
    pub(crate) async fn arrive(&self, environment: EnvironmentId, level: Level, count: i64) {
        self.arrive_at(self.org.service_id, environment, level, count)
            .await;
    }

    pub(crate) async fn arrive_at(
        &self,
        service: ServiceId,
        environment: EnvironmentId,
        level: Level,
        count: i64,
    ) {
        let ingest = self.db.db("sightline_ingest");
        let conn = ingest.conn("test").await.unwrap();
        let sql = "SELECT add_log_counts(1, ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[$3::uuid],
            ARRAY[date_trunc('minute', now())], ARRAY[$4::smallint], ARRAY[$5::bigint])";
        conn.execute(
            sql,
            &[&self.org.org_id, &service, &environment, &level.code(), &count],
        )
        .await
        .unwrap();
    }

    pub(crate) async fn errors(&self, count: i64) {
        self.arrive(self.org.production, Level::Error, count).await;
    }

    /// Lets errors with this message arrive in production now, as loose rows that are counted.
    pub(crate) async fn failing(&self, message: &str, count: i32) {
        self.lines(message, json!({}), count).await;
        self.errors(count.into()).await;
    }

    /// Stores lines with this message and these fields in production, now.
    pub(crate) async fn lines(&self, message: &str, meta: Value, count: i32) {
        let sql = "INSERT INTO logs (id, org_id, service_id, environment_id, ts, level, message, meta_json)
            SELECT nextval('logs_id_seq'), $1, $2, $3, clock_timestamp(), 4, $4, $5 FROM generate_series(1, $6)";
        self.db
            .owner()
            .await
            .execute(
                sql,
                &[
                    &self.org.org_id,
                    &self.org.service_id,
                    &self.org.production,
                    &message,
                    &meta,
                    &count,
                ],
            )
            .await
            .unwrap();
    }

    /// Time passes: everything that alerting remembers is this much older.
    pub(crate) async fn pass(&self, seconds: i64) {
        // Far away first, so that no bucket meets another one on its way.
        let sql = format!(
            "UPDATE log_arrivals SET bucket = bucket + interval '9999 days';
             UPDATE log_arrivals SET bucket = bucket - interval '9999 days' - interval '{seconds} s';
             UPDATE alert_firings SET pending_since = pending_since - interval '{seconds} s',
                fired_at = fired_at - interval '{seconds} s', last_true_at = last_true_at - interval '{seconds} s',
                clear_since = clear_since - interval '{seconds} s', evaluated_to = evaluated_to - interval '{seconds} s';
             UPDATE alert_rules SET evaluated_to = evaluated_to - interval '{seconds} s',
                last_evaluated_at = last_evaluated_at - interval '{seconds} s';
             UPDATE alert_transitions SET at = at - interval '{seconds} s', recorded_at = recorded_at - interval '{seconds} s';
             UPDATE alert_rule_versions SET created_at = created_at - interval '{seconds} s';
             UPDATE alert_heartbeats SET last_beat_at = last_beat_at - interval '{seconds} s';
             UPDATE alert_heartbeat_calls SET at = at + interval '9999 days';
             UPDATE alert_heartbeat_calls SET at = at - interval '9999 days' - interval '{seconds} s';
             UPDATE logs SET ts = ts - interval '{seconds} s', created_at = created_at - interval '{seconds} s';
             UPDATE log_error_arrivals SET bucket = bucket + interval '9999 days';
             UPDATE log_error_arrivals SET bucket = bucket - interval '9999 days' - interval '{seconds} s';
             UPDATE log_pattern_places SET recorded_at = recorded_at - interval '{seconds} s',
                first_seen = first_seen - interval '{seconds} s', last_seen = last_seen - interval '{seconds} s';
             UPDATE incidents SET opened_at = opened_at - interval '{seconds} s',
                resolved_at = resolved_at - interval '{seconds} s', last_fired_at = last_fired_at - interval '{seconds} s',
                snoozed_until = snoozed_until - interval '{seconds} s';
             UPDATE incident_members SET first_fired_at = first_fired_at - interval '{seconds} s',
                last_fired_at = last_fired_at - interval '{seconds} s', cleared_at = cleared_at - interval '{seconds} s';
             UPDATE deployments SET status_at = status_at - interval '{seconds} s';
             UPDATE deployment_status_history SET at = at - interval '{seconds} s',
                recorded_at = recorded_at - interval '{seconds} s'"
        );
        self.db.owner().await.batch_execute(&sql).await.unwrap();
    }

    /// Makes a rule as a developer; its id.
    pub(crate) async fn rule(&self, wanted: Value) -> String {
        let made = self.developer().post("/api/alerts", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    /// Makes the rule that most tests are about: 5 errors within 10 s in production.
    pub(crate) async fn error_rule(&self, more: Value) -> String {
        let mut wanted = json!({
            "name": "too many errors",
            "type": "error_count",
            "params": {"threshold": 5, "window_seconds": 10},
            "severity": "high",
            "service_id": self.org.service_id,
            "environment_id": self.org.production,
        });
        wanted
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.rule(wanted).await
    }

    /// Makes a Slack channel to a receiver; its id.
    pub(crate) async fn slack(&self, name: &str, receiver: &Receiver) -> String {
        let config = json!({"webhook_url": receiver.url()});
        self.channel(json!({"type": "slack", "name": name, "config": config}))
            .await
    }

    /// Makes a webhook channel to a receiver, which learns the secret; its id.
    pub(crate) async fn webhook(&self, name: &str, receiver: &Receiver) -> String {
        let wanted = json!({"type": "webhook", "name": name, "config": {"url": receiver.url()}});
        let made = self
            .developer()
            .post("/api/channels", wanted)
            .await
            .assert_status(201)
            .data();
        receiver.set_secret(made["secret"].as_str().unwrap());
        text(&made["id"])
    }

    /// Two channels: what is critical goes to the pager, all else to the chat.
    pub(crate) async fn chat_and_pager(&self, chat: &Receiver, pager: &Receiver) {
        let chat_id = self.slack("chat", chat).await;
        let pager_id = self.slack("pager", pager).await;
        for (name, matcher, channel) in [
            ("urgent", json!({"min_severity": "critical"}), pager_id),
            ("all", json!({}), chat_id),
        ] {
            let route = json!({"name": name, "matcher": matcher, "channel_ids": [channel]});
            self.developer()
                .post("/api/routing/routes", route)
                .await
                .assert_status(201);
        }
    }

    pub(crate) async fn channel(&self, wanted: Value) -> String {
        let made = self.developer().post("/api/channels", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    /// Opens an incident by hand; its id.
    pub(crate) async fn open(&self, title: &str) -> String {
        let wanted = json!({"title": title, "severity": "low"});
        let made = self.developer().post("/api/incidents", wanted).await;
        text(&made.assert_status(201).data()["id"])
    }

    /// Every problem has an incident of its own, however many there are at once, and a new one each time.
    pub(crate) async fn each_alone(&self) {
        let settings = json!({"reopen_seconds": 0, "storm_threshold": null, "storm_window_seconds": 60});
        let changed = self.developer().put("/api/incidents/settings", settings).await;
        changed.assert_status(200);
    }

    /// A person resolves an incident.
    pub(crate) async fn resolve(&self, id: &str) {
        let path = format!("/api/incidents/{id}");
        let changed = self.developer().patch(&path, json!({"status": "resolved"})).await;
        changed.assert_status(200);
    }

    /// All incidents, newest first.
    pub(crate) async fn incidents(&self) -> Vec<Value> {
        list(self.developer().get("/api/incidents?limit=1000").await.data())
    }

    pub(crate) async fn incident(&self, id: &str) -> Value {
        self.developer().get(&format!("/api/incidents/{id}")).await.data()
    }

    /// The kinds of an incident's events, in order.
    pub(crate) async fn timeline(&self, id: &str) -> Vec<String> {
        kinds(&self.incident(id).await)
    }

    /// All notifications, newest first.
    pub(crate) async fn notifications(&self) -> Vec<Value> {
        list(self.developer().get("/api/notifications?limit=1000").await.data())
    }

    /// Waits until the only notification is in this state; the notification.
    pub(crate) async fn notification_becomes(&self, state: &str) -> Value {
        eventually(SOON, &format!("one notification, {state}"), async || {
            let all = self.notifications().await;
            match all.as_slice() {
                [one] if one["state"] == state => Ok(one.clone()),
                _ => Err(format!("{all:#?}")),
            }
        })
        .await
    }

    /// Waits until nothing is left to be sent.
    pub(crate) async fn everything_is_told(&self) {
        eventually(SOON, "no notification waiting", async || {
            let waiting: Vec<Value> = self
                .notifications()
                .await
                .into_iter()
                .filter(|one| one["settled_at"].is_null())
                .collect();
            if waiting.is_empty() {
                Ok(())
            } else {
                Err(format!("{waiting:#?}"))
            }
        })
        .await;
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.db.owner().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

impl Replica {
    pub(crate) async fn start(db: &TestDb, settings: &[(&str, &str)]) -> Self {
        Self::start_on(&db.url_for("sightline_alerting"), settings).await
    }

    pub(crate) async fn start_on(database_url: &str, settings: &[(&str, &str)]) -> Self {
        testkit::install_crypto();
        let usual = [
            ("--listen-addr", "127.0.0.1:0"),
            ("--database-url", database_url),
            ("--internal-secret", INTERNAL_SECRET),
            ("--sealing-keys", SEALING_KEYS),
            // Nothing listens there.
            ("--amqp-url", "amqp://127.0.0.1:1"),
            // Receivers listen there.
            ("--egress-allow", "127.0.0.0/8"),
            ("--public-url", "https://sightline.example/"),
            // Once, when it starts.
            ("--sweep-interval", "3600"),
            ("--notify-retry-scale", "0.01"),
        ];
        let usual = usual
            .iter()
            .filter(|(name, _)| settings.iter().all(|(other, _)| other != name));
        let arguments = usual
            .chain(settings)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"));
        let config = Config::parse_from(std::iter::once("alerting".to_owned()).chain(arguments));
        let running = alerting::start(config).await.unwrap();
        Self {
            base: format!("http://{}", running.addr),
            running,
        }
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
    }

    /// Nobody in particular.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.base)
    }

    pub(crate) fn internal(&self) -> Client {
        self.client().with_internal_secret(INTERNAL_SECRET)
    }

    pub(crate) async fn sweep(&self) -> Value {
        let swept = self.internal().post("/api/v1/rules/evaluate", json!({})).await;
        swept.assert_status(200).data()
    }
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}

pub(crate) fn list(data: Value) -> Vec<Value> {
    match data {
        Value::Array(items) => items,
        other => panic!("{other} is not a list"),
    }
}

/// The kinds of the events of an incident, in order.
pub(crate) fn kinds(incident: &Value) -> Vec<String> {
    list(incident["timeline"].clone())
        .iter()
        .map(|event| text(&event["kind"]))
        .collect()
}

/// This time tomorrow, as an API takes it.
#[expect(
    clippy::disallowed_methods,
    reason = "a silence has to end after the database's now"
)]
pub(crate) fn tomorrow() -> String {
    (time::OffsetDateTime::now_utc() + time::Duration::DAY)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}
