//! The codec of segments, alone and on one core: bytes a line, and lines a second in and out, by segment size.

use std::time::Instant;

use domain::patterns::Miner;
use logstore::columns::Columns;
use logstore::patterns::Tally;
use logstore::segment::{Column, Decoder, Encoded, Encoder, Ids, Index};
use time::OffsetDateTime;

use crate::corpus::{Corpus, Line};
use crate::report::Report;

pub(crate) fn measure(lines: usize, end: OffsetDateTime, report: &mut Report) -> anyhow::Result<()> {
    let corpus: Vec<Line> = Corpus::new(crate::SEED, lines, end).collect();
    for (size, filters) in [(200, false), (1_000, false), (10_000, true), (64_000, true)] {
        let with = if filters { "with" } else { "without" };
        report.section(&format!(
            "codec on one core: segments of {size} lines, {with} word filters"
        ));
        let parts: Vec<Columns> = corpus.chunks(size).map(columns).collect();
        one_size(&parts, filters, lines as f64, report)?;
    }
    patterns(&corpus, report)?;
    real_file(report)
}

/// What it costs to count patterns while lines are merged, with the words gone over for the filters anyway.
fn patterns(corpus: &[Line], report: &mut Report) -> anyhow::Result<()> {
    const SIZE: usize = 16_384;
    const ROUNDS: usize = 5;
    report.section(&format!(
        "patterns on one core: segments of {SIZE} lines, with word filters"
    ));
    let parts: Vec<Columns> = corpus.chunks(SIZE).map(columns).collect();
    let lines: usize = parts.iter().map(Columns::len).sum();
    let mut encoder = Encoder::with_filters()?;
    let mut miner = Miner::default();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let mut stored = 0;
    // In turns, so that whatever else the machine does meets both.
    for round in 0..ROUNDS {
        for part in &parts {
            let started = Instant::now();
            encoder.encode(part, Ids::From(1))?;
            let between = Instant::now();
            let mut tally = Tally::new(&mut miner);
            let encoded = encoder.encode_counted(part, 0..part.len(), Ids::From(1), &mut tally)?;
            without.push((between - started).as_secs_f64() / part.len() as f64);
            with.push(between.elapsed().as_secs_f64() / part.len() as f64);
            if round == 0 {
                stored += encoded.pattern_counts.len();
            }
        }
    }
    let ns = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] * 1e9
    };
    let (without, with) = (ns(without), ns(with));
    report.add("encode without patterns, median", without, "ns a line");
    report.add("encode with patterns, median", with, "ns a line");
    report.add("patterns", with - without, "ns a line");
    report.add("counts of patterns", stored as f64 / lines as f64, "bytes a line");
    report.add("templates", (miner.len() - 1) as f64, "");
    anyhow::ensure!(miner.len() > 200, "the corpus has 200 templates and more");
    hostile(report)
}

/// Lines of which no two are alike, which is the worst that a sender can do.
fn hostile(report: &mut Report) -> anyhow::Result<()> {
    const LINES: u64 = 50_000;
    let mut rows = Columns::default();
    let word = |mut number: u64| {
        let mut word = String::new();
        for _ in 0..6 {
            word.push(char::from(b'g' + (number % 16) as u8));
            number /= 16;
        }
        word
    };
    for number in 0..LINES {
        rows.ts.push(number as i64);
        rows.level.push(domain::level::Level::Info.code() as u8);
        let words: Vec<String> = (1..9)
            .map(|factor| word(number.wrapping_mul(factor * 7_919)))
            .collect();
        rows.message.push(words.join(" ").as_bytes());
        for empty in [&mut rows.meta, &mut rows.trace_id, &mut rows.request_id] {
            empty.push(b"");
        }
    }
    let mut encoder = Encoder::with_filters()?;
    let started = Instant::now();
    encoder.encode(&rows, Ids::From(1))?;
    let without = started.elapsed();
    let mut miner = Miner::default();
    let started = Instant::now();
    encoder.encode_counted(&rows, 0..rows.len(), Ids::From(1), &mut Tally::new(&mut miner))?;
    let more = started.elapsed().saturating_sub(without);
    report.add(
        "patterns of lines that are all different",
        more.as_secs_f64() * 1e9 / LINES as f64,
        "ns a line",
    );
    report.add("memory for their templates", miner.size() as f64 / 1e6, "MB");
    Ok(())
}

/// A log file of this machine, where it has one that everybody may read.
fn real_file(report: &mut Report) -> anyhow::Result<()> {
    const FILE: &str = "/var/log/dpkg.log";
    let Ok(text) = std::fs::read_to_string(FILE) else {
        return Ok(());
    };
    let mut rows = Columns::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        rows.ts.push(rows.ts.len() as i64 * 1_000);
        rows.level.push(domain::level::Level::Info.code() as u8);
        rows.message.push(line.as_bytes());
        for empty in [&mut rows.meta, &mut rows.trace_id, &mut rows.request_id] {
            empty.push(b"");
        }
    }
    report.section(&format!(
        "codec: the lines of {FILE} as one segment, with word filters"
    ));
    let encoded = Encoder::with_filters()?.encode(&rows, Ids::From(1))?;
    let per_line = |bytes: usize| bytes as f64 / rows.len() as f64;
    report.add("raw", per_line(text.len()), "bytes a line");
    report.add(
        "columns and index",
        per_line(encoded.index.len() + encoded.columns.iter().map(Vec::len).sum::<usize>()),
        "bytes a line",
    );
    report.add(
        "word filters",
        per_line(encoded.word_filter.len()),
        "bytes a line",
    );
    Ok(())
}

fn one_size(parts: &[Columns], filters: bool, lines: f64, report: &mut Report) -> anyhow::Result<()> {
    let mut encoder = if filters {
        Encoder::with_filters()?
    } else {
        Encoder::new()?
    };
    let started = Instant::now();
    let encoded = parts
        .iter()
        .map(|part| encoder.encode(part, Ids::From(1)))
        .collect::<std::io::Result<Vec<_>>>()?;
    report.add(
        "encode",
        started.elapsed().as_secs_f64() * 1e6 / lines,
        "us a line",
    );

    let bytes = |size: fn(&Encoded) -> usize| encoded.iter().map(size).sum::<usize>() as f64 / lines;
    report.add(
        "columns and index",
        bytes(|s| s.index.len() + s.columns.iter().map(Vec::len).sum::<usize>()),
        "bytes a line",
    );
    report.add("word filters", bytes(|s| s.word_filter.len()), "bytes a line");

    let started = Instant::now();
    let found = count_in_messages(&encoded, b"needle")?;
    report.add(
        "decode messages and look for a substring",
        lines / started.elapsed().as_secs_f64(),
        "lines/s",
    );
    anyhow::ensure!(found == 10, "the corpus has ten needles, {found} were found");
    Ok(())
}

fn count_in_messages(segments: &[Encoded], needle: &[u8]) -> anyhow::Result<usize> {
    let finder = memchr::memmem::Finder::new(needle);
    let mut decoder = Decoder::new()?;
    let mut found = 0;
    for segment in segments {
        for block in &Index::parse(&segment.index)?.blocks {
            let stored = &segment.columns[Column::Message as usize][block.range(Column::Message)];
            found += finder
                .find_iter(decoder.texts(block, Column::Message, stored)?.bytes())
                .count();
        }
    }
    Ok(found)
}

fn columns(lines: &[Line]) -> Columns {
    let mut columns = Columns::default();
    for line in lines {
        columns.ts.push((line.ts.unix_timestamp_nanos() / 1_000) as i64);
        let level = line.level.parse().unwrap_or(domain::level::Level::Info);
        columns.level.push(level.code() as u8);
        columns.message.push(line.message.as_bytes());
        columns.meta.push(line.meta.as_bytes());
        columns.trace_id.push(line.trace_id.as_bytes());
        columns.request_id.push(line.request_id.as_bytes());
    }
    columns
}
