//! What a search costs once the lines are merged: each kind of question, many times with different constants.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Connection, Db, DbConfig};
use domain::ids::OrgId;
use hdrhistogram::Histogram;
use logstore::compactor::{Compactor, CompactorConfig};
use logstore::reader::{
    self, Budget, HistogramPlan, Intervals, Order, PatternCount, PatternsPlan, Plan, Reader, SearchScope,
};
use time::OffsetDateTime;

use crate::corpus::{self, Line};
use crate::cpu;
use crate::load::{self, Pace, Request};
use crate::questions::{self, Asks, Question, RUNS, WARM_UP, asking, scope_of};
use crate::reference;
use crate::report::Report;
use crate::target::{Sender, Target};

/// As the query service is set by default.
const CACHE_BYTES: u64 = 112 << 20;

pub(crate) async fn measure(
    target: &Target,
    senders: &[Sender],
    corpus: &[Line],
    end: OffsetDateTime,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cost = compact(target, report).await?;
    let few = &corpus[..corpus.len().min(1_000_000)];
    let copied = reference::fastest_copy(&target.stack.db, few, &senders[0], report).await?;
    report.add(
        "CPU of both, of the time of such a COPY",
        cost * copied / 1e6,
        "x",
    );
    let mut asking = Asking::begin(target, senders, end).await?;
    report.section("searches over 24 hours of one organisation, merged, warm");
    for question in questions::all(corpus) {
        let mut times = Histogram::<u64>::new(3)?;
        let mut touched = Touched::default();
        for run in 0..RUNS + WARM_UP {
            let started = Instant::now();
            let one = asking.ask(&question, run).await?;
            if run >= WARM_UP {
                times.record(started.elapsed().as_micros() as u64)?;
                touched.lines += one.lines;
                touched.blocks += one.blocks;
            }
        }
        let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        let mean = |sum: u64| sum as f64 / RUNS as f64;
        report.add(question.name, ms(0.5), "ms, p50");
        report.add("  p95", ms(0.95), "ms");
        report.add("  found", mean(touched.lines), "lines");
        report.add("  blocks read", mean(touched.blocks), "blocks");
    }
    patterns(&mut asking, report).await
}

/// The patterns of a window that ends between two buckets, as one that ends now does.
async fn patterns(asking: &mut Asking, report: &mut Report) -> anyhow::Result<()> {
    let to = asking.end - time::Duration::seconds(100);
    for (name, scopes, hours) in [
        ("patterns of one service, 24 h", 1, 24),
        ("patterns of the organisation, 24 h", asking.scopes.len(), 24),
        ("patterns of the organisation, 1 h", asking.scopes.len(), 1),
    ] {
        let from = to - time::Duration::hours(hours);
        let plan = PatternsPlan {
            lines: plan(&asking.scopes[..scopes], "", (from, to))?,
            intervals: Intervals::covering(from, to, 60),
            most_mined: 100_000,
        };
        let mut times = Histogram::<u64>::new(3)?;
        let (mut lines, mut mined) = (0, 0);
        for run in 0..RUNS + WARM_UP {
            let started = Instant::now();
            let tx = asking.conn.tenant_snapshot(asking.org).await?;
            let found = asking.reader.patterns(&tx, &plan).await?;
            tx.commit().await?;
            if run >= WARM_UP {
                times.record(started.elapsed().as_micros() as u64)?;
            }
            lines = found.counts.iter().map(PatternCount::lines).sum::<u64>();
            mined = found.mined;
        }
        report.add(name, times.value_at_quantile(0.5) as f64 / 1_000.0, "ms, p50");
        report.add("  p95", times.value_at_quantile(0.95) as f64 / 1_000.0, "ms");
        report.add("  counted", lines as f64, "lines");
        report.add("  of these mined", mined as f64, "lines");
    }
    Ok(())
}

/// How long after its 2xx a line is found.
pub(crate) async fn visibility(
    target: &Target,
    base: &str,
    sender: &Sender,
    report: &mut Report,
) -> anyhow::Result<()> {
    const LINES: usize = 200;
    let db = Db::new(&DbConfig::new(
        target.stack.db.url_for("sightline_query"),
        "bench",
    ))?;
    let mut conn = db.conn("bench").await?;
    let reader = Reader::new(1 << 20);
    let mut times = Histogram::<u64>::new(3)?;
    for round in 0..50 {
        let now = crate::now();
        let lines: Vec<Line> = (0..LINES)
            .map(|_| Line {
                ts: now,
                level: "info",
                message: format!("visible{round}"),
                meta: String::new(),
                trace_id: String::new(),
                request_id: String::new(),
            })
            .collect();
        let request = Request {
            key: sender.key.clone(),
            body: corpus::native_body(&lines),
            lines: LINES,
        };
        load::run(base, Arc::new(vec![request]), 1, Pace::AsFastAsAnswered).await?;
        let answered = Instant::now();
        let plan = Plan {
            scopes: asking(&[scope_of(sender, now)], &format!("visible{round}"))?,
            from: now - time::Duration::minutes(1),
            to: now + time::Duration::minutes(1),
            order: Order::NewestFirst,
            limit: 100,
            cursor: None,
            budget: Budget {
                time: Duration::from_secs(30),
                bytes: 32 << 20,
            },
        };
        loop {
            let tx = conn.tenant_snapshot(OrgId(sender.org_id)).await?;
            let found = reader.count(&tx, &plan).await?.lines;
            tx.commit().await?;
            if found == LINES as u64 {
                break;
            }
        }
        times.record(answered.elapsed().as_micros() as u64)?;
    }
    report.section("from a 2xx of 200 lines to finding them all, the search included");
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        report.add(name, times.value_at_quantile(quantile) as f64 / 1_000.0, "ms");
    }
    Ok(())
}

/// Merges all; returns how many microseconds of processors each line took.
pub(crate) async fn compact(target: &Target, report: &mut Report) -> anyhow::Result<f64> {
    report.section("merging what was written");
    let config = CompactorConfig {
        rows_after: Duration::ZERO,
        fresh_after: Duration::ZERO,
        duty: 1.0,
        eager: true,
        ..CompactorConfig::default()
    };
    let db = target.merging_db()?;
    let before = target.cpu();
    let own = cpu::seconds_of_tree(std::process::id());
    let mut compactor = Compactor::new(db, config);
    let done = compactor.round().await?.unwrap_or_default();
    compactor.step_down().await?;
    let cost = target.cpu().since(before);
    let own = cpu::seconds_of_tree(std::process::id()) - own - cost.ingest;
    let lines = done.waiting_lines.max(1) as f64;
    report.add("lines that waited", lines, "lines");
    report.add(
        "segments that they were in",
        done.waiting_segments as f64,
        "segments",
    );
    report.add("merges", done.merges as f64, "");
    report.add("lines written anew, of those", done.lines as f64 / lines, "x");
    report.add("CPU of the compactor", own / lines * 1e6, "us a line");
    report.add("CPU of PostgreSQL", cost.postgres / lines * 1e6, "us a line");
    let sizes = "SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint,
                    (SELECT coalesce(sum(row_count), 0)::bigint FROM log_segments)
                 FROM pg_inherits i WHERE i.inhparent = 'log_segments'::regclass";
    let row = target.owner.query_one(sizes, &[]).await?;
    let (bytes, stored): (i64, i64) = (row.get(0), row.get(1));
    report.add("lines at rest", stored as f64, "lines");
    report.add(
        "at rest, all included",
        bytes as f64 / stored.max(1) as f64,
        "bytes a line",
    );
    Ok((own + cost.postgres) / lines * 1e6)
}

/// Merges as a service does, until it is dropped.
pub(crate) async fn merge_on(db: Db) -> anyhow::Result<()> {
    const PAUSE: Duration = Duration::from_secs(1);
    let mut compactor = Compactor::new(db, CompactorConfig::default());
    loop {
        compactor.round().await?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks the reader itself, within this process.
pub(crate) struct Asking {
    conn: Connection,
    reader: Reader,
    org: OrgId,
    scopes: Vec<SearchScope>,
    end: OffsetDateTime,
}

/// What a question found, and what was read for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) lines: u64,
    pub(crate) blocks: u64,
}

impl Asking {
    /// Of the first sender's organisation.
    pub(crate) async fn begin(
        target: &Target,
        senders: &[Sender],
        end: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let db = Db::new(&DbConfig::new(
            target.stack.db.url_for("sightline_query"),
            "bench",
        ))?;
        let org = senders[0].org_id;
        Ok(Self {
            conn: db.conn("bench").await?,
            reader: Reader::new(CACHE_BYTES),
            org: OrgId(org),
            scopes: senders
                .iter()
                .filter(|sender| sender.org_id == org)
                .map(|sender| scope_of(sender, end))
                .collect(),
            end,
        })
    }

    pub(crate) async fn ask(&mut self, question: &Question, run: usize) -> anyhow::Result<Touched> {
        let scopes = question.scopes(&self.scopes);
        let day = (self.end - time::Duration::days(1), self.end);
        let plan = plan(scopes, question.text(run), day)?;
        let tx = self.conn.tenant_snapshot(self.org).await?;
        let touched = match question.asks {
            Asks::Lines => {
                let found = self.reader.search(&tx, &plan).await?;
                Touched {
                    lines: found.lines.len() as u64,
                    blocks: found.stats.blocks_read,
                }
            }
            Asks::Count => {
                let counted = self.reader.count(&tx, &plan).await?;
                Touched {
                    lines: counted.lines,
                    blocks: counted.stats.blocks_read,
                }
            }
            Asks::Histogram(hours) => {
                let range = (self.end - time::Duration::hours(hours), self.end);
                let plan = HistogramPlan::new(scopes.to_vec(), range, Vec::new(), time::Duration::MINUTE)?;
                let buckets = reader::histogram(&tx, &plan).await?;
                Touched {
                    lines: buckets.iter().flat_map(|bucket| bucket.counts).sum(),
                    blocks: 0,
                }
            }
        };
        tx.commit().await?;
        Ok(touched)
    }
}

/// A search for the newest 100.
fn plan(
    scopes: &[SearchScope],
    query: &str,
    (from, to): (OffsetDateTime, OffsetDateTime),
) -> anyhow::Result<Plan> {
    Ok(Plan {
        scopes: asking(scopes, query)?,
        from,
        to,
        order: Order::NewestFirst,
        limit: 100,
        cursor: None,
        budget: Budget {
            time: Duration::from_secs(30),
            bytes: 32 << 20,
        },
    })
}
