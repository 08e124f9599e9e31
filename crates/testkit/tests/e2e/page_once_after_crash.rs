//! Alerting is killed again and again while incidents open and resolve: none is lost, none has a twin, and everybody is
//! told each transition, under one id.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use testkit::corpus::Dice;
use testkit::{Client, Service, Stack, eventually};

use crate::company::{Company, text};
use crate::ledger::Ledger;
use crate::on_call::{OnCall, all_is_sent};

const ROUNDS: usize = 10;
const INCIDENTS_A_ROUND: usize = 3;
const INCIDENTS: usize = ROUNDS * INCIDENTS_A_ROUND;
/// Opening and resolving wait for the restart of a killed alerting and for its sweep.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// What a killed worker had claimed waits for the end of its lease, one transition after the other.
const SENT_WITHIN: Duration = Duration::from_secs(90);

/// When alerting is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Right after the reports were accepted.
    Accepted,
    /// When so many of the round's incidents have changed.
    Changed(usize),
    /// When a receiver gets a page: it is sent, and not yet recorded.
    Told,
}

/// The environments that fail and recover, each with a key of its own.
struct Fleet {
    stack: Stack,
    company: Company,
    on_call: OnCall,
    /// By the environment's id.
    senders: BTreeMap<String, Client>,
}

impl Fleet {
    async fn start() -> Self {
        let stack = Stack::build()
            .env(Service::Alerting, "NOTIFY_TIMEOUT_SECONDS", 1)
            .start()
            .await;
        let company = Company::sign_up(&stack.gateway()).await;
        let on_call = OnCall::connect(&company).await;
        // Each cell is a story of its own here, however many fail within a minute.
        company.make_no_storms().await;
        let rule =
            json!({"name": "deployments", "type": "deployment_failure", "params": {}, "severity": "high"});
        company.make("/api/alerts", rule).await;
        let mut senders = BTreeMap::new();
        let service = format!("/api/services/{}", company.service_id);
        for number in 0..INCIDENTS {
            let wanted = json!({"name": format!("cell-{number}")});
            let environment = text(&company.make(&format!("{service}/environments"), wanted).await["id"]);
            let key = json!({"name": "ci", "environment_id": environment});
            let key = company.make(&format!("{service}/keys"), key).await;
            let ci = stack.client(Service::Webhook).with_api_key(&text(&key["key"]));
            senders.insert(environment, ci);
        }
        Self {
            stack,
            company,
            on_call,
            senders,
        }
    }

    async fn report(&self, cells: &[&String], status: &str) {
        for cell in cells {
            let report = json!({"status": status});
            self.senders[*cell]
                .post("/api/v1/deployments", report)
                .await
                .assert_status(201);
        }
    }

    /// Reports, kills alerting at the moment, starts it again, and waits until every cell's incident has changed.
    async fn report_and_kill(&self, cells: &[&String], status: &str, becomes: &str, moment: Moment) {
        let alerting = self.stack.process(Service::Alerting, 0);
        let told = self.pages();
        self.report(cells, status).await;
        let wanted = match moment {
            Moment::Accepted => 0,
            Moment::Changed(count) => count,
            Moment::Told => cells.len(),
        };
        eventually(NOTICED_WITHIN, &format!("{moment:?}"), async || {
            let changed = self.changed(cells, becomes).await;
            let is_told = matches!(moment, Moment::Told) && self.pages() > told;
            if changed >= wanted || is_told {
                Ok(())
            } else {
                Err(format!("{changed} changed"))
            }
        })
        .await;
        alerting.kill();
        alerting.start().await;
        eventually(
            NOTICED_WITHIN,
            &format!("all to be {becomes}"),
            async || match self.changed(cells, becomes).await {
                all if all == cells.len() => Ok(()),
                some => Err(format!("{some} of {}", cells.len())),
            },
        )
        .await;
    }

    fn pages(&self) -> usize {
        self.on_call
            .receivers()
            .iter()
            .map(|receiver| receiver.received().len())
            .sum()
    }

    /// How many of these cells have an incident of this status.
    async fn changed(&self, cells: &[&String], status: &str) -> usize {
        let statuses = self.incidents().await;
        let has = |cell: &&&String| {
            statuses
                .get(**cell)
                .is_some_and(|all| all.iter().any(|one| one == status))
        };
        cells.iter().filter(has).count()
    }

    /// The statuses of the incidents of each cell.
    async fn incidents(&self) -> BTreeMap<String, Vec<String>> {
        let incidents = self.company.admin.get("/api/incidents?limit=1000").await;
        let Some(incidents) = incidents.body["data"].as_array() else {
            // Alerting is being started again.
            return BTreeMap::new();
        };
        incidents.iter().fold(BTreeMap::new(), |mut cells, incident| {
            let statuses: &mut Vec<String> = cells.entry(text(&incident["environment_id"])).or_default();
            statuses.push(text(&incident["status"]));
            cells
        })
    }
}

#[tokio::test]
async fn nothing_is_lost_or_told_under_two_ids_when_alerting_is_killed_ten_times() {
    let fleet = Fleet::start().await;
    let cells: Vec<&String> = fleet.senders.keys().collect();
    let mut dice = Dice(7);
    for (round, cells) in cells.chunks(INCIDENTS_A_ROUND).enumerate() {
        let changed = Moment::Changed(1 + dice.below(INCIDENTS_A_ROUND as u64) as usize);
        let moment = [Moment::Accepted, changed, Moment::Told][round % 3];
        // One kill a round: while they open, or while they resolve.
        if round % 2 == 0 {
            fleet.report_and_kill(cells, "failure", "open", moment).await;
            fleet.report(cells, "success").await;
        } else {
            fleet.report(cells, "failure").await;
            eventually(NOTICED_WITHIN, "incidents", async || {
                match fleet.changed(cells, "open").await {
                    all if all == cells.len() => Ok(()),
                    some => Err(some),
                }
            })
            .await;
            fleet.report_and_kill(cells, "success", "resolved", moment).await;
        }
    }
    eventually(NOTICED_WITHIN, "every incident to be resolved", async || {
        let incidents = fleet.incidents().await;
        let over = incidents.len() == INCIDENTS && incidents.values().all(|all| *all == ["resolved"]);
        if over {
            Ok(())
        } else {
            Err(format!("{incidents:?}"))
        }
    })
    .await;
    all_is_sent(&fleet.company, SENT_WITHIN).await;
    let ledger = Ledger::read(&fleet.stack.db, &fleet.company).await;
    assert_eq!(ledger.len(), INCIDENTS * 2 * fleet.on_call.receivers().len());
    ledger.assert_told_once(&fleet.on_call);
    println!(
        "{} of {} notifications took more than one attempt",
        ledger.repeated(),
        ledger.len()
    );
}
