//! From how many lines on a segment is cheaper than rows: what a flush of so many lines of one scope costs in each form,
//! and what merging it costs later.

use std::sync::Arc;
use std::time::Duration;

use db::{Db, DbConfig};
use domain::ids::{EnvironmentId, OrgId, ServiceId};
use domain::log_record::NewLog;
use domain::scope::Scope;
use logstore::compactor::{Compactor, CompactorConfig};
use logstore::writer::{Batch, Writer, WriterConfig};
use time::OffsetDateTime;

use crate::corpus::{Corpus, Line};
use crate::report::Report;
use crate::target::{Sender, Target};

/// Lines of each measurement.
const LINES: usize = 40_000;

pub(crate) async fn measure(end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, LINES, end).collect();
    for size in [8, 16, 32, 64, 128] {
        report.section(&format!("{size} lines of a scope in a flush, CPU of all"));
        for (form, segment_min_rows) in [("as rows", usize::MAX), ("as a segment", 1)] {
            let target = Target::start().await?;
            let senders = target.add_senders(10).await?;
            let before = target.cpu();
            write(&target, &senders, &corpus, size, segment_min_rows).await?;
            let written = target.cpu().since(before);
            let before = target.cpu();
            merge(&target).await?;
            let merged = target.cpu().since(before);
            let per_line = |seconds: f64| seconds / LINES as f64 * 1e6;
            report.add(
                format!("writing {form}"),
                per_line(written.client + written.postgres),
                "us a line",
            );
            report.add(
                "  merging it",
                per_line(merged.client + merged.postgres),
                "us a line",
            );
        }
    }
    Ok(())
}

async fn write(
    target: &Target,
    senders: &[Sender],
    corpus: &[Line],
    size: usize,
    segment_min_rows: usize,
) -> anyhow::Result<()> {
    let config = WriterConfig {
        // One request is one flush.
        connections: 1,
        segment_min_rows,
        ..WriterConfig::new(DbConfig::new(
            target.stack.db.url_for("sightline_ingest"),
            "bench",
        ))
    };
    let writer = Writer::start(&config, Arc::new(|_| {}));
    for (number, lines) in corpus.chunks(size).enumerate() {
        let sender = &senders[number % senders.len()];
        let scope = Scope {
            org_id: OrgId(sender.org_id),
            service_id: ServiceId(sender.service_id),
            environment_id: EnvironmentId(sender.environment_id),
        };
        let lines: Vec<NewLog<'_>> = lines.iter().map(new_log).collect();
        let batch = Batch::of(scope, time::Duration::days(30), &lines)?;
        writer.append(batch, None).await?;
    }
    writer.drain().await;
    Ok(())
}

fn new_log(line: &Line) -> NewLog<'_> {
    let some = |text: &str| !text.is_empty();
    NewLog {
        ts: line.ts,
        level: line.level.parse().unwrap_or(domain::level::Level::Info),
        message: line.message.as_str().into(),
        meta: some(&line.meta).then(|| line.meta.as_str().into()),
        trace_id: some(&line.trace_id).then(|| line.trace_id.as_str().into()),
        request_id: some(&line.request_id).then(|| line.request_id.as_str().into()),
    }
}

async fn merge(target: &Target) -> anyhow::Result<()> {
    let config = CompactorConfig {
        rows_after: Duration::ZERO,
        fresh_after: Duration::ZERO,
        duty: 1.0,
        eager: true,
        ..CompactorConfig::default()
    };
    let db = Db::new(&DbConfig::new(
        target.stack.db.url_for("sightline_compactor"),
        "bench",
    ))?;
    Compactor::new(db, config).round().await?;
    Ok(())
}
