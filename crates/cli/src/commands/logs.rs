//! `sightline logs`.

use std::io::{self, Write as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::{Api, ApiFailure};
use crate::args::{LogsArgs, When};
use crate::config::Environment;
use crate::output::line::LineForm;
use crate::output::notice;

/// Of the API.
const MAX_PAGE: u64 = 1_000;

#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    partial: bool,
    partial_reason: Option<String>,
}

pub(super) async fn run(args: LogsArgs, color: When, environment: &Environment) -> anyhow::Result<()> {
    let api = Api::of(&environment.config()?)?;
    let form = LineForm::new(args.form, color, environment);
    let mut params = args.filter.params();
    params.extend(args.range.params());
    if args.oldest {
        params.push(("order", "oldest".to_owned()));
    }
    let mut left = if args.all { u64::MAX } else { args.limit };
    let mut cursor = None;
    loop {
        let mut params = params.clone();
        params.push(("limit", left.min(MAX_PAGE).to_string()));
        params.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page: Page = match api.get_json("/api/logs/query", &params).await {
            Ok(page) => page,
            Err(error) => {
                return Err(match error.downcast::<ApiFailure>() {
                    Ok(failure) => args.filter.explain(failure),
                    Err(other) => other,
                });
            }
        };
        let mut out = String::new();
        for line in &page.data {
            out.push_str(&form.write(line)?);
            out.push('\n');
        }
        io::stdout().write_all(out.as_bytes())?;
        left = left.saturating_sub(page.data.len() as u64);
        tell_of_missing(&page.stats);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
        if left == 0 {
            notice::hint("there are more lines; --limit or --all shows them");
            return Ok(());
        }
    }
}

/// The other reasons only mean that the next page goes on.
fn tell_of_missing(stats: &Stats) {
    if stats.partial && stats.partial_reason.as_deref() == Some("damaged") {
        notice::say(
            "lines are missing: a stored segment cannot be read; the log of the query service names it",
        );
    }
}
