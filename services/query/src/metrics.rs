//! The metrics of this service. Times of requests are the kit's `http_request_duration_seconds`.

use logstore::reader::{Partial, Stats};

/// Counts a finished search: `query_searches_total` by outcome, `query_rows_scanned_total`.
pub(crate) fn search_finished(stats: &Stats) {
    let outcome = stats.partial.map_or("complete", partial_reason);
    metrics::counter!("query_searches_total", "outcome" => outcome).increment(1);
    metrics::counter!("query_rows_scanned_total").increment(stats.rows_scanned);
}

/// Counts a search that was not let in: `query_searches_total`.
pub(crate) fn search_refused(outcome: &'static str) {
    metrics::counter!("query_searches_total", "outcome" => outcome).increment(1);
}

/// Counts a request whose owner did not answer: `query_upstream_failures_total` by owner and reason.
pub(crate) fn upstream_failed(owner: &'static str, reason: &'static str) {
    metrics::counter!("query_upstream_failures_total", "owner" => owner, "reason" => reason).increment(1);
}

/// The stable word for why an answer is partial.
pub(crate) fn partial_reason(partial: Partial) -> &'static str {
    match partial {
        Partial::TimeBudget => "time_budget",
        Partial::AnswerSize => "answer_size",
        Partial::Damaged => "damaged",
        Partial::TooManyLines => "too_many_lines",
    }
}
