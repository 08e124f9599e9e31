//! Stored lines as the query language sees them.

use domain::query;
use domain::query::ast::{Field, TextField};
use domain::query::pipe::{Function, Stage, Stats};
use serde_json::Value;

use super::{Line, Projection};

/// The line as the query languages see it, with the names of its service and environment.
pub fn with_line<R>(
    line: &Line,
    (service, environment): (&str, &str),
    look: impl FnOnce(&query::Line<'_>) -> R,
) -> R {
    let meta: Option<Value> = line
        .meta
        .as_ref()
        .and_then(|meta| serde_json::from_str(meta.get()).ok());
    look(&query::Line {
        ts: line.ts,
        level: line.level,
        message: &line.message,
        meta: meta.as_ref(),
        trace_id: line.trace_id.as_deref(),
        request_id: line.request_id.as_deref(),
        service,
        environment,
    })
}

/// What the stages look at.
pub fn projection(stages: &[Stage]) -> Projection {
    let fields = stages.iter().flat_map(|stage| match stage {
        Stage::Stats(stats) => fields_of(stats),
        Stage::Top(top) => vec![top.field.clone()],
        Stage::Patterns => vec![Field::Message],
    });
    fields.fold(Projection::default(), |seen, field| match field {
        Field::Level | Field::Ts | Field::Text(TextField::Service | TextField::Environment) => seen,
        Field::Message => Projection {
            message: true,
            ..seen
        },
        Field::Text(TextField::TraceId | TextField::RequestId) => Projection { ids: true, ..seen },
        Field::Meta(_) => Projection { meta: true, ..seen },
    })
}

fn fields_of(stats: &Stats) -> Vec<Field> {
    let measured = stats
        .aggregates
        .iter()
        .filter_map(|aggregate| match &aggregate.function {
            Function::Count => None,
            Function::Of(_, field) => Some(field.clone()),
        });
    measured.chain(stats.by.iter().cloned()).collect()
}
