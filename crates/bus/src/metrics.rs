//! Every metric of this crate. Labels come from code only: link and consumer names, routing keys, outcomes.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::health::LinkState;

const CONNECTED: &str = "bus_connected";
const RECONNECTS: &str = "bus_reconnects_total";
const PUBLISHES: &str = "bus_publishes_total";
const PUBLISH_SECONDS: &str = "bus_publish_seconds";
const DELIVERIES: &str = "bus_deliveries_total";
const HANDLER_SECONDS: &str = "bus_handler_seconds";
const HINTS: &str = "bus_hints_total";
const OUTBOX_RELAYED: &str = "bus_outbox_relayed_total";
const OUTBOX_BACKLOG: &str = "bus_outbox_backlog_events";
const OUTBOX_OLDEST: &str = "bus_outbox_oldest_seconds";

/// Gives every metric of this crate its help text. Call it once, after the recorder is installed.
pub fn describe() {
    describe_gauge!(CONNECTED, "1 while this link to the broker is usable");
    describe_counter!(
        RECONNECTS,
        "Connections to the broker that failed or were lost, by link"
    );
    describe_counter!(
        PUBLISHES,
        "Messages given to the broker, by routing key and outcome"
    );
    describe_histogram!(
        PUBLISH_SECONDS,
        Unit::Seconds,
        "From the publish to the broker's confirm"
    );
    describe_counter!(DELIVERIES, "Messages taken from a queue, by consumer and outcome");
    describe_histogram!(
        HANDLER_SECONDS,
        Unit::Seconds,
        "How long a consumer's handler took"
    );
    describe_counter!(HINTS, "Hints that a scope changed, by what became of them");
    describe_counter!(OUTBOX_RELAYED, "Outbox events that were tried, by outcome");
    describe_gauge!(OUTBOX_BACKLOG, "Outbox events that are not published yet");
    describe_gauge!(
        OUTBOX_OLDEST,
        Unit::Seconds,
        "Age of the oldest unpublished outbox event"
    );
}

pub(crate) fn link_state(link: &'static str, state: LinkState) {
    gauge!(CONNECTED, "link" => link).set(if state == LinkState::Connected { 1.0 } else { 0.0 });
}

pub(crate) fn reconnect(link: &'static str) {
    counter!(RECONNECTS, "link" => link).increment(1);
}

pub(crate) fn published(kind: &'static str, outcome: &'static str, took: Duration) {
    counter!(PUBLISHES, "key" => kind, "outcome" => outcome).increment(1);
    histogram!(PUBLISH_SECONDS).record(took.as_secs_f64());
}

/// What became of one delivery.
#[derive(Clone, Copy)]
pub(crate) enum Delivered {
    Done,
    Retried,
    Dead,
    /// A hint whose handler failed: not retried, the sweep covers it.
    Dropped,
    /// Left to the broker, which delivers it again: the connection was lost, or the program stops.
    Left,
}

impl Delivered {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
            Self::Left => "left",
        }
    }
}

pub(crate) fn delivered(consumer: &'static str, outcome: Delivered) {
    counter!(DELIVERIES, "consumer" => consumer, "outcome" => outcome.as_str()).increment(1);
}

pub(crate) fn handled(consumer: &'static str, took: Duration) {
    histogram!(HANDLER_SECONDS, "consumer" => consumer).record(took.as_secs_f64());
}

/// What became of one hint.
#[derive(Clone, Copy)]
pub(crate) enum Hinted {
    Published,
    /// Told together with another hint of the same scope.
    Merged,
    /// Too many scopes at once.
    Overflowed,
    /// The broker was away, refused it, or nobody listens.
    Dropped,
}

pub(crate) fn hinted(outcome: Hinted) {
    let outcome = match outcome {
        Hinted::Published => "published",
        Hinted::Merged => "merged",
        Hinted::Overflowed => "overflowed",
        Hinted::Dropped => "dropped",
    };
    counter!(HINTS, "outcome" => outcome).increment(1);
}

pub(crate) fn relayed(outcome: &'static str) {
    counter!(OUTBOX_RELAYED, "outcome" => outcome).increment(1);
}

pub(crate) fn outbox_backlog(events: i64, oldest_seconds: f64) {
    gauge!(OUTBOX_BACKLOG).set(events as f64);
    gauge!(OUTBOX_OLDEST).set(oldest_seconds);
}
