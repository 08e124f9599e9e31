//! Many hands on the same incidents at once: whatever the order, each change that was made is a legal one, made from where the
//! change before it had left the incident.

use domain::alerting::incident::IncidentStatus;
use domain::alerting::incident::life::{Action, Standing};
use domain::ids::{IncidentId, UserId};
use domain::severity::Severity;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::corpus::Dice;
use time::OffsetDateTime;

use crate::test_app::{Replica, TestApp, tomorrow};

const INCIDENTS: usize = 4;
const ROUNDS: usize = 24;
const AT_ONCE: usize = 8;

/// What the audit log keeps of an incident.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Seen {
    status: IncidentStatus,
    severity: Severity,
    assignee_id: Option<UserId>,
    #[serde(with = "time::serde::rfc3339::option")]
    snoozed_until: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    resolved_at: Option<OffsetDateTime>,
    merged_into: Option<IncidentId>,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Seen {
    fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            severity: self.severity,
            assignee: self.assignee_id,
            snoozed_until: self.snoozed_until,
            resolved_at: self.resolved_at,
            merged_into: self.merged_into,
        }
    }
}

/// Whether one legal action leads from the one to the other.
fn is_legal(id: IncidentId, before: &Seen, after: &Seen) -> bool {
    let open = Standing::opened(Severity::Low);
    let mut actions = vec![
        Action::Acknowledge,
        Action::Resolve,
        Action::Reopen,
        Action::Assign(after.assignee_id),
        Action::EndSnooze,
        Action::Regrade(after.severity),
    ];
    actions.extend(after.snoozed_until.map(Action::Snooze));
    actions.extend(after.merged_into.map(|into| Action::MergeInto(into, open)));
    let (from, to, at) = (before.standing(), after.standing(), after.updated_at);
    actions.into_iter().any(|action| {
        let step = from.after(id, action, at);
        step.is_ok_and(|step| step.is_some_and(|step| step.after == to))
    })
}

fn request(app: &TestApp, dice: &mut Dice, ids: &[String], until: &str) -> (bool, String, Value) {
    let id = dice.pick(ids).clone();
    let path = format!("/api/incidents/{id}");
    let body = match dice.below(16) {
        0 => return (true, format!("{path}/merge"), json!({"into": dice.pick(ids)})),
        1..=3 => json!({"status": "resolved"}),
        4..=6 => json!({"status": "open"}),
        7..=9 => json!({"status": "acknowledged"}),
        10 => json!({"assignee_id": app.org.developer.user_id}),
        11 => json!({"assignee_id": null}),
        12 => json!({"snoozed_until": until}),
        13 => json!({"snoozed_until": null}),
        _ => json!({"severity": dice.pick(&["low", "high", "critical"])}),
    };
    (false, path, body)
}

#[tokio::test]
async fn whatever_people_do_at_once_only_legal_changes_are_made_one_after_the_other() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for number in 0..INCIDENTS {
        ids.push(app.open(&format!("outage {number}")).await);
    }
    let other = Replica::start(&app.db, &[]).await;
    let hands = [
        app.developer(),
        other
            .client()
            .with_cookie(app.org.cookie(domain::role::Role::Developer)),
    ];
    let until = tomorrow();
    let mut dice = Dice(20_261_130);
    let (mut made, mut refused) = (0, 0);
    for _ in 0..ROUNDS {
        let requests: Vec<_> = (0..AT_ONCE)
            .map(|_| request(&app, &mut dice, &ids, &until))
            .collect();
        let replies = requests
            .into_iter()
            .enumerate()
            .map(|(place, (is_merge, path, body))| {
                let hand = &hands[place % 2];
                async move {
                    if is_merge {
                        hand.post(&path, body).await
                    } else {
                        hand.patch(&path, body).await
                    }
                }
            });
        for reply in join_all(replies).await {
            match reply.status {
                200 => made += 1,
                409 => refused += 1,
                503 => {}
                other => panic!("{other}: {}", reply.body),
            }
        }
    }
    assert!(made > 40 && refused > 5, "{made} made, {refused} refused");
    let owner = app.db.owner().await;
    for id in &ids {
        let sql =
            "SELECT before, after FROM audit_logs WHERE target_id::text = $1 AND action <> 'incident.create'
            ORDER BY after ->> 'updated_at'";
        let rows = owner.query(sql, &[id]).await.unwrap();
        let read = |value: Value| serde_json::from_value::<Seen>(value).unwrap();
        let mut steps: Vec<(Seen, Seen)> = rows
            .iter()
            .map(|row| (read(row.get("before")), read(row.get("after"))))
            .collect();
        steps.sort_by_key(|(_, after)| after.updated_at);
        for (before, after) in &steps {
            assert!(
                is_legal(id.parse().unwrap(), before, after),
                "{before:?} -> {after:?}"
            );
        }
        for pair in steps.windows(2) {
            assert_eq!(pair[0].1, pair[1].0, "a change was lost");
        }
        // Each is a row of the timeline too, with who did it.
        let kinds = "('acknowledged', 'resolved', 'reopened', 'assigned', 'snoozed', 'snooze_ended', 'merged', \
            'severity_changed')";
        let sql = format!(
            "SELECT count(*) FROM incident_events WHERE incident_id = '{id}' AND actor_user_id IS NOT NULL AND kind IN {kinds}"
        );
        assert_eq!(app.count(&sql).await, steps.len() as i64);
    }
    let circles = "WITH RECURSIVE way AS (
            SELECT id AS start, merged_into AS at, 1 AS steps FROM incidents WHERE merged_into IS NOT NULL
            UNION ALL SELECT w.start, i.merged_into, w.steps + 1 FROM way w JOIN incidents i ON i.id = w.at
            WHERE w.steps < 20 AND i.merged_into IS NOT NULL)
        SELECT count(*) FROM way WHERE at = start OR steps >= 20";
    assert_eq!(app.count(circles).await, 0);
}
