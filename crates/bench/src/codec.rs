//! The codec of segments, alone and on one core: bytes a line, and lines a second in and out, by segment size.

use std::time::Instant;

use logstore::columns::Columns;
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
    real_file(report)
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
