//! The writer against a real PostgreSQL: what it acknowledges is there, once, and what fails fails alone.

mod failures;
mod idempotency;
mod scopes;
mod sharing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use db::DbConfig;
use domain::level::Level;
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::receipts::Receipt;
use logstore::writer::{Batch, WriteError, Writer, WriterConfig};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value};
use testkit::stored::StoredLine;
use testkit::{Fixture, Proxy, TestDb, eventually};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(10);
const RETENTION: time::Duration = time::Duration::days(30);
const NOON: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// A database with one organisation.
struct Store {
    db: TestDb,
    org: Fixture,
}

impl Store {
    async fn create() -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        Self { db, org }
    }

    fn config(&self) -> WriterConfig {
        config_for(&self.db.url_for("sightline_ingest"))
    }

    fn writer(&self) -> Writer {
        start(&self.config())
    }

    /// A writer with one connection, by way of a proxy.
    async fn proxied_writer(&self) -> (Proxy, Writer) {
        self.proxied_writer_with(|_| {}).await
    }

    async fn proxied_writer_with(&self, change: impl FnOnce(&mut WriterConfig)) -> (Proxy, Writer) {
        let (proxy, url) = Proxy::in_front_of(&self.db.url_for("sightline_ingest")).await;
        let mut config = config_for(&url);
        config.connections = 1;
        change(&mut config);
        let writer = start(&config);
        // Connected from here on.
        writer.append(self.batch(&["the first"]), None).await.unwrap();
        (proxy, writer)
    }

    fn batch(&self, messages: &[&str]) -> Batch {
        batch(self.org.scope(), messages)
    }

    /// How often each message is stored, in the order of messages.
    async fn stored(&self) -> Vec<(String, i64)> {
        testkit::stored::messages(&self.db).await
    }

    async fn count_stored(&self, message: &str) -> i64 {
        let all = self.stored().await;
        all.iter()
            .find(|(stored, _)| stored == message)
            .map_or(0, |(_, count)| *count)
    }

    /// The promise of every transaction: what is counted is what is stored.
    async fn assert_counts_equal_rows(&self) {
        let mut stored: BTreeMap<(Scope, OffsetDateTime, i16), i64> = BTreeMap::new();
        let mut totals: BTreeMap<(Scope, i16), i64> = BTreeMap::new();
        for line in testkit::stored::lines(&self.db).await {
            let seconds = line.ts.unix_timestamp();
            let minute = OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(60)).unwrap();
            *stored.entry((line.scope, minute, line.level.code())).or_default() += 1;
            *totals.entry((line.scope, line.level.code())).or_default() += 1;
        }
        let owner = self.db.owner().await;
        let scope = |row: &tokio_postgres::Row| Scope {
            org_id: row.get("org_id"),
            service_id: row.get("service_id"),
            environment_id: row.get("environment_id"),
        };
        let sql = "SELECT org_id, service_id, environment_id, minute, level, sum(count)::bigint AS n
                   FROM log_counts GROUP BY 1, 2, 3, 4, 5";
        let rows = owner.query(sql, &[]).await.unwrap();
        let counted = rows
            .iter()
            .map(|row| ((scope(row), row.get("minute"), row.get("level")), row.get("n")))
            .collect();
        assert_eq!(stored, counted, "log_counts differ from the lines");
        let sql = "SELECT org_id, service_id, environment_id, level, sum(count)::bigint AS n
                   FROM log_arrivals GROUP BY 1, 2, 3, 4";
        let rows = owner.query(sql, &[]).await.unwrap();
        let arrived = rows
            .iter()
            .map(|row| ((scope(row), row.get("level")), row.get("n")))
            .collect();
        assert_eq!(totals, arrived, "log_arrivals differ from the lines");
    }

    /// Ends every connection of the writers, as a failover would. Returns how many.
    async fn terminate_writers(&self) -> i64 {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND usename = 'sightline_ingest'";
        self.db.owner().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

fn config_for(url: &str) -> WriterConfig {
    WriterConfig::new(DbConfig::new(url, "sightline-test-writer"))
}

fn start(config: &WriterConfig) -> Writer {
    Writer::start(config, Arc::new(|_| {}))
}

fn line(message: &str) -> NewLog<'_> {
    NewLog {
        ts: NOON,
        level: Level::Info,
        message: message.into(),
        meta: None,
        trace_id: None,
        request_id: None,
    }
}

fn batch(scope: Scope, messages: &[&str]) -> Batch {
    let lines: Vec<NewLog<'_>> = messages.iter().map(|message| line(message)).collect();
    Batch::of(scope, RETENTION, &lines).unwrap()
}

type Answer = Result<Receipt, WriteError>;

/// Appends in the background, and waits until the writer has it.
async fn appending(writer: &Writer, batch: Batch) -> JoinHandle<Answer> {
    let before = writer.status().queued_rows;
    let appending = {
        let writer = writer.clone();
        tokio::spawn(async move { writer.append(batch, None).await })
    };
    accepted(writer, before + 1).await;
    appending
}

async fn accepted(writer: &Writer, rows: usize) {
    eventually(SOON, "the writer to accept the lines", async || {
        let queued = writer.status().queued_rows;
        if queued >= rows { Ok(()) } else { Err(queued) }
    })
    .await;
}

fn stored(accepted: u32) -> Receipt {
    Receipt::Stored { id: None, accepted }
}

#[tokio::test]
async fn lines_come_back_as_they_were_sent_and_are_counted() {
    let store = Store::create().await;
    let writer = store.writer();
    let mut runner = TestRunner::deterministic();
    let mut sent = Vec::new();
    for size in [1, 7, 60, 200] {
        let lines = prop::collection::vec(any_line(), size)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let batch = Batch::of(store.org.scope(), RETENTION, &lines).unwrap();
        let receipt = writer.append(batch, None).await;
        assert_eq!(receipt, Ok(stored(size as u32)));
        sent.extend(lines);
    }
    let found = testkit::stored::lines(&store.db).await;
    assert_eq!(found.len(), sent.len());
    // A segment holds its lines in the order of their times.
    let by_text = |line: &StoredLine| (line.ts, line.message.clone(), line.level);
    let mut sent: Vec<StoredLine> = sent.iter().map(|line| as_stored(&store, line)).collect();
    let mut found: Vec<StoredLine> = found
        .into_iter()
        .map(|line| StoredLine { id: 0, ..line })
        .collect();
    sent.sort_by_key(by_text);
    found.sort_by_key(by_text);
    for (found, sent) in found.iter().zip(&sent) {
        assert_eq!(found, sent);
    }
    store.assert_counts_equal_rows().await;
}

fn as_stored(store: &Store, line: &NewLog<'_>) -> StoredLine {
    let text =
        |text: &Option<Cow<'_, str>>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    StoredLine {
        id: 0,
        scope: store.org.scope(),
        ts: line.ts,
        level: line.level,
        message: line.message.clone().into_owned(),
        meta: line
            .meta
            .as_deref()
            .map(|json| serde_json::from_str(json).unwrap()),
        trace_id: text(&line.trace_id),
        request_id: text(&line.request_id),
    }
}

/// Any text that PostgreSQL can hold, any times that it can hold, any numbers that survive jsonb.
fn any_line() -> impl Strategy<Value = NewLog<'static>> {
    let text = "[^\u{0}]{0,80}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let meta = prop::option::of(
        prop::collection::btree_map(text, value, 0..4)
            .prop_map(|map| map.into_iter().collect::<Map<String, Value>>()),
    );
    let ts = (-60_000_000_000_000_000..200_000_000_000_000_000_i64)
        .prop_map(|micros| OffsetDateTime::UNIX_EPOCH + time::Duration::microseconds(micros));
    (
        ts,
        prop::sample::select(Level::ALL.to_vec()),
        text,
        meta,
        prop::option::of(text),
        prop::option::of(text),
    )
        .prop_map(|(ts, level, message, meta, trace_id, request_id)| NewLog {
            ts,
            level,
            message: message.into(),
            meta: meta.map(|meta| Value::Object(meta).to_string().into()),
            trace_id: trace_id.map(Cow::Owned),
            request_id: request_id.map(Cow::Owned),
        })
}

#[tokio::test]
async fn a_line_of_a_mebibyte_and_a_request_larger_than_a_flush_are_stored_whole() {
    let store = Store::create().await;
    let writer = store.writer();
    let long = "x".repeat(1024 * 1024);
    let receipt = writer.append(store.batch(&[long.as_str(); 12]), None).await;
    assert_eq!(receipt, Ok(stored(12)));
    assert_eq!(store.stored().await, [(long, 12)]);
    let many = vec!["y"; 25_000];
    assert_eq!(writer.append(store.batch(&many), None).await, Ok(stored(25_000)));
    assert_eq!(store.count_stored("y").await, 25_000);
    store.assert_counts_equal_rows().await;
}

#[tokio::test]
async fn the_scopes_of_each_commit_are_told() {
    let store = Store::create().await;
    let told: Arc<Mutex<Vec<Scope>>> = Arc::default();
    let writer = {
        let told = Arc::clone(&told);
        let tell = move |scopes: &[Scope]| told.lock().unwrap().extend(scopes);
        Writer::start(&store.config(), Arc::new(tell))
    };
    writer.append(store.batch(&["a"]), None).await.unwrap();
    eventually(SOON, "the hook", async || {
        let told = told.lock().unwrap().clone();
        if told == [store.org.scope()] {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn a_drained_writer_has_answered_everything_and_takes_nothing_more() {
    let store = Store::create().await;
    let writer = store.writer();
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(tokio::spawn({
            let (writer, batch) = (writer.clone(), store.batch(&["a", "b"]));
            async move { writer.append(batch, None).await }
        }));
    }
    tokio::task::yield_now().await;
    writer.drain().await;
    let mut acknowledged = 0;
    for answer in answers {
        match answer.await.unwrap() {
            Ok(_) => acknowledged += 1,
            Err(refused) => assert_eq!(refused, WriteError::Stopping),
        }
    }
    assert_eq!(store.count_stored("a").await, acknowledged);
    let late = writer.append(store.batch(&["late"]), None).await;
    assert_eq!(late, Err(WriteError::Stopping));
}

#[tokio::test]
async fn draining_waits_for_what_is_under_way() {
    let store = Store::create().await;
    let (proxy, writer) = store.proxied_writer().await;
    proxy.blackhole();
    let under_way = appending(&writer, store.batch(&["under way"])).await;
    let queued = appending(&writer, store.batch(&["queued"])).await;
    let mut draining = std::pin::pin!(writer.drain());
    let looked_at_once = tokio::time::timeout(Duration::ZERO, &mut draining);
    assert!(looked_at_once.await.is_err(), "two requests are not answered yet");
    let late = writer.append(store.batch(&["late"]), None).await;
    assert_eq!(late, Err(WriteError::Stopping));
    proxy.pass();
    draining.await;
    assert_eq!(writer.status().queued_rows, 0);
    assert_eq!(under_way.await.unwrap(), Ok(stored(1)));
    assert_eq!(queued.await.unwrap(), Ok(stored(1)));
}
