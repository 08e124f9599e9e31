//! Reading while lines are written and the compactor moves them: nobody misses a line, and nobody sees one twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::{Connection, Db, DbConfig};
use domain::level::Level;
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::compactor::Compactor;
use logstore::reader::{Budget, Condition, Order, Plan, Reader, SearchScope};
use logstore::writer::{Batch, Writer, WriterConfig};
use testkit::corpus::Dice;
use testkit::{Fixture, TestDb};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::compactor::EAGER;

/// More than any test takes.
const A_WHILE: Duration = Duration::from_mins(1);
const DAY: time::Duration = time::Duration::DAY;

/// Each line has its own.
type Number = u64;

/// Two scopes of one organisation, a writer and a compactor that do not stop.
struct Yard {
    test: Arc<TestDb>,
    scopes: Vec<Scope>,
    now: OffsetDateTime,
    writer: Writer,
    /// Lines whose batch was acknowledged.
    acknowledged: Mutex<BTreeSet<Number>>,
    next: AtomicU64,
    merges: watch::Sender<u64>,
}

impl Yard {
    async fn create() -> Arc<Self> {
        let test = Arc::new(TestDb::create().await);
        let org = Fixture::org(&test).await;
        let staging = Scope {
            environment_id: org.staging,
            ..org.scope()
        };
        let config = WriterConfig::new(DbConfig::new(test.url_for("sightline_ingest"), "test-writer"));
        let now = test.owner().await.query_one("SELECT now()", &[]).await.unwrap();
        Arc::new(Self {
            scopes: vec![org.scope(), staging],
            now: now.get(0),
            writer: Writer::start(&config, Arc::new(|_| {})),
            test,
            acknowledged: Mutex::default(),
            next: AtomicU64::new(0),
            merges: watch::Sender::new(0),
        })
    }

    /// Stores some lines of one scope, as rows or as a segment, of times that overlap with those of all others.
    async fn write(&self, dice: &mut Dice) {
        let count = *dice.pick(&[1, 1, 5, 20, 64, 100]);
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        let messages: Vec<String> = (first..first + count)
            .map(|number| format!("line {number}"))
            .collect();
        let lines: Vec<NewLog<'_>> = messages
            .iter()
            .map(|message| NewLog {
                // Many of one time: their ids decide.
                ts: self.now - time::Duration::seconds(dice.below(600) as i64),
                level: Level::Info,
                message: message.as_str().into(),
                meta: None,
                trace_id: None,
                request_id: None,
            })
            .collect();
        let scope = *dice.pick(&self.scopes);
        let batch = Batch::of(scope, time::Duration::days(30), &lines).unwrap();
        self.writer.append(batch, None).await.unwrap();
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.extend(first..first + count);
    }

    fn acknowledged(&self) -> BTreeSet<Number> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// One that writes, batch by batch and merge by merge, and one that merges whatever there is, until told to stop.
    async fn work(self: &Arc<Self>) -> JoinSet<()> {
        let mut dice = Dice(1);
        for _ in 0..60 {
            self.write(&mut dice).await;
        }
        let mut workers = JoinSet::new();
        let yard = Arc::clone(self);
        workers.spawn(async move {
            loop {
                let before = yard.merges();
                yard.write(&mut dice).await;
                yard.merged_since(before).await;
            }
        });
        let yard = Arc::clone(self);
        workers.spawn(async move {
            let mut compactor = Compactor::new(yard.test.db("sightline_compactor"), EAGER);
            loop {
                let report = compactor.round().await.unwrap().unwrap();
                yard.merges.send_modify(|merges| *merges += report.merges);
            }
        });
        workers
    }

    async fn stop(&self, mut workers: JoinSet<()>) {
        assert!(workers.try_join_next().is_none(), "a worker panicked");
        workers.shutdown().await;
        self.writer.drain().await;
    }

    fn merges(&self) -> u64 {
        *self.merges.borrow()
    }

    /// Waits until lines were moved since there were this many merges.
    async fn merged_since(&self, before: u64) {
        let mut merges = self.merges.subscribe();
        let merged = merges.wait_for(|merges| *merges > before);
        tokio::time::timeout(A_WHILE, merged).await.unwrap().unwrap();
    }

    fn plan(&self, limit: usize) -> Plan {
        let scope = |scope: &Scope| SearchScope {
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            oldest: self.now - 20 * DAY,
        };
        Plan {
            scopes: self
                .scopes
                .iter()
                .map(|of| (scope(of), Arc::new(Condition::all())))
                .collect(),
            from: self.now - DAY,
            to: self.now + DAY,
            order: Order::NewestFirst,
            limit,
            cursor: None,
            budget: Budget {
                time: A_WHILE,
                bytes: 1 << 30,
            },
        }
    }
}

/// How often each line was found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found(BTreeMap<Number, usize>);

impl Found {
    /// Reads page after page in the snapshot that the connection is in, or each in one of its own.
    async fn all(yard: &Yard, conn: &mut Connection, reader: &Reader, limit: usize, pages: Pages) -> Self {
        let mut found = Self::default();
        let mut plan = yard.plan(limit);
        let org = yard.scopes[0].org_id;
        match pages {
            Pages::OfOneSnapshot => {
                let tx = conn.tenant_snapshot(org).await.unwrap();
                while found.take_page(reader, &tx, &mut plan).await {}
            }
            Pages::EachOfItsOwn => loop {
                let before = yard.merges();
                let tx = conn.tenant_snapshot(org).await.unwrap();
                if !found.take_page(reader, &tx, &mut plan).await {
                    break;
                }
                drop(tx);
                yard.merged_since(before).await;
            },
        }
        found
    }

    /// Says whether there is another page.
    async fn take_page(&mut self, reader: &Reader, tx: &db::TenantTx<'_>, plan: &mut Plan) -> bool {
        let page = reader.search(tx, plan).await.unwrap();
        assert_eq!(page.stats.partial, None);
        for line in &page.lines {
            let number = line.message.strip_prefix("line ").unwrap().parse().unwrap();
            *self.0.entry(number).or_default() += 1;
        }
        plan.cursor = page.next;
        plan.cursor.is_some()
    }

    #[track_caller]
    fn assert_each_once(&self, at_least: &BTreeSet<Number>) {
        let doubled: Vec<_> = self.0.iter().filter(|(_, times)| **times > 1).collect();
        assert!(
            doubled.is_empty(),
            "lines that were found more than once: {doubled:?}"
        );
        let missed: Vec<_> = at_least
            .iter()
            .filter(|line| !self.0.contains_key(line))
            .collect();
        assert!(missed.is_empty(), "lines that were not found: {missed:?}");
    }
}

#[derive(Clone, Copy)]
enum Pages {
    OfOneSnapshot,
    EachOfItsOwn,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_has_each_line_once_whatever_is_moved_meanwhile() {
    let yard = Yard::create().await;
    let workers = yard.work().await;
    let query: Db = yard.test.db("sightline_query");
    let reader = Reader::new(1 << 20);
    let mut moved_meanwhile = 0;
    for limit in [50, 120, 1_000].repeat(8) {
        let mut conn = query.conn("test").await.unwrap();
        let (stored, merges) = (yard.acknowledged(), yard.merges());
        let found = Found::all(&yard, &mut conn, &reader, limit, Pages::OfOneSnapshot).await;
        found.assert_each_once(&stored);
        moved_meanwhile += yard.merges() - merges;
    }
    yard.stop(workers).await;
    println!(
        "{moved_meanwhile} merges during 24 searches, {} lines",
        yard.acknowledged().len()
    );
    assert!(
        moved_meanwhile >= 24,
        "{moved_meanwhile} merges during the searches"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_have_every_line_that_was_there_at_the_start_once_whatever_is_moved_between_them() {
    let yard = Yard::create().await;
    let workers = yard.work().await;
    let query: Db = yard.test.db("sightline_query");
    let reader = Reader::new(1 << 20);
    for limit in [100, 250, 900] {
        let mut conn = query.conn("test").await.unwrap();
        let stored = yard.acknowledged();
        let found = Found::all(&yard, &mut conn, &reader, limit, Pages::EachOfItsOwn).await;
        found.assert_each_once(&stored);
    }
    yard.stop(workers).await;
    println!("{} merges, {} lines", yard.merges(), yard.acknowledged().len());
}
