//! Reference points, measured in the same run on the same server: what PostgreSQL itself does with the same lines.

use std::pin::pin;
use std::time::{Duration, Instant};

use testkit::TestDb;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use crate::corpus::Line;
use crate::report::Report;
use crate::target::Sender;

/// A table like the classical one for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// No index at all: the least that a durable COPY can cost.
    Unindexed,
    /// Three B-trees and two GIN indexes, as log tables in PostgreSQL usually have.
    Classical,
}

/// Lines per commit. More gains nothing (measured: 5,000 and 20,000 differ by less than the noise).
const ROWS_PER_COMMIT: usize = 5_000;
/// Of the INSERT reference: one request of an application.
const ROWS_PER_INSERT: usize = 200;

/// Lines a second of binary COPY over `connections` connections, each commit synchronous.
pub(crate) async fn copy(
    db: &TestDb,
    layout: Layout,
    connections: usize,
    lines: &[Line],
    sender: &Sender,
) -> anyhow::Result<f64> {
    let owner = db.owner().await;
    make_table(&owner, layout).await?;
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(db.owner().await);
    }
    let rows: Vec<Row> = lines.iter().map(|line| Row::new(line, sender)).collect();
    let share = rows.len().div_ceil(connections);
    let started = Instant::now();
    let loads = clients
        .iter()
        .zip(rows.chunks(share))
        .map(|(client, rows)| copy_rows(client, rows));
    futures_util::future::try_join_all(loads).await?;
    Ok(rows.len() as f64 / started.elapsed().as_secs_f64())
}

/// The same without an index, by as many connections as are fastest.
pub(crate) async fn fastest_copy(
    db: &TestDb,
    lines: &[Line],
    sender: &Sender,
    report: &mut Report,
) -> anyhow::Result<f64> {
    let mut fastest = 0.0_f64;
    for connections in [1, 4] {
        let speed = copy(db, Layout::Unindexed, connections, lines, sender).await?;
        report.add(
            format!("COPY, no index, {connections} connections"),
            speed,
            "lines/s",
        );
        fastest = fastest.max(speed);
    }
    Ok(fastest)
}

/// Lines a second of the classical way: one INSERT of 200 rows per request, with the key's rate bucket upserted in the
/// same transaction, over `connections` connections that share the key. Stops after `limit`.
pub(crate) async fn insert(
    db: &TestDb,
    connections: usize,
    lines: &[Line],
    sender: &Sender,
    limit: Duration,
) -> anyhow::Result<f64> {
    let owner = db.owner().await;
    make_table(&owner, Layout::Classical).await?;
    owner
        .batch_execute("CREATE TABLE IF NOT EXISTS bench_buckets (key uuid PRIMARY KEY, count bigint)")
        .await?;
    let rows: Vec<Row> = lines.iter().map(|line| Row::new(line, sender)).collect();
    let share = rows.len().div_ceil(connections);
    let started = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(db.owner().await);
    }
    let loads = clients
        .iter()
        .zip(rows.chunks(share))
        .map(|(client, rows)| insert_rows(client, rows, started + limit));
    let stored: usize = futures_util::future::try_join_all(loads).await?.into_iter().sum();
    Ok(stored as f64 / started.elapsed().as_secs_f64())
}

async fn make_table(owner: &Client, layout: Layout) -> anyhow::Result<()> {
    owner
        .batch_execute(
            "DROP TABLE IF EXISTS bench_logs;
             CREATE TABLE bench_logs (id bigserial, org_id uuid, service_id uuid, environment_id uuid, ts timestamptz,
                 level text, message text, meta_json jsonb, trace_id text, request_id text,
                 created_at timestamptz DEFAULT now())",
        )
        .await?;
    if layout == Layout::Classical {
        owner
            .batch_execute(
                "CREATE INDEX ON bench_logs (org_id, service_id, environment_id, ts DESC);
                 CREATE INDEX ON bench_logs (org_id, ts DESC);
                 CREATE INDEX ON bench_logs (org_id, level, ts DESC);
                 CREATE INDEX ON bench_logs USING gin (to_tsvector('simple', message));
                 CREATE INDEX ON bench_logs USING gin (meta_json jsonb_path_ops)",
            )
            .await?;
    }
    Ok(())
}

/// A line in the types of the table, prepared before the clock starts.
struct Row {
    scope: [Uuid; 3],
    ts: time::OffsetDateTime,
    level: &'static str,
    message: String,
    meta: Option<serde_json::Value>,
    trace_id: Option<String>,
    request_id: Option<String>,
}

impl Row {
    fn new(line: &Line, sender: &Sender) -> Self {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            scope: [sender.org_id, sender.service_id, sender.environment_id],
            ts: line.ts,
            level: line.level,
            message: line.message.clone(),
            meta: serde_json::from_str(&line.meta).ok(),
            trace_id: some(&line.trace_id),
            request_id: some(&line.request_id),
        }
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 9] {
        let [org, service, environment] = &self.scope;
        [
            org,
            service,
            environment,
            &self.ts,
            &self.level,
            &self.message,
            &self.meta,
            &self.trace_id,
            &self.request_id,
        ]
    }
}

const COLUMNS: &str =
    "org_id, service_id, environment_id, ts, level, message, meta_json, trace_id, request_id";
const TYPES: [Type; 9] = [
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::TIMESTAMPTZ,
    Type::TEXT,
    Type::TEXT,
    Type::JSONB,
    Type::TEXT,
    Type::TEXT,
];

async fn copy_rows(client: &Client, rows: &[Row]) -> anyhow::Result<()> {
    for batch in rows.chunks(ROWS_PER_COMMIT) {
        let sink = client
            .copy_in(&format!("COPY bench_logs ({COLUMNS}) FROM STDIN BINARY"))
            .await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
        for row in batch {
            writer.as_mut().write(&row.params()).await?;
        }
        writer.finish().await?;
    }
    Ok(())
}

async fn insert_rows(client: &Client, rows: &[Row], until: Instant) -> anyhow::Result<usize> {
    let upsert = "INSERT INTO bench_buckets VALUES ('00000000-0000-0000-0000-000000000000', $1)
                  ON CONFLICT (key) DO UPDATE SET count = bench_buckets.count + excluded.count";
    let upsert = client.prepare(upsert).await?;
    let insert = client.prepare(&insert_sql()).await?;
    let mut stored = 0;
    for batch in rows.chunks_exact(ROWS_PER_INSERT) {
        if Instant::now() > until {
            break;
        }
        client.batch_execute("BEGIN").await?;
        client.execute(&upsert, &[&(ROWS_PER_INSERT as i64)]).await?;
        let params: Vec<&(dyn ToSql + Sync)> = batch.iter().flat_map(Row::params).collect();
        client.execute(&insert, &params).await?;
        client.batch_execute("COMMIT").await?;
        stored += batch.len();
    }
    Ok(stored)
}

fn insert_sql() -> String {
    let rows: Vec<String> = (0..ROWS_PER_INSERT)
        .map(|row| {
            let numbers: Vec<String> = (1..=TYPES.len())
                .map(|n| format!("${}", row * TYPES.len() + n))
                .collect();
            format!("({})", numbers.join(","))
        })
        .collect();
    format!("INSERT INTO bench_logs ({COLUMNS}) VALUES {}", rows.join(","))
}
