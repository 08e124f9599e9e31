//! Whether merging keeps up: what waits to be merged, while lines come at half of what ingest can take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio_postgres::Client;

use crate::corpus::{Corpus, Line};
use crate::ingest::{self, SCOPES};
use crate::load::{self, Pace};
use crate::report::Report;
use crate::target::Target;

pub(crate) async fn measure(
    lines: usize,
    length: Duration,
    end: OffsetDateTime,
    report: &mut Report,
) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    let target = Target::start_merging().await?;
    let senders = target.add_senders(SCOPES).await?;
    let base = target.stack.client(testkit::Service::Ingest).base().to_owned();
    let requests = Arc::new(ingest::prepare(&corpus, &senders, 1_000));
    drop(corpus);
    report.section("lines that wait to be merged, at half load, 1,000-line bodies, 4 connections");
    let mut fastest = 0.0_f64;
    for _ in 0..3 {
        let run = load::run(&base, Arc::clone(&requests), 4, Pace::AsFastAsAnswered).await?;
        fastest = fastest.max(run.lines_per_second());
    }
    let pace = Pace::LinesPerSecond(fastest / 2.0);
    report.add("half load", fastest / 2.0, "lines/s");
    let started = Instant::now();
    let (mut sent, mut most, mut minute) = (0, 0, 0);
    while started.elapsed() < length {
        sent += load::run(&base, Arc::clone(&requests), 4, pace).await?.lines;
        let waiting = waiting(&target.owner).await?;
        most = most.max(waiting);
        if started.elapsed().as_secs() / 60 >= minute {
            report.add(format!("  after {minute} min"), waiting as f64, "lines wait");
            minute += 1;
        }
    }
    report.add("sent", sent as f64, "lines");
    report.add("waited at most", most as f64, "lines");
    report.add(
        "largest memory of ingest",
        crate::cpu::peak_megabytes(target.ingest_pid()),
        "MB",
    );
    Ok(())
}

async fn waiting(owner: &Client) -> anyhow::Result<i64> {
    let sql = "SELECT (SELECT coalesce(sum(row_count), 0) FROM log_segments_fresh)::bigint
        + (SELECT count(*) FROM logs)";
    Ok(owner.query_one(sql, &[]).await?.get(0))
}
