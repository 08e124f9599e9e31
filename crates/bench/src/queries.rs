//! What a search costs once the lines are merged: each kind of question, many times with different constants.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Connection, Db, DbConfig};
use domain::ids::{EnvironmentId, OrgId, ServiceId};
use domain::query::Expr;
use hdrhistogram::Histogram;
use logstore::compactor::{Compactor, CompactorConfig};
use logstore::reader::{
    self, Budget, Condition, HistogramPlan, Intervals, Order, PatternCount, PatternsPlan, Plan, Reader,
    SearchScope,
};
use time::OffsetDateTime;

use crate::corpus::{self, Line, Random};
use crate::cpu;
use crate::load::{self, Pace, Request};
use crate::report::Report;
use crate::target::{Sender, Target};

/// Each question is asked so often; the first few warm caches and statements.
const RUNS: usize = 20;
const WARM_UP: usize = 3;
/// As the query service is set by default.
const CACHE_BYTES: u64 = 192 << 20;

pub(crate) async fn measure(
    target: &Target,
    senders: &[Sender],
    corpus: &[Line],
    end: OffsetDateTime,
    report: &mut Report,
) -> anyhow::Result<()> {
    compact(target, report).await?;
    let db = Db::new(&DbConfig::new(
        target.stack.db.url_for("sightline_query"),
        "bench",
    ))?;
    let org = senders[0].org_id;
    let scopes: Vec<SearchScope> = senders
        .iter()
        .filter(|sender| sender.org_id == org)
        .map(|sender| scope_of(sender, end))
        .collect();
    let mut asking = Asking {
        conn: db.conn("bench").await?,
        reader: Reader::new(CACHE_BYTES),
        org: OrgId(org),
        plan: Plan {
            scopes: everything(&scopes),
            from: end - time::Duration::days(1),
            to: end + time::Duration::minutes(10),
            order: Order::NewestFirst,
            limit: 100,
            cursor: None,
            budget: Budget {
                time: Duration::from_secs(30),
                bytes: 32 << 20,
            },
        },
    };
    report.section("searches over 24 hours of one organisation, merged, warm");
    asking
        .count("count of a word in a fifth of the lines", "common", report)
        .await?;
    asking.all(corpus, report).await?;
    patterns(&mut asking, end, report).await?;
    histograms(&mut asking, scopes, end, report).await
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

fn scope_of(sender: &Sender, end: OffsetDateTime) -> SearchScope {
    SearchScope {
        service_id: ServiceId(sender.service_id),
        environment_id: EnvironmentId(sender.environment_id),
        oldest: end - time::Duration::days(30),
    }
}

fn everything(scopes: &[SearchScope]) -> Vec<(SearchScope, Arc<Condition>)> {
    let condition = Arc::new(Condition::all());
    scopes
        .iter()
        .map(|scope| (*scope, Arc::clone(&condition)))
        .collect()
}

/// Lines of these scopes that match a query, which names no service.
fn asking(scopes: &[SearchScope], query: &str) -> anyhow::Result<Vec<(SearchScope, Arc<Condition>)>> {
    let query = Expr::parse(query)?;
    let condition = Condition::for_scope(&query, "", "").unwrap_or_else(Condition::all);
    let condition = Arc::new(condition);
    Ok(scopes
        .iter()
        .map(|scope| (*scope, Arc::clone(&condition)))
        .collect())
}

pub(crate) async fn compact(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    report.section("merging what was written");
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
    let before = target.cpu();
    let own = cpu::seconds_of_tree(std::process::id());
    let done = Compactor::new(db, config).round().await?.unwrap_or_default();
    let cost = target.cpu().since(before);
    let own = cpu::seconds_of_tree(std::process::id()) - own - cost.ingest;
    let lines = done.waiting_lines.max(1) as f64;
    report.add("lines that waited", lines, "lines");
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
    Ok(())
}

struct Asking {
    conn: Connection,
    reader: Reader,
    org: OrgId,
    plan: Plan,
}

impl Asking {
    async fn all(&mut self, corpus: &[Line], report: &mut Report) -> anyhow::Result<()> {
        let scopes: Vec<SearchScope> = self.plan.scopes.iter().map(|(scope, _)| *scope).collect();
        let base = self.plan.clone();
        let with = |scopes: &[SearchScope], query: &str| -> anyhow::Result<Plan> {
            Ok(Plan {
                scopes: asking(scopes, query)?,
                ..base.clone()
            })
        };
        let of_all = |query: &str| with(&scopes, query);
        self.ask("newest 100 of a scope", report, |_| with(&scopes[..1], ""))
            .await?;
        self.ask("newest 100 errors of the organisation", report, |_| {
            of_all("level:>=error")
        })
        .await?;
        self.ask("a rare word", report, |_| of_all("needle")).await?;
        self.ask("a word that is nowhere", report, |run| {
            of_all(&format!("nowhere{run}"))
        })
        .await?;
        self.ask("a common word, newest 100", report, |_| of_all("common"))
            .await?;
        self.ask("a rare substring, not at a word's edge", report, |run| {
            of_all(["*eedle*", "*eedlex*"][run % 2])
        })
        .await?;
        let mut random = Random::new(crate::SEED);
        let traced: Vec<&Line> = corpus.iter().filter(|line| !line.trace_id.is_empty()).collect();
        let traces: Vec<&str> = (0..RUNS + WARM_UP)
            .map(|_| {
                traced[random.below(traced.len() as u64) as usize]
                    .trace_id
                    .as_str()
            })
            .collect();
        self.ask("one trace id", report, |run| {
            of_all(&format!("trace_id:{}", traces[run]))
        })
        .await?;
        self.ask("a field's value", report, |run| {
            of_all(&format!("user_id:u{}", 1_000 + run * 37))
        })
        .await
    }

    async fn count(&mut self, name: &str, word: &str, report: &mut Report) -> anyhow::Result<()> {
        let scopes: Vec<SearchScope> = self.plan.scopes.iter().map(|(scope, _)| *scope).collect();
        let plan = Plan {
            scopes: asking(&scopes, word)?,
            ..self.plan.clone()
        };
        let mut times = Histogram::<u64>::new(3)?;
        let mut lines = 0;
        for _ in 0..RUNS {
            let started = Instant::now();
            let tx = self.conn.tenant_snapshot(self.org).await?;
            lines = self.reader.count(&tx, &plan).await?.lines;
            tx.commit().await?;
            times.record(started.elapsed().as_micros() as u64)?;
        }
        report.add(name, times.value_at_quantile(0.5) as f64 / 1_000.0, "ms, p50");
        report.add("  counted", lines as f64, "lines");
        Ok(())
    }

    async fn ask(
        &mut self,
        name: &str,
        report: &mut Report,
        plan: impl Fn(usize) -> anyhow::Result<Plan>,
    ) -> anyhow::Result<()> {
        let mut times = Histogram::<u64>::new(3)?;
        let (mut lines, mut blocks) = (0, 0);
        for run in 0..RUNS + WARM_UP {
            let plan = plan(run)?;
            let started = Instant::now();
            let tx = self.conn.tenant_snapshot(self.org).await?;
            let found = self.reader.search(&tx, &plan).await?;
            tx.commit().await?;
            if run >= WARM_UP {
                times.record(started.elapsed().as_micros() as u64)?;
                lines += found.lines.len();
                blocks += found.stats.blocks_read;
            }
        }
        let mean = |sum: f64| sum / RUNS as f64;
        report.add(name, times.value_at_quantile(0.5) as f64 / 1_000.0, "ms, p50");
        report.add("  p95", times.value_at_quantile(0.95) as f64 / 1_000.0, "ms");
        report.add("  found", mean(lines as f64), "lines");
        report.add("  blocks read", mean(blocks as f64), "blocks");
        Ok(())
    }
}

/// The patterns of a window that ends between two buckets, as one that ends now does.
async fn patterns(asking: &mut Asking, end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let to = end - time::Duration::seconds(100);
    let (one, all) = (asking.plan.scopes[..1].to_vec(), asking.plan.scopes.clone());
    for (name, scopes, hours) in [
        ("patterns of one service, 24 h", one, 24),
        ("patterns of the organisation, 24 h", all.clone(), 24),
        ("patterns of the organisation, 1 h", all, 1),
    ] {
        let from = to - time::Duration::hours(hours);
        let plan = PatternsPlan {
            lines: Plan {
                scopes,
                from,
                to,
                ..asking.plan.clone()
            },
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

async fn histograms(
    asking: &mut Asking,
    scopes: Vec<SearchScope>,
    end: OffsetDateTime,
    report: &mut Report,
) -> anyhow::Result<()> {
    for (name, hours) in [
        ("histogram by level, 1 h by the minute", 1),
        ("histogram by level, 24 h by the minute", 24),
    ] {
        let range = (end - time::Duration::hours(hours), end);
        let plan = HistogramPlan::new(scopes.clone(), range, Vec::new(), time::Duration::MINUTE)?;
        let mut times = Histogram::<u64>::new(3)?;
        for run in 0..RUNS + WARM_UP {
            let started = Instant::now();
            let tx = asking.conn.tenant_snapshot(asking.org).await?;
            reader::histogram(&tx, &plan).await?;
            tx.commit().await?;
            if run >= WARM_UP {
                times.record(started.elapsed().as_micros() as u64)?;
            }
        }
        report.add(name, times.value_at_quantile(0.5) as f64 / 1_000.0, "ms, p50");
    }
    Ok(())
}
