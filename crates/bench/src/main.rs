//! `make bench`: what the log store costs, beside what PostgreSQL itself does with the same lines in the same run.
//!
//! Prints a table and writes the same as JSON. Every figure is of this machine at this moment: compare the ratios, not
//! the numbers of two machines.
#![expect(clippy::print_stdout, reason = "this program's purpose is to print")]

mod backlog;
mod codec;
mod corpus;
mod cpu;
mod http;
mod ingest;
mod load;
mod queries;
mod questions;
mod reference;
mod report;
mod retention;
mod rules;
mod target;
mod threshold;

use std::path::PathBuf;

use clap::Parser;
use time::OffsetDateTime;

/// Of everything that is drawn by chance: every run sees the same.
const SEED: u64 = 42;

#[derive(Parser)]
#[command(about)]
struct Config {
    /// Lines of the corpus.
    #[arg(long, default_value_t = 1_000_000)]
    lines: usize,
    /// What to measure; everything when absent.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// How long the load of `backlog` lasts, in minutes.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Where the JSON goes.
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The codec of segments, alone.
    Codec,
    /// From how many lines on segments are cheaper than rows.
    Threshold,
    /// Ingest over HTTP, and the reference points.
    Ingest,
    /// Merging, and searches of what was merged.
    Queries,
    /// The same searches through the gateway, many at a time, and while lines come.
    Http,
    /// What alert rules cost under a load.
    Rules,
    /// What waits to be merged under a load that lasts; only when asked for.
    Backlog,
    /// Dropping a day of lines beside a load; only when asked for.
    Retention,
}

impl Config {
    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    testkit::install_crypto();
    let config = Config::parse();
    let mut report = report::Report::default();
    let end = now();
    if config.wants(Part::Codec) {
        codec::measure(config.lines, end, &mut report)?;
    }
    if config.wants(Part::Threshold) {
        threshold::measure(end, &mut report).await?;
    }
    if config.wants(Part::Ingest) {
        ingest::measure(config.lines, end, &mut report).await?;
    }
    if config.wants(Part::Queries) {
        ingest::load_and_query(config.lines, end, &mut report).await?;
    }
    if config.wants(Part::Http) {
        http::measure(config.lines, end, &mut report).await?;
    }
    if config.wants(Part::Rules) {
        rules::measure(end, &mut report).await?;
    }
    if config.only == Some(Part::Backlog) {
        let length = std::time::Duration::from_secs(60 * config.minutes);
        backlog::measure(config.lines, length, end, &mut report).await?;
    }
    if config.only == Some(Part::Retention) {
        retention::measure(config.lines, end, &mut report).await?;
    }
    report.write(&config.json)?;
    println!("\nwritten to {}", config.json.display());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark runs in real time")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
