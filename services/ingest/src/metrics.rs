//! Every metric of this service. Those of the log store's writer are described here too, since only ingest writes.

use logstore::compactor::Report;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use service_kit::ApiError;

use crate::routing::{Sorted, Why};

const LINES: &str = "ingest_lines_total";
const REFUSED: &str = "ingest_requests_refused_total";
const ROUTED: &str = "ingest_routed_lines_total";
const SYSLOG_LOST: &str = "ingest_syslog_messages_lost_total";
const INFLIGHT: &str = "ingest_inflight_bytes";

pub(crate) fn describe() {
    describe_counter!(
        LINES,
        "Lines by outcome: accepted, rejected by their content, or repeated under an idempotency key"
    );
    describe_counter!(
        ROUTED,
        "Lines that named another service or environment than their key's, by outcome: routed there, or why they stayed"
    );
    describe_counter!(REFUSED, "Requests of which nothing was stored, by error code");
    describe_gauge!(
        INFLIGHT,
        Unit::Bytes,
        "Bodies in memory, as sent and decompressed"
    );
    describe_counter!(
        SYSLOG_LOST,
        "Syslog messages that were not stored, by reason: protocols without an answer have nobody to tell"
    );
    describe_gauge!(
        "ingest_partition_days_skipped",
        "Days whose lines lie in the default partition"
    );
    describe_counter!(
        "logstore_flushes_total",
        "Transactions of the log writer, by outcome"
    );
    describe_counter!(
        "logstore_flushed_rows_total",
        "Lines in those transactions, by outcome"
    );
    describe_histogram!("logstore_flush_rows", "Lines of one flush");
    describe_histogram!(
        "logstore_flush_duration_seconds",
        Unit::Seconds,
        "From a flush's begin to its commit"
    );
    describe_counter!(
        "logstore_compacted_lines_total",
        "Lines that the compactor wrote anew"
    );
    describe_counter!("logstore_merges_total", "Merges of the compactor");
    describe_gauge!(
        "logstore_compaction_backlog_segments",
        "Segments that wait to be merged, as the compactor found them last"
    );
    describe_gauge!(
        "logstore_compaction_backlog_lines",
        "Lines that wait to be merged"
    );
    describe_counter!(
        "logstore_damaged_segments_total",
        "Segments that could not be read"
    );
    describe_gauge!("logstore_queue_rows", "Lines accepted and not yet answered");
    describe_gauge!("logstore_queue_bytes", Unit::Bytes, "The same in bytes");
}

pub(crate) fn compacted(report: &Report) {
    counter!("logstore_compacted_lines_total").increment(report.lines);
    counter!("logstore_merges_total").increment(report.merges);
    gauge!("logstore_compaction_backlog_segments").set(report.waiting_segments as f64);
    gauge!("logstore_compaction_backlog_lines").set(report.waiting_lines as f64);
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Accepted,
    Rejected,
    Repeated,
}

pub(crate) fn lines(outcome: Outcome, count: usize) {
    let outcome = match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::Repeated => "repeated",
    };
    counter!(LINES, "outcome" => outcome).increment(count as u64);
}

/// Lines that were stored, and did or did not go where they wanted to.
pub(crate) fn routed(sorted: &Sorted) {
    if sorted.routed > 0 {
        counter!(ROUTED, "outcome" => "routed").increment(sorted.routed.into());
    }
    for stray in &sorted.strays {
        let outcome = match stray.why {
            Why::Invalid(_) => "invalid",
            Why::Unknown => "unknown",
            Why::TooManyServices | Why::TooManyEnvironments => "full",
            Why::TooManyNamed => "too_many",
        };
        counter!(ROUTED, "outcome" => outcome).increment(stray.lines.into());
    }
}

pub(crate) fn refused(error: &ApiError) {
    counter!(REFUSED, "code" => error.code()).increment(1);
}

pub(crate) fn inflight(bytes: usize) {
    gauge!(INFLIGHT).set(bytes as f64);
}

/// Why a syslog message was not stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lost {
    TooLong,
    /// No key, or one that may not write logs.
    Key,
    /// By the rules of a line.
    Rejected,
    /// By UDP, which cannot wait.
    Busy,
    /// While the service was stopping.
    Stopping,
}

pub(crate) fn syslog_lost(why: Lost, messages: usize) {
    let reason = match why {
        Lost::TooLong => "too_long",
        Lost::Key => "key",
        Lost::Rejected => "rejected",
        Lost::Busy => "busy",
        Lost::Stopping => "stopping",
    };
    counter!(SYSLOG_LOST, "reason" => reason).increment(messages as u64);
}
