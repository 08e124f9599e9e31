//! Numbers over lines: what the pipe of a query computes, and what histograms and facets are made of.

use std::ops::ControlFlow;
use std::sync::Arc;

use db::{DbError, TenantTx};
use domain::query::aggregate::{Aggregator, Limits, Table};
use domain::query::fields::Seen;
use domain::query::pipe::{Stage, Stats as StatsStage};

use crate::reader::{Chosen, Line, Plan, Projection, Reader, Stats, projection, with_line};

/// Computes several stages over the lines of one search, of the newest `most` lines at most. How many lines there were is
/// the second of the result.
pub async fn compute(
    reader: &Reader,
    tx: &TenantTx<'_>,
    plan: &Plan,
    chosen: &Arc<Chosen>,
    stages: &[Stage],
    most: u64,
) -> Result<Computed, DbError> {
    if let [Stage::Stats(counted)] = stages
        && counted.only_counts()
        && most == u64::MAX
    {
        return count(reader, tx, plan, counted).await;
    }
    let state = State {
        aggregators: stages
            .iter()
            .filter_map(|stage| Aggregator::new(stage, limits(stages.len())))
            .collect(),
        lines: 0,
    };
    let projection = projection(stages);
    let chosen = chosen.clone();
    let add = move |state: &mut State, line: Line| {
        if state.lines >= most {
            return ControlFlow::Break(());
        }
        state.lines += 1;
        with_line(&line, chosen.names(line.environment_id), |line| {
            for aggregator in &mut state.aggregators {
                aggregator.add(line);
            }
        });
        ControlFlow::Continue(())
    };
    let (state, stats) = reader.fold(tx, plan, projection, state, add).await?;
    Ok(Computed {
        tables: state.aggregators.into_iter().map(Aggregator::finish).collect(),
        lines: state.lines,
        is_sample: state.lines >= most,
        stats,
    })
}

/// A mere count needs not look at the lines one by one.
async fn count(
    reader: &Reader,
    tx: &TenantTx<'_>,
    plan: &Plan,
    counted: &StatsStage,
) -> Result<Computed, DbError> {
    let crate::reader::Counted { lines, stats } = reader.count(tx, plan).await?;
    Ok(Computed {
        tables: vec![Table::of_count(counted, lines)],
        lines,
        is_sample: false,
        stats,
    })
}

/// The fields of the newest lines.
pub async fn seen_fields(
    reader: &Reader,
    tx: &TenantTx<'_>,
    plan: &Plan,
    chosen: &Arc<Chosen>,
) -> Result<(Seen, Stats), DbError> {
    /// Lines that fields are looked for in.
    const SAMPLE: u64 = 2_000;
    let projection = Projection {
        message: false,
        ..Projection::ALL
    };
    let chosen = chosen.clone();
    let add = move |seen: &mut Seen, line: Line| {
        with_line(&line, chosen.names(line.environment_id), |line| seen.add(line));
        if seen.lines >= SAMPLE {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    reader.fold(tx, plan, projection, Seen::default(), add).await
}

/// What was computed, a table for each stage.
pub struct Computed {
    pub tables: Vec<Table>,
    /// Lines that it is computed from.
    pub lines: u64,
    /// There were as many as are looked at, so there may be more.
    pub is_sample: bool,
    pub stats: Stats,
}

struct State {
    aggregators: Vec<Aggregator>,
    lines: u64,
}

/// Several share the memory of one.
fn limits(stages: usize) -> Limits {
    let limits = Limits::default();
    Limits {
        bytes: limits.bytes / stages.max(1),
        ..limits
    }
}
