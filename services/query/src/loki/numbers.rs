//! The numbers of a metric query.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use db::{TenantTx, scopes};
use domain::logql::{
    EvalError, Evaluation, Limits, LogPipeline, MetricExpr, QueryResult, RangeAggregation, RangeOp, Response,
    Times, parse_length, parse_time,
};
use logstore::reader::{Line, Partial, Projection, Stats};
use service_kit::ApiError;
use time::{Duration, OffsetDateTime};

use super::places::{self, Places};
use super::{Call, cost, refused};
use crate::metrics;

/// Lines have microseconds, so that nothing lies between one and the next.
const NEXT: Duration = Duration::MICROSECOND;

pub(super) async fn at_one_moment(call: &Call<'_>, expr: MetricExpr) -> Result<Response, ApiError> {
    let at = call.params.get("time");
    let at = at
        .map_or(Ok(call.now), |text| parse_time("time", text))
        .map_err(refused)?;
    compute(call, expr, Times::Instant(at)).await
}

pub(super) async fn over_time(call: &Call<'_>, expr: MetricExpr) -> Result<Response, ApiError> {
    let range = call.params.range(call.now)?;
    let step = call.params.get("step");
    let step = step.map_or(Ok(range.default_step()), |text| parse_length("step", text));
    let times = Times::Range {
        start: range.start,
        end: range.end,
        step: step.map_err(refused)?,
    };
    compute(call, expr, times).await
}

async fn compute(call: &Call<'_>, expr: MetricExpr, times: Times) -> Result<Response, ApiError> {
    let started = Instant::now();
    let message = reads_messages(&expr);
    let evaluation = Evaluation::new(expr, times, Limits::default()).map_err(refused)?;
    let mut warnings = places::warnings(evaluation.pipelines().map(|pipeline| &pipeline.selector));
    let (evaluation, stats) = if let Some(moments) = evaluation.reads() {
        let _turn = call.state.admission.enter(call.org_id).await?;
        let mut conn = call.kit.db.conn("query.loki").await?;
        let tx = conn.tenant_snapshot(call.org_id).await?;
        let (evaluation, stats) = feed(call, &tx, evaluation, moments, message).await?;
        tx.commit().await?;
        metrics::search_finished(&stats);
        (evaluation, Some(stats))
    } else {
        (evaluation, None)
    };
    warnings.extend(stats.and_then(|stats| stats.partial).map(partial_warning));
    let result = finish(evaluation).await?;
    let cost = stats.map(|stats| cost(started, stats, 0)).unwrap_or_default();
    Ok(Response::new(result, cost, warnings))
}

/// Takes all lines that count into the evaluation: those after the first of the moments, up to the second.
async fn feed(
    call: &Call<'_>,
    tx: &TenantTx<'_>,
    evaluation: Evaluation,
    (after, until): (OffsetDateTime, OffsetDateTime),
    message: bool,
) -> Result<(Evaluation, Stats), ApiError> {
    let pipelines: Vec<&LogPipeline> = evaluation.pipelines().collect();
    let places = Arc::new(Places::of(scopes::list(tx).await?, &pipelines));
    let plan = places.plan(after, until.saturating_add(NEXT), 1, call.state.budget);
    let metadata = evaluation.needs_metadata();
    let projection = Projection {
        message,
        meta: metadata,
        ids: metadata,
    };
    let add = move |(evaluation, failure): &mut (Evaluation, Option<EvalError>), line: Line| match places
        .with_line(&line, |line| evaluation.feed(line))
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            *failure = Some(error);
            ControlFlow::Break(())
        }
    };
    let reader = &call.state.reader;
    let ((evaluation, failure), stats) = reader
        .fold(tx, &plan, projection, (evaluation, None), add)
        .await?;
    match failure {
        None => Ok((evaluation, stats)),
        Some(error) => Err(refused(error)),
    }
}

/// Away from the event loop: there may be millions of points.
async fn finish(evaluation: Evaluation) -> Result<QueryResult, ApiError> {
    let finishing = tokio::task::spawn_blocking(move || evaluation.finish());
    finishing
        .await
        .unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
        .map_err(refused)
}

/// Whether it looks at more of lines than their number, time and labels.
fn reads_messages(expr: &MetricExpr) -> bool {
    match expr {
        MetricExpr::Number(_) | MetricExpr::Vector(_) => false,
        MetricExpr::Range(range) => range_reads_messages(range),
        MetricExpr::Aggregate(aggregation) => reads_messages(&aggregation.inner),
        MetricExpr::Binary { left, right, .. } => reads_messages(left) || reads_messages(right),
    }
}

fn range_reads_messages(range: &RangeAggregation) -> bool {
    let measures = match range.op {
        RangeOp::Bytes | RangeOp::BytesRate => true,
        RangeOp::Count
        | RangeOp::Rate
        | RangeOp::Sum
        | RangeOp::Avg
        | RangeOp::Min
        | RangeOp::Max
        | RangeOp::Quantile => false,
    };
    measures || !range.pipeline.stages.is_empty()
}

fn partial_warning(partial: Partial) -> String {
    match partial {
        Partial::TimeBudget | Partial::AnswerSize | Partial::TooManyLines => {
            "the query ran out of time before it saw all lines, so numbers are too low, above all the older ones; shorten \
             the range or name a service"
                .to_owned()
        }
        Partial::Damaged => "a stored segment cannot be read, so numbers are too low".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::logql::{Query, parse};

    use super::*;

    #[rstest::rstest]
    #[case("sum by (level) (count_over_time({}[1m]))", false)]
    #[case("vector(1) + rate({}[1m])", false)]
    #[case("rate({}[1m]) / bytes_rate({}[1m])", true)]
    #[case("topk(3, count_over_time({} |= `x` [1m]))", true)]
    #[case("sum_over_time({} | json | unwrap ms [1m])", true)]
    fn messages_are_read_where_something_looks_at_them(#[case] query: &str, #[case] expected: bool) {
        let Ok(Query::Metric(expr)) = parse(query) else {
            panic!("no metric query");
        };
        assert_eq!(reads_messages(&expr), expected);
    }
}
