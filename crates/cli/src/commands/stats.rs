//! `sightline stats`.

use std::io::{self, Write as _};

use serde::Deserialize;

use crate::api::{Api, ApiFailure};
use crate::args::StatsArgs;
use crate::config::Environment;
use crate::output::table::Table;
use crate::output::{notice, style};
use crate::times::Clockface;

#[derive(Deserialize)]
struct Answer {
    data: Computed,
}

#[derive(Deserialize)]
struct Computed {
    #[serde(flatten)]
    table: Table,
    stats: Scan,
}

#[derive(Deserialize)]
struct Scan {
    partial: bool,
    partial_reason: Option<String>,
}

pub(super) async fn run(args: StatsArgs, environment: &Environment) -> anyhow::Result<()> {
    let api = Api::of(&environment.config()?)?;
    let mut params = args.filter.params();
    params.extend(args.range.params());
    let answer: Answer = match api.get_json("/api/logs/stats", &params).await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(match error.downcast::<ApiFailure>() {
                Ok(failure) => args.filter.explain(failure),
                Err(other) => other,
            });
        }
    };
    let Computed { table, stats } = answer.data;
    let mut out = if style::is_json(args.form) {
        table.ndjson().join("\n")
    } else if table.rows.is_empty() {
        notice::hint("no lines match");
        String::new()
    } else {
        table.text(&Clockface::new(args.form.utc))
    };
    if !out.is_empty() {
        out.push('\n');
    }
    io::stdout().write_all(out.as_bytes())?;
    for reason in &table.approximate {
        notice::say(&format!("not exact: {reason}"));
    }
    if stats.partial {
        let reason = stats.partial_reason.unwrap_or_default();
        notice::say(&format!(
            "computed from a part of the lines only ({reason}); ask for a shorter time"
        ));
    }
    Ok(())
}
