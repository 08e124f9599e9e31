//! Whatever is killed in the middle of a load, every acknowledged line is there exactly once, and no batch in part.

use std::time::Duration;

use testkit::corpus::Dice;
use testkit::{Fixture, PrivatePostgres, Service, Stack, TestDb};

use crate::load::Load;
use crate::stored;

const CONNECTIONS: usize = 6;

#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_when_ingest_is_killed_twenty_times() {
    const ROUNDS: u64 = 20;
    let stack = Stack::build().only([Service::Ingest]).start().await;
    let org = Fixture::org(&stack.db).await;
    let ingest = stack.process(Service::Ingest, 0);
    let load = Load::start(&[ingest.client().with_api_key(org.api_key())], CONNECTIONS, 1);
    let mut dice = Dice(20);
    for _ in 0..ROUNDS {
        load.acknowledges(1 + dice.below(40) as usize).await;
        ingest.kill();
        stored::writers_are_gone(&stack.db).await;
        stored::assert_exactly_once(&stack.db, &load.books().entries()).await;
        ingest.start().await;
    }
    let books = load.finish().await;
    assert!(books.unanswered() >= ROUNDS as usize, "the kills hit nothing");
    stored::assert_exactly_once(&stack.db, &books.entries()).await;
    assert!(books.entries().iter().all(|entry| entry.acknowledged));
}

/// Ingest alone, on a PostgreSQL of its own with the durability of production.
struct OwnServer {
    // Dropped in this order.
    stack: Stack,
    server: PrivatePostgres,
}

impl OwnServer {
    async fn start() -> Self {
        let server = PrivatePostgres::start().await;
        let db = TestDb::create_on(&server.url()).await;
        let stack = Stack::build()
            .only([Service::Ingest])
            .on_database(db)
            .env(Service::Ingest, "REQUIRE_DURABLE_POSTGRES", true)
            .start()
            .await;
        Self { stack, server }
    }

    /// Strikes the server `rounds` times in the middle of a load that goes on meanwhile.
    async fn survives(self, rounds: u64, mut strike: impl AsyncFnMut(&Self)) {
        let org = Fixture::org(&self.stack.db).await;
        let ingest = self.stack.process(Service::Ingest, 0);
        let load = Load::start(&[ingest.client().with_api_key(org.api_key())], CONNECTIONS, 2);
        let mut dice = Dice(rounds);
        for _ in 0..rounds {
            load.acknowledges(5 + dice.below(30) as usize).await;
            strike(&self).await;
        }
        // It recovers by itself, within seconds.
        tokio::time::timeout(Duration::from_secs(10), load.acknowledges(5))
            .await
            .expect("ingest recovers in 10 s");
        let books = load.finish().await;
        assert!(books.put_off() > 0, "the strikes hit nothing");
        assert_eq!(books.unanswered(), 0, "ingest answers while its database is away");
        stored::assert_exactly_once(&self.stack.db, &books.entries()).await;
        assert!(ingest.is_running());
    }
}

#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_when_postgres_is_restarted() {
    OwnServer::start()
        .await
        .survives(3, async |own| own.server.restart().await)
        .await;
}

#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_when_postgres_is_killed() {
    let killed = async |own: &OwnServer| {
        own.server.kill().await;
        own.server.start_again().await;
    };
    OwnServer::start().await.survives(3, killed).await;
}

#[tokio::test]
async fn no_acknowledged_line_is_lost_or_doubled_when_the_writers_sessions_are_ended() {
    const SQL: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'sightline-ingest%'";
    let ended = async |own: &OwnServer| {
        own.stack.db.owner().await.query(SQL, &[]).await.unwrap();
    };
    OwnServer::start().await.survives(12, ended).await;
}
