//! What dropping a day of lines costs those who write meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use testkit::{INTERNAL_SECRET, Service};
use time::OffsetDateTime;
use tokio_postgres::Client;

use crate::corpus::{Corpus, Line};
use crate::ingest::{self, SCOPES};
use crate::load::{self, Pace};
use crate::queries;
use crate::report::Report;
use crate::target::Target;

/// Lines of the load beside which the day goes.
const LOAD_LINES: usize = 2_000_000;
/// So much that answers wait for nothing but the disk, or the drop would hide among what waits anyway.
const LOAD: Pace = Pace::LinesPerSecond(100_000.0);

pub(crate) async fn measure(lines: usize, end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let target = Target::start().await?;
    let base = target.stack.client(Service::Ingest).base().to_owned();
    let expiring = target.add_senders(SCOPES).await?;
    let kept = target.add_senders(SCOPES).await?;

    report.section("dropping a day of lines beside a load, 200-line bodies, 16 connections");
    let two_days_ago = end - time::Duration::days(2);
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, two_days_ago).collect();
    let requests = Arc::new(ingest::prepare(&corpus, &expiring, 1_000));
    drop(corpus);
    let loaded = load::run(&base, requests, 4, Pace::AsFastAsAnswered).await?.lines;
    queries::compact(&target, report).await?;
    expire(
        &target.owner,
        expiring.iter().map(|sender| sender.org_id).collect(),
    )
    .await?;
    report.add("lines of the day", loaded as f64, "lines");
    let before = disk(&target.owner).await?;
    report.add("the day and all else on disk", megabytes(before), "MB");

    let corpus: Vec<Line> = Corpus::new(crate::SEED + 1, LOAD_LINES, end).collect();
    let requests = Arc::new(ingest::prepare(&corpus, &kept, 200));
    drop(corpus);
    target.owner.batch_execute("CHECKPOINT").await?;
    let quiet = load::run(&base, Arc::clone(&requests), 16, LOAD).await?;
    report.add("longest answer without a drop", quiet.latency_ms(1.0), "ms");
    report.add("  p99", quiet.latency_ms(0.99), "ms");
    let written = disk(&target.owner).await? - before;
    let loading = tokio::spawn({
        let base = base.clone();
        async move { load::run(&base, requests, 16, LOAD).await }
    });
    // In the middle of the load.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let started = Instant::now();
    target
        .stack
        .client(Service::Ingest)
        .with_internal_secret(INTERNAL_SECRET)
        .post("/api/v1/internal/logs/cleanup", serde_json::json!({}))
        .await
        .assert_status(200);
    report.add("cleanup took", started.elapsed().as_secs_f64(), "s");
    ensure!(
        !loading.is_finished(),
        "the load ended before the cleanup did: give it more lines"
    );
    let beside = loading.await??;
    report.add("longest answer beside the drop", beside.latency_ms(1.0), "ms");
    report.add("  p99", beside.latency_ms(0.99), "ms");
    let after = disk(&target.owner).await?;
    report.add(
        "given back, the load's own lines left out",
        megabytes(before + 2 * written - after),
        "MB",
    );
    report.add(
        "dead rows of the log tables",
        dead_rows(&target.owner).await? as f64,
        "rows",
    );
    let left = "SELECT count(*) FROM log_segments WHERE expires_on <= current_date";
    ensure!(
        target.owner.query_one(left, &[]).await?.get::<_, i64>(0) == 0,
        "the day is still there"
    );
    Ok(())
}

/// Lets what these organisations have be over today, as it would be after their retention.
async fn expire(owner: &Client, orgs: Vec<uuid::Uuid>) -> anyhow::Result<()> {
    // Emptied days and what the move itself left are not the drop's.
    let over = "
        SELECT make_segment_partition(current_date);
        UPDATE log_segments SET expires_on = current_date;
        DO $$
        DECLARE part regclass;
        BEGIN
            FOR part IN SELECT inhrelid::regclass FROM pg_inherits
                WHERE inhparent = 'log_segments'::regclass
                  AND inhrelid::regclass::text <> 'log_segments_' || to_char(current_date, 'YYYYMMDD')
            LOOP
                EXECUTE format('TRUNCATE %s', part);
            END LOOP;
        END $$;
        TRUNCATE log_segments_fresh";
    owner.batch_execute(over).await?;
    let shorten = "UPDATE services SET retention_days = 1 WHERE org_id = ANY ($1)";
    owner.execute(shorten, &[&orgs]).await?;
    Ok(())
}

/// Bytes of all log tables.
async fn disk(owner: &Client) -> anyhow::Result<i64> {
    let sql = "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits
        WHERE inhparent IN ('log_segments'::regclass, 'log_segments_fresh'::regclass, 'logs'::regclass)";
    Ok(owner.query_one(sql, &[]).await?.get(0))
}

async fn dead_rows(owner: &Client) -> anyhow::Result<i64> {
    let sql = "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()";
    owner.query_one(sql, &[]).await?;
    let sql = "SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables
        WHERE relname ~ '^(logs|log_segments|log_segments_fresh)(_|$)'";
    Ok(owner.query_one(sql, &[]).await?.get(0))
}

fn megabytes(bytes: i64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
