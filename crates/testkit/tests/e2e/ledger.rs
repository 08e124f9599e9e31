//! The ledger of notifications as the database has it, held against what the receivers got.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{Received, Receiver, TestDb};

use crate::company::Company;
use crate::on_call::{OnCall, Told};

/// One transition of one incident, told to one channel.
#[derive(Debug)]
struct Job {
    id: String,
    incident: String,
    channel: String,
    told: Told,
    state: String,
    attempts: i32,
}

pub(crate) struct Ledger(Vec<Job>);

impl Ledger {
    pub(crate) async fn read(db: &TestDb, company: &Company) -> Self {
        const SQL: &str = "
            SELECT j.id::text, j.incident_id::text, c.type, j.transition, j.state, j.attempts
            FROM notification_jobs j JOIN notification_channels c ON c.org_id = j.org_id AND c.id = j.channel_id
            JOIN services s ON s.org_id = j.org_id
            WHERE s.id::text = $1";
        let rows = db.owner().await.query(SQL, &[&company.service_id]).await.unwrap();
        let told = |transition: &str| match transition {
            "opened" => Told::Opened,
            "resolved" => Told::Resolved,
            other => panic!("the transition {other}"),
        };
        let job = |row: &tokio_postgres::Row| Job {
            id: row.get(0),
            incident: row.get(1),
            channel: row.get(2),
            told: told(row.get(3)),
            state: row.get(4),
            attempts: row.get(5),
        };
        Self(rows.iter().map(job).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Every transition was told to every receiver once: all of it is `sent`, each receiver has seen just the ids of
    /// its channel, took each, and saw one again only where a further attempt says why.
    #[track_caller]
    pub(crate) fn assert_told_once(&self, on_call: &OnCall) {
        for (channel, receiver) in [
            ("slack", &on_call.slack),
            ("discord", &on_call.discord),
            ("webhook", &on_call.webhook),
        ] {
            receiver.assert_no_faults();
            let jobs: Vec<&Job> = self.0.iter().filter(|job| job.channel == channel).collect();
            let unsent: Vec<_> = jobs.iter().filter(|job| job.state != "sent").collect();
            assert!(unsent.is_empty(), "{unsent:?}");
            let requests = by_id(receiver);
            let known: BTreeSet<&String> = jobs.iter().map(|job| &job.id).collect();
            assert_eq!(
                requests.keys().collect::<BTreeSet<_>>(),
                known,
                "the ids at {channel}"
            );
            for job in &jobs {
                let requests = &requests[&job.id];
                assert!(requests.iter().any(Received::accepted), "{job:?} was not taken");
                assert!(
                    requests.iter().all(|request| Told::of(request) == job.told),
                    "{job:?} told something else"
                );
                let attempts = usize::try_from(job.attempts).unwrap();
                assert!(
                    requests.len() <= attempts,
                    "{job:?} came {} times",
                    requests.len()
                );
            }
            assert_resolved_comes_last(&jobs, &requests);
        }
        let unique: BTreeSet<_> = self
            .0
            .iter()
            .map(|job| (&job.incident, &job.channel, job.told == Told::Opened))
            .collect();
        assert_eq!(
            unique.len(),
            self.0.len(),
            "a transition was told to a channel by two jobs"
        );
    }

    /// The notifications that more than one attempt was made at.
    pub(crate) fn repeated(&self) -> usize {
        self.0.iter().filter(|job| job.attempts > 1).count()
    }
}

fn by_id(receiver: &Receiver) -> BTreeMap<String, Vec<Received>> {
    receiver
        .received()
        .into_iter()
        .fold(BTreeMap::new(), |mut ids, request| {
            assert_ne!(request.id(), "", "a page without an id");
            ids.entry(request.id().to_owned()).or_default().push(request);
            ids
        })
}

/// Nobody reads "resolved" before "opened".
fn assert_resolved_comes_last(jobs: &[&Job], requests: &BTreeMap<String, Vec<Received>>) {
    for resolved in jobs.iter().filter(|job| job.told == Told::Resolved) {
        let opened = jobs
            .iter()
            .find(|job| job.told == Told::Opened && job.incident == resolved.incident);
        let opened = opened.unwrap_or_else(|| panic!("{resolved:?} was never told as opened"));
        assert!(
            requests[&opened.id][0].at <= requests[&resolved.id][0].at,
            "{resolved:?} was told first"
        );
    }
}
