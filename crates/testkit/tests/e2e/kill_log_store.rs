//! Whatever is killed while lines of several organisations are written and merged at the same time: every acknowledged line
//! is there exactly once, in the scope of its key, and no batch in part.
//!
//! `SIGHTLINE_KILL_ROUNDS` multiplies the ten rounds.

use std::sync::Arc;
use std::time::Duration;

use domain::scope::Scope;
use testkit::corpus::Dice;
use testkit::{Client, Fixture, KeySpec, PrivatePostgres, Process, Service, Stack, TestDb, eventually};
use tokio_postgres::Client as Session;

use crate::load::{Books, Load, Mix};
use crate::stored;

const CONNECTIONS: usize = 8;
const SOON: Duration = Duration::from_secs(30);

/// What is killed in the middle of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    /// SIGKILL to ingest, with the compactor in it.
    Ingest,
    /// `pg_terminate_backend` to the compactor's sessions.
    CompactorSessions,
    /// The same to the writers'.
    WriterSessions,
    /// SIGKILL to the process of the compactor's session, which makes PostgreSQL end all others and recover.
    Backend,
    /// SIGKILL to all of PostgreSQL.
    Postgres,
}

const STRIKES: [Strike; 5] = [
    Strike::CompactorSessions,
    Strike::WriterSessions,
    Strike::Ingest,
    Strike::Backend,
    Strike::Postgres,
];
/// Of each kind, times `SIGHTLINE_KILL_ROUNDS`.
const ROUNDS: usize = 2;

/// Ingest with its compactor at full speed, on a PostgreSQL of its own with the durability of production.
struct Store {
    // Dropped in this order.
    stack: Stack,
    server: PrivatePostgres,
    /// The senders, and where each one's lines belong.
    applications: Vec<Client>,
    scopes: Vec<Scope>,
}

impl Store {
    async fn start() -> Self {
        let server = PrivatePostgres::start().await;
        let db = TestDb::create_on(&server.url()).await;
        let stack = Stack::build()
            .only([Service::Ingest])
            .on_database(db)
            .env(Service::Ingest, "REQUIRE_DURABLE_POSTGRES", true)
            .env(Service::Ingest, "COMPACT_ROWS_AFTER_SECONDS", 0)
            .env(Service::Ingest, "COMPACT_FRESH_AFTER_SECONDS", 0)
            .env(Service::Ingest, "COMPACT_PAUSE_MS", 20)
            .start()
            .await;
        let (mut applications, mut scopes) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let org = Fixture::org(&stack.db).await;
            for environment_id in [org.production, org.staging] {
                let spec = KeySpec {
                    environment_id: Some(environment_id),
                    ..KeySpec::default()
                };
                let (_, key) = org.insert_key(&stack.db, &spec).await;
                applications.push(stack.client(Service::Ingest).with_api_key(&key));
                scopes.push(Scope {
                    environment_id,
                    ..org.scope()
                });
            }
        }
        Self {
            stack,
            server,
            applications,
            scopes,
        }
    }

    fn ingest(&self) -> &Process {
        self.stack.process(Service::Ingest, 0)
    }

    /// Lines in merged segments: it only grows.
    async fn merged_lines(&self) -> i64 {
        const SQL: &str = "SELECT coalesce(sum(row_count), 0)::bigint FROM log_segments";
        let owner = self.stack.db.owner().await;
        owner.query_one(SQL, &[]).await.unwrap().get(0)
    }

    async fn compactor_merges_on(&self) {
        let before = self.merged_lines().await;
        eventually(SOON, "the compactor to merge on", async || {
            let lines = self.merged_lines().await;
            if lines > before { Ok(()) } else { Err(lines) }
        })
        .await;
    }

    async fn strike(&self, strike: Strike) {
        let owner = self.stack.db.owner().await;
        match strike {
            Strike::Ingest => {
                merge_under_way(&owner).await;
                self.ingest().kill();
                stored::writers_are_gone(&self.stack.db).await;
                // As if the dead one's minute of lead were over.
                let sql = "UPDATE leases SET expires_at = now() WHERE name = 'logs.compactor'";
                assert_eq!(owner.execute(sql, &[]).await.unwrap(), 1);
                self.ingest().start().await;
            }
            Strike::CompactorSessions => end_session(&owner, "sightline-compactor").await,
            Strike::WriterSessions => end_session(&owner, "sightline-ingest-writer").await,
            Strike::Backend => {
                let pid = merge_under_way(&owner).await;
                self.server.kill_backend(pid);
                self.answers_again().await;
            }
            Strike::Postgres => {
                merge_under_way(&owner).await;
                self.server.kill().await;
                self.server.start_again().await;
            }
        }
    }

    async fn answers_again(&self) {
        let url = self.stack.db.owner_url();
        eventually(SOON, "PostgreSQL to recover", async || {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .map_err(|error| error.to_string())?;
            let driver = tokio::spawn(connection);
            let answer = client.batch_execute("SELECT 1").await;
            driver.abort();
            answer.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Nothing is lost, doubled or in part, the counts agree, and every line lies where its key belongs.
    async fn assert_kept(&self, books: &Books) {
        let entries = books.entries();
        stored::assert_exactly_once(&self.stack.db, &entries).await;
        for line in testkit::stored::lines(&self.stack.db).await {
            let batch: usize = line.message.split(' ').nth(1).unwrap().parse().unwrap();
            assert_eq!(line.scope, self.scopes[entries[batch].application], "{line:?}");
        }
    }
}

/// The process of a compactor's session that is in the middle of a merge: it has taken lines out of their tables.
async fn merge_under_way(owner: &Session) -> i32 {
    const SQL: &str = "
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'sightline-compactor' AND backend_xid IS NOT NULL";
    eventually(SOON, "a merge", async || {
        let rows = owner.query(SQL, &[]).await.unwrap();
        rows.first().map(|row| row.get(0)).ok_or("none")
    })
    .await
}

/// Ends the sessions of that name that are in the middle of a write.
async fn end_session(owner: &Session, application: &str) {
    const SQL: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = $1 AND backend_xid IS NOT NULL";
    eventually(SOON, "a write to interrupt", async || {
        let ended = owner.query(SQL, &[&application]).await.unwrap();
        if ended.is_empty() { Err("none") } else { Ok(()) }
    })
    .await;
}

#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_whatever_is_killed_in_the_middle_of_a_merge() {
    let times: usize = std::env::var("SIGHTLINE_KILL_ROUNDS").map_or(1, |times| times.parse().unwrap());
    let store = Store::start().await;
    let books: Arc<Books> = Arc::default();
    let mut dice = Dice(50);
    for (seed, strike) in (0..).zip(STRIKES) {
        let load = Load::go_on(
            &books,
            &store.applications,
            CONNECTIONS,
            Mix::PARTLY_KEYED,
            100 * seed,
        );
        for _ in 0..ROUNDS * times {
            load.acknowledges(20 + dice.below(60) as usize).await;
            store.strike(strike).await;
        }
        store.compactor_merges_on().await;
        load.finish().await;
        store.assert_kept(&books).await;
        println!(
            "{strike:?}: {} batches of which {} acknowledged, {} put off, {} unanswered; {} lines merged",
            books.entries().len(),
            books.acknowledged(),
            books.put_off(),
            books.unanswered(),
            store.merged_lines().await
        );
    }
    assert!(
        books.put_off() > 0 && books.unanswered() > 0,
        "the strikes hit nothing"
    );
    let entries = books.entries();
    assert!(
        entries.iter().all(|entry| entry.acknowledged || !entry.keyed),
        "what has a key is acknowledged in the end"
    );
    assert!(store.ingest().is_running());
    assert!(
        !store.ingest().log().contains("panicked at"),
        "a panic was logged"
    );
}
