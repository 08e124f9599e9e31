//! What expired is dropped while lines are written and searched: nobody waits for it, and the disk gets its room back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use db::{Db, DbConfig};
use domain::level::Level;
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::compactor::{Compactor, CompactorConfig};
use logstore::maintenance;
use logstore::reader::{Budget, Condition, Order, Plan, Reader, SearchScope};
use logstore::writer::{Batch, SEGMENT_MIN_ROWS, Writer, WriterConfig};
use testkit::corpus::Dice;
use testkit::{Fixture, TestDb};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::compactor::compact_all;

/// A writer waits beside drops for at most 100 ms; the rest is for a busy machine. A drop that waits for a search for as
/// long as any other statement may, a second, is seen.
const LONGEST_STALL: Duration = Duration::from_millis(750);
/// A search that is longer than most.
const LONG_SEARCH: Duration = Duration::from_millis(1_500);

struct Yard {
    test: TestDb,
    owner: Client,
    expired: Fixture,
    kept: Fixture,
    now: OffsetDateTime,
    writer: Writer,
    /// How long each write took.
    took: Mutex<Vec<Duration>>,
}

impl Yard {
    async fn create() -> Arc<Self> {
        let test = TestDb::create().await;
        let owner = test.owner().await;
        let (expired, kept) = (Fixture::org(&test).await, Fixture::org(&test).await);
        maintenance::make_partitions(&test.db("sightline_ingest"))
            .await
            .unwrap();
        let config = WriterConfig::new(DbConfig::new(test.url_for("sightline_ingest"), "test-writer"));
        let now = owner.query_one("SELECT now()", &[]).await.unwrap().get(0);
        Arc::new(Self {
            writer: Writer::start(&config, Arc::new(|_| {})),
            test,
            owner,
            expired,
            kept,
            now,
            took: Mutex::default(),
        })
    }

    /// Stores lines that do not compress.
    async fn write(&self, scope: Scope, count: usize, ago: time::Duration, dice: &mut Dice) {
        let mut message = || -> String {
            (0..6)
                .map(|_| format!("{:016x}", dice.roll()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let lines: Vec<NewLog<'_>> = (0..count)
            .map(|_| NewLog {
                ts: self.now - ago,
                level: Level::Info,
                message: message().into(),
                meta: None,
                trace_id: None,
                request_id: None,
            })
            .collect();
        let batch = Batch::of(scope, time::Duration::days(30), &lines).unwrap();
        let started = Instant::now();
        self.writer.append(batch, None).await.unwrap();
        self.took.lock().unwrap().push(started.elapsed());
    }

    /// The longest write since this was asked last.
    fn longest_write(&self) -> Duration {
        let took = std::mem::take(&mut *self.took.lock().unwrap());
        took.into_iter().max().unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        self.owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Bytes of both tables of segments.
    async fn disk(&self) -> i64 {
        self.number(
            "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits
             WHERE inhparent IN ('log_segments'::regclass, 'log_segments_fresh'::regclass)",
        )
        .await
    }

    /// A day of merged segments that is over, an hour of fresh ones that is over and was merged, and a day of rows.
    async fn fill_what_expires(&self) {
        let mut dice = Dice(1);
        for _ in 0..20 {
            self.write(self.expired.scope(), 2_000, time::Duration::days(20), &mut dice)
                .await;
        }
        let old_hour = "
            CREATE TABLE log_segments_fresh_2020010100 (LIKE log_segments_fresh INCLUDING ALL);
            ALTER TABLE log_segments_fresh ATTACH PARTITION log_segments_fresh_2020010100
                FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-01 01:00Z');
            UPDATE log_segments_fresh SET hour = '2020-01-01 00:00Z'";
        self.owner.batch_execute(old_hour).await.unwrap();
        compact_all(&self.test).await;
        let over = "
            SELECT make_segment_partition(current_date);
            UPDATE log_segments SET expires_on = current_date;
            SELECT made FROM make_log_partitions(current_date - 40, current_date - 40)";
        self.owner.batch_execute(over).await.unwrap();
        let shorten = "UPDATE services SET retention_days = 7 WHERE org_id = $1";
        self.owner
            .execute(shorten, &[&self.expired.org_id])
            .await
            .unwrap();
    }

    /// Whether anything of it is there.
    async fn is_something_left(&self) -> bool {
        const SQL: &str = "
            SELECT count(*) FROM pg_class WHERE relname IN ('log_segments_fresh_2020010100',
                'log_segments_' || to_char(current_date, 'YYYYMMDD'), 'logs_' || to_char(current_date - 40, 'YYYYMMDD'))";
        self.number(SQL).await > 0
    }

    fn plan(&self) -> Plan {
        let scope = SearchScope {
            service_id: self.kept.service_id,
            environment_id: self.kept.production,
            oldest: self.now - time::Duration::days(30),
        };
        Plan {
            scopes: vec![(scope, Arc::new(Condition::all()))],
            from: self.now - time::Duration::DAY,
            to: self.now + time::Duration::DAY,
            order: Order::NewestFirst,
            limit: 1_000,
            cursor: None,
            budget: Budget {
                time: Duration::from_mins(1),
                bytes: 1 << 30,
            },
        }
    }

    /// Writes, searches, and searches for long, all the time.
    fn work(self: &Arc<Self>) -> JoinSet<()> {
        let mut workers = JoinSet::new();
        let yard = Arc::clone(self);
        workers.spawn(async move {
            let mut dice = Dice(3);
            loop {
                let count = *dice.pick(&[1, SEGMENT_MIN_ROWS]);
                yard.write(yard.kept.scope(), count, time::Duration::ZERO, &mut dice)
                    .await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        for hold in [Duration::ZERO, LONG_SEARCH] {
            let yard = Arc::clone(self);
            workers.spawn(async move {
                let query: Db = yard.test.db("sightline_query");
                let reader = Reader::new(1 << 20);
                loop {
                    let mut conn = query.conn("test").await.unwrap();
                    let tx = conn.tenant_snapshot(yard.kept.org_id).await.unwrap();
                    let found = reader.search(&tx, &yard.plan()).await.unwrap();
                    assert!(!found.lines.is_empty());
                    tokio::time::sleep(hold).await;
                    drop(tx);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
        }
        workers
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_expired_is_dropped_beside_writers_and_searches_that_hardly_notice() {
    let yard = Yard::create().await;
    yard.fill_what_expires().await;
    yard.write(yard.kept.scope(), 100, time::Duration::ZERO, &mut Dice(2))
        .await;
    yard.longest_write();
    let before = yard.disk().await;
    let mut workers = yard.work();
    let (ingest, compactor) = (
        yard.test.db("sightline_ingest"),
        yard.test.db("sightline_compactor"),
    );
    let at_once = CompactorConfig {
        hours_after: Duration::ZERO,
        ..CompactorConfig::default()
    };
    let mut compactor = Compactor::new(compactor, at_once);
    // A write of the kept lines before any drop, to compare with.
    tokio::time::sleep(LONG_SEARCH).await;
    let usual = yard.longest_write();
    let (started, mut tries) = (Instant::now(), 0);
    while yard.is_something_left().await {
        assert!(started.elapsed() < Duration::from_secs(40), "{tries} tries");
        tries += 1;
        maintenance::cleanup(&ingest).await.unwrap();
        compactor.round().await.unwrap().unwrap();
    }
    let beside_drops = yard.longest_write();
    assert!(workers.try_join_next().is_none(), "a worker panicked");
    workers.shutdown().await;
    yard.writer.drain().await;
    let after = yard.disk().await;
    let given_back = before - after;
    println!(
        "longest write {usual:?} before and {beside_drops:?} beside the drops, which took {tries} tries in {:?}; \
         {given_back} bytes given back, {after} left",
        started.elapsed()
    );
    assert!(beside_drops < LONGEST_STALL, "a write took {beside_drops:?}");
    assert!(given_back > 2 << 20, "{given_back} bytes given back");
    let counted = "SELECT sum(count)::bigint FROM log_counts WHERE org_id = ";
    let counted = yard.number(&format!("{counted} '{}'", yard.kept.org_id)).await;
    let lines = testkit::stored::lines(&yard.test).await;
    assert!(lines.iter().all(|line| line.scope == yard.kept.scope()));
    assert_eq!(lines.len() as i64, counted, "nothing else is lost");
}
