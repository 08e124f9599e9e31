//! Ingest over HTTP: lines a second, CPU per million lines and by whom, answer times, against COPY and INSERT.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::corpus::{self, Corpus, Line};
use crate::cpu;
use crate::load::{self, Pace, Request};
use crate::queries;
use crate::reference::{self, Layout};
use crate::report::Report;
use crate::target::{Sender, Target};

/// Scopes of the standard load: 3 organisations, as in the measurements that the goals come from.
pub(crate) const SCOPES: usize = 30;
const MANY_SCOPES: usize = 3_000;

pub(crate) async fn measure(lines: usize, end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    let target = Target::start().await?;
    let senders = target.add_senders(SCOPES).await?;
    let base = target.stack.client(testkit::Service::Ingest).base().to_owned();

    report.section("warm-up");
    let few = prepare(&corpus[..corpus.len() / 10], &senders, 1_000);
    run(
        &target,
        &base,
        few,
        4,
        Pace::AsFastAsAnswered,
        "1,000-line bodies, 4 connections",
        report,
    )
    .await?;

    report.section("ingest over HTTP, generator included");
    let (mut fastest, mut fastest_of_200) = (0.0_f64, 0.0_f64);
    for (size, connections) in [
        (1_000, 4),
        (1_000, 1),
        (1_000, 8),
        (200, 4),
        (200, 64),
        (10, 64),
        (1, 64),
    ] {
        // Small bodies are dear: fewer lines say as much.
        let share = if size >= 200 {
            corpus.len()
        } else {
            corpus.len() / (1_000 / size).min(50)
        };
        let requests = prepare(&corpus[..share], &senders, size);
        let name = format!("{size}-line bodies, {connections} connections");
        let speed = run(
            &target,
            &base,
            requests,
            connections,
            Pace::AsFastAsAnswered,
            &name,
            report,
        )
        .await?;
        fastest = fastest.max(speed);
        if size == 200 {
            fastest_of_200 = fastest_of_200.max(speed);
        }
    }

    // From here on files of the write-ahead log are used again, as they are on a server that has run for a while.
    target.owner.batch_execute("CHECKPOINT").await?;
    report.section("answer times below the fastest load, 200-line bodies, 64 connections");
    for (name, share) in [("at half load", 0.5), ("at nine tenths", 0.9)] {
        let requests = prepare(&corpus[..corpus.len() / 2], &senders, 200);
        let pace = Pace::LinesPerSecond(fastest_of_200 * share);
        run(&target, &base, requests, 64, pace, name, report).await?;
    }
    report.add(
        "largest memory of ingest so far",
        cpu::peak_megabytes(target.ingest_pid()),
        "MB",
    );

    report.section("one limited key against many, 200-line bodies, 8 connections");
    target.limit_keys().await?;
    let slice = &corpus[..corpus.len() / 2];
    let one = prepare(slice, &senders[..1], 200);
    let one = run(&target, &base, one, 8, Pace::AsFastAsAnswered, "one key", report).await?;
    let eight = prepare(slice, &senders[..8], 200);
    let eight = run(
        &target,
        &base,
        eight,
        8,
        Pace::AsFastAsAnswered,
        "eight keys",
        report,
    )
    .await?;
    report.add("one key, of eight keys", one / eight, "x");

    report.section("one scope and many, 1,000-line bodies, 8 connections");
    let one = prepare(slice, &senders[..1], 1_000);
    run(&target, &base, one, 8, Pace::AsFastAsAnswered, "1 scope", report).await?;
    let many = target.add_senders(MANY_SCOPES).await?;
    let few = prepare(slice, &senders, 1_000);
    let few = run(
        &target,
        &base,
        few,
        8,
        Pace::AsFastAsAnswered,
        "30 scopes",
        report,
    )
    .await?;
    let many = prepare(slice, &many, 1_000);
    let many = run(
        &target,
        &base,
        many,
        8,
        Pace::AsFastAsAnswered,
        "3,000 scopes",
        report,
    )
    .await?;
    report.add("30 scopes, of 3,000", few / many, "x");

    references(&target, &corpus, &senders[0], fastest, fastest_of_200, report).await
}

/// Loads the corpus once, and measures searches of it.
pub(crate) async fn load_and_query(
    lines: usize,
    end: OffsetDateTime,
    report: &mut Report,
) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    let target = Target::start().await?;
    let senders = load(&target, &corpus, report).await?;
    let base = target.stack.client(testkit::Service::Ingest).base().to_owned();
    queries::visibility(&target, &base, &senders[0], report).await?;
    queries::measure(&target, &senders, &corpus, end, report).await
}

/// Sends the corpus as fast as it is taken, and says who sent it.
pub(crate) async fn load(
    target: &Target,
    corpus: &[Line],
    report: &mut Report,
) -> anyhow::Result<Vec<Sender>> {
    let senders = target.add_senders(SCOPES).await?;
    let base = target.stack.client(testkit::Service::Ingest).base().to_owned();
    report.section("loading");
    let requests = prepare(corpus, &senders, 1_000);
    let (pace, name) = (Pace::AsFastAsAnswered, "1,000-line bodies, 4 connections");
    run(target, &base, requests, 4, pace, name, report).await?;
    Ok(senders)
}

async fn references(
    target: &Target,
    corpus: &[Line],
    sender: &Sender,
    fastest: f64,
    fastest_of_200: f64,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.section("reference points: PostgreSQL itself, client included");
    let db = &target.stack.db;
    let copy = reference::fastest_copy(db, corpus, sender, report).await?;
    let few = &corpus[..corpus.len().min(200_000)];
    let classical = reference::copy(db, Layout::Classical, 4, few, sender).await?;
    report.add(
        "COPY, three B-trees and two GIN, 4 connections",
        classical,
        "lines/s",
    );
    let inserts = reference::insert(db, 8, few, sender, Duration::from_secs(10)).await?;
    report.add(
        "INSERT of 200 with upsert, classical indexes, 8 connections",
        inserts,
        "lines/s",
    );
    report.section("ratios");
    report.add("ingest over HTTP, of COPY without an index", fastest / copy, "x");
    report.add(
        "ingest of 200-line bodies, of COPY without an index",
        fastest_of_200 / copy,
        "x",
    );
    report.add(
        "ingest over HTTP, of INSERT the classical way",
        fastest / inserts,
        "x",
    );
    Ok(())
}

/// Sends the requests and reports speed, cost and answer times; returns lines a second.
async fn run(
    target: &Target,
    base: &str,
    requests: Vec<Request>,
    connections: usize,
    pace: Pace,
    name: &str,
    report: &mut Report,
) -> anyhow::Result<f64> {
    let before = target.cpu();
    let outcome = load::run(base, Arc::new(requests), connections, pace).await?;
    let cost = target.cpu().since(before);
    let per_million = |seconds: f64| seconds / outcome.lines as f64 * 1e6;
    report.add(name, outcome.lines_per_second(), "lines/s");
    report.add("  answer, p50", outcome.latency_ms(0.5), "ms");
    report.add("  answer, p99", outcome.latency_ms(0.99), "ms");
    report.add(
        "  CPU of the generator",
        per_million(cost.client),
        "s per million lines",
    );
    report.add("  CPU of ingest", per_million(cost.ingest), "s per million lines");
    report.add(
        "  CPU of PostgreSQL",
        per_million(cost.postgres),
        "s per million lines",
    );
    Ok(outcome.lines_per_second())
}

/// Bodies of `size` lines; each goes to one scope, the first scopes get more, as in life.
pub(crate) fn prepare(lines: &[Line], senders: &[Sender], size: usize) -> Vec<Request> {
    let mut random = corpus::Random::new(crate::SEED);
    let scopes = senders.len() as u64;
    lines
        .chunks(size)
        .map(|chunk| {
            let pick = (random.below(scopes) * random.below(scopes) / scopes) as usize;
            Request {
                key: senders[pick].key.clone(),
                body: corpus::native_body(chunk),
                lines: chunk.len(),
            }
        })
        .collect()
}
