//! Many firings at once, with two replicas of alerting that are killed at random moments, and every event several times and
//! in disorder: no transition is lost, no incident has a twin, no row of the ledger is doubled, nothing comes twice at a
//! receiver that recognises ids, and every firing is explained.
//!
//! The firings are those of many rules, each of which looks at one small service. `FIRINGS=10000` makes it as large as it is meant
//! to be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::corpus::Dice;
use testkit::{Receiver, Service, Stack, eventually};

use crate::company::{Company, text};

const USUAL: usize = 40;
/// Of each service: so few that nobody would call them a storm of that service or its rule.
const ENVIRONMENTS: usize = 4;

struct Storm {
    stack: Stack,
    company: Company,
    hook: Receiver,
    firings: usize,
    dice: Dice,
    kills: usize,
}

impl Storm {
    async fn gather() -> Self {
        let firings = std::env::var("FIRINGS").map_or(USUAL, |text| text.parse().unwrap());
        let stack = Stack::build()
            .replicas(Service::Alerting, 2)
            .env(Service::Alerting, "NOTIFY_TIMEOUT_SECONDS", 1)
            .env(Service::Alerting, "SWEEP_INTERVAL_SECONDS", 2)
            .start()
            .await;
        let company = Company::sign_up(&stack.gateway()).await;
        let hook = Receiver::standard_webhooks(None).await;
        let channel = json!({"type": "webhook", "name": "hook", "config": {"url": hook.url()}});
        hook.set_secret(&text(&company.make("/api/channels", channel).await["secret"]));
        assert_eq!(firings % ENVIRONMENTS, 0);
        let places = "
            WITH made AS (
                INSERT INTO services (org_id, id, name)
                SELECT s.org_id, gen_random_uuid(), 'cell ' || n
                FROM services s CROSS JOIN generate_series(1, $2::int) n WHERE s.id = $1::text::uuid
                RETURNING org_id, id, name
            ), environments AS (
                INSERT INTO environments (org_id, id, service_id, name)
                SELECT m.org_id, gen_random_uuid(), m.id, 'part ' || n FROM made m CROSS JOIN generate_series(1, $3::int) n
            ), rules AS (
                INSERT INTO alert_rules (org_id, id, service_id, name, type, params_json, severity)
                SELECT m.org_id, gen_random_uuid(), m.id, m.name, 'deployment_failure', '{}', 'high' FROM made m
                RETURNING org_id, id
            )
            INSERT INTO alert_rule_versions (org_id, rule_id, version, definition) SELECT org_id, id, 1, '{}' FROM rules";
        let owner = stack.db.owner().await;
        let services = i32::try_from(firings / ENVIRONMENTS).unwrap();
        let each = i32::try_from(ENVIRONMENTS).unwrap();
        owner
            .execute(places, &[&company.service_id, &services, &each])
            .await
            .unwrap();
        Self {
            stack,
            company,
            hook,
            firings,
            dice: Dice(11),
            kills: 0,
        }
    }

    /// What CI reports of every cell, as the webhook service would write it; each event one to five times, in disorder.
    async fn report(&self, status: &str) {
        const REPORT: &str = "
            WITH reported AS (
                INSERT INTO deployments (org_id, id, service_id, environment_id, provider, external_id, status, status_at)
                SELECT e.org_id, gen_random_uuid(), e.service_id, e.id, 'api', e.id::text || $1::text, $1, clock_timestamp()
                FROM environments e WHERE e.name LIKE 'part %'
                RETURNING org_id, id, service_id, environment_id
            ), history AS (
                INSERT INTO deployment_status_history (org_id, deployment_id, attempt, status, at)
                SELECT org_id, id, 1, $1, clock_timestamp() FROM reported
            ), events AS (
                SELECT r.*, gen_random_uuid() AS event_id FROM reported r
            )
            INSERT INTO outbox (org_id, id, routing_key, envelope)
            SELECT e.org_id, gen_random_uuid(), 'deployment.changed', jsonb_build_object(
                'event_id', e.event_id, 'occurred_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
                'event', jsonb_build_object('type', 'deployment_changed_v1', 'org_id', e.org_id,
                    'deployment_id', e.id, 'service_id', e.service_id, 'environment_id', e.environment_id,
                    'status', $1::text))
            FROM events e CROSS JOIN LATERAL generate_series(1, 1 + (abs(hashtext(e.id::text)) % 5)) n
            ORDER BY random()";
        let owner = self.stack.db.owner().await;
        owner.execute(REPORT, &[&status]).await.unwrap();
    }

    /// Kills one replica or the other at random moments until every incident has this status.
    async fn until_all_are(&mut self, status: &str) {
        let deadline = Instant::now() + Duration::from_secs(60 + self.firings as u64 / 5);
        let mut last = 0;
        loop {
            let sql = "SELECT count(*) FROM incidents WHERE status = $1 AND source = 'rule'";
            let owner = self.stack.db.owner().await;
            let found: i64 = owner.query_one(sql, &[&status]).await.unwrap().get(0);
            if found as usize == self.firings {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{found} of {} are {status}",
                self.firings
            );
            // While it goes on there is something to interrupt.
            if found > last || found == 0 {
                let victim = self.stack.process(Service::Alerting, self.dice.below(2) as usize);
                let pause = Duration::from_millis(300 + self.dice.below(1_200));
                tokio::time::sleep(pause).await;
                victim.kill();
                victim.start().await;
                self.kills += 1;
            }
            last = found;
        }
    }

    async fn count(&self, sql: &str) -> usize {
        let owner = self.stack.db.owner().await;
        let found: i64 = owner.query_one(sql, &[]).await.unwrap().get(0);
        usize::try_from(found).unwrap()
    }

    async fn all_is_sent(&self) {
        let within = Duration::from_secs(120 + self.firings as u64 / 20);
        eventually(within, "every notification sent", async || {
            let sql = "SELECT count(*) FROM notification_jobs WHERE state <> 'sent'";
            match self.count(sql).await {
                0 => Ok(()),
                left => Err(left),
            }
        })
        .await;
    }

    /// Ids of all incidents, and each explained.
    async fn explanations(&self) -> BTreeMap<String, Value> {
        let owner = self.stack.db.owner().await;
        let sql = "SELECT id::text FROM incidents WHERE source = 'rule'";
        let ids: Vec<String> = owner
            .query(sql, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        let mut explained = BTreeMap::new();
        for id in ids {
            let reply = self
                .company
                .admin
                .get(&format!("/api/incidents/{id}/explain"))
                .await;
            explained.insert(id, reply.assert_status(200).data());
        }
        explained
    }
}

#[tokio::test]
async fn nothing_is_lost_doubled_or_unexplained_when_replicas_die_in_a_storm_of_firings() {
    let mut storm = Storm::gather().await;
    storm.report("failure").await;
    storm.until_all_are("open").await;
    storm.report("success").await;
    storm.until_all_are("resolved").await;
    storm.all_is_sent().await;

    let firings = storm.firings;
    for transition in ["fired", "ended"] {
        let of = format!("FROM alert_transitions WHERE transition = '{transition}'");
        let all = storm.count(&format!("SELECT count(*) {of}")).await;
        let different = storm
            .count(&format!("SELECT count(DISTINCT fingerprint) {of}"))
            .await;
        assert_eq!(
            (all, different),
            (firings, firings),
            "{transition}: each once, none lost"
        );
    }
    let incidents = "SELECT count(*) FROM incidents WHERE source = 'rule'";
    assert_eq!(storm.count(incidents).await, firings, "twins");
    let places = "SELECT count(DISTINCT environment_id) FROM incidents WHERE source = 'rule'";
    assert_eq!(storm.count(places).await, firings, "lost");
    assert_eq!(
        storm.count("SELECT count(*) FROM notification_jobs").await,
        2 * firings
    );
    let doubled = "SELECT count(*) FROM (SELECT FROM notification_jobs
        GROUP BY org_id, incident_id, channel_id, transition HAVING count(*) > 1) doubled";
    assert_eq!(storm.count(doubled).await, 0);
    let transitions = "SELECT count(*) FROM incident_events WHERE kind IN ('opened', 'resolved')";
    assert_eq!(storm.count(transitions).await, 2 * firings);

    storm.hook.assert_no_faults();
    let accepted = storm.hook.accepted();
    let ids: BTreeSet<&str> = accepted.iter().map(testkit::Received::id).collect();
    assert_eq!(
        ids.len(),
        2 * firings,
        "what a receiver sees that drops an id that it knows"
    );
    let told: BTreeSet<(String, String)> = accepted
        .iter()
        .map(|one| {
            (
                text(&one.json()["data"]["incident"]["id"]),
                text(&one.json()["type"]),
            )
        })
        .collect();
    assert_eq!(told.len(), 2 * firings, "and each of them is another transition");

    for (id, explained) in storm.explanations().await {
        let notifications = explained["notifications"].as_array().unwrap();
        assert_eq!(notifications.len(), 2, "{id}");
        for one in notifications {
            assert_eq!(one["told"], true, "{id}: {one}");
            let steps = one["steps"].as_array().unwrap();
            let kinds: BTreeSet<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
            assert_eq!(kinds.len(), 6, "{id}: {one}");
            assert!(steps.iter().all(|step| step["message"] != ""), "{id}: {one}");
            let answer = steps.last().unwrap();
            assert_eq!(answer["http_status"], 204, "{id}: {one}");
        }
    }
    println!(
        "{firings} firings, {} kills, {} requests for {} notifications",
        storm.kills,
        storm.hook.received().len(),
        2 * firings
    );
}
