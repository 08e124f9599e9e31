//! Every metric of alerting: name, labels, help.

use std::time::Duration;

use db::notification_jobs::Backlog;
use domain::alerting::channel::ChannelType;
use domain::alerting::delivery::AttemptOutcome;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const EVALUATIONS: &str = "alerting_evaluations_total";
const EVALUATION_SECONDS: &str = "alerting_evaluation_seconds";
const TRANSITIONS: &str = "alerting_incident_transitions_total";
const ATTEMPTS: &str = "alerting_notification_attempt_seconds";
const SWEEP_SECONDS: &str = "alerting_sweep_seconds";
const SWEEP_LEFT: &str = "alerting_sweep_rules_left";
const LEADER: &str = "alerting_sweep_leader";
const WAITING: &str = "alerting_notifications_waiting";
const OLDEST: &str = "alerting_notifications_oldest_due_seconds";
const DEAD: &str = "alerting_notifications_dead";

pub(crate) fn describe() {
    describe_counter!(
        EVALUATIONS,
        "evaluations of one rule, by outcome: unchanged, changed, failed"
    );
    describe_histogram!(EVALUATION_SECONDS, "time to evaluate one rule");
    describe_counter!(
        TRANSITIONS,
        "incidents opened, acknowledged and resolved, by transition"
    );
    describe_histogram!(
        ATTEMPTS,
        "time of one attempt to notify, by channel type and outcome"
    );
    describe_histogram!(SWEEP_SECONDS, "time to evaluate every rule once");
    describe_gauge!(
        SWEEP_LEFT,
        "rules that the last sweep had no time for; they come first in the next"
    );
    describe_gauge!(LEADER, "1 on the replica that sweeps");
    describe_gauge!(
        WAITING,
        "notifications that are not settled, seen by the replica that sweeps"
    );
    describe_gauge!(
        OLDEST,
        "for how long the notification that is due longest has been due, seen by the replica that sweeps"
    );
    describe_gauge!(
        DEAD,
        "notifications that were given up in the last week, seen by the replica that sweeps"
    );
}

/// How an evaluation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evaluation {
    Unchanged,
    /// An incident opened or resolved.
    Changed,
    Failed,
}

pub(crate) fn evaluated(outcome: Evaluation, took: Duration) {
    let label = match outcome {
        Evaluation::Unchanged => "unchanged",
        Evaluation::Changed => "changed",
        Evaluation::Failed => "failed",
    };
    counter!(EVALUATIONS, "outcome" => label).increment(1);
    histogram!(EVALUATION_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn incident(transition: &'static str) {
    counter!(TRANSITIONS, "transition" => transition).increment(1);
}

pub(crate) fn delivered(channel: ChannelType, outcome: AttemptOutcome, took: Duration) {
    let labels = [("channel", channel.as_str()), ("outcome", outcome.as_str())];
    histogram!(ATTEMPTS, &labels).record(took.as_secs_f64());
}

pub(crate) fn swept(took: Duration, left: usize) {
    histogram!(SWEEP_SECONDS).record(took.as_secs_f64());
    gauge!(SWEEP_LEFT).set(left as f64);
}

pub(crate) fn backlog(backlog: &Backlog) {
    gauge!(WAITING).set(backlog.waiting as f64);
    gauge!(OLDEST).set(backlog.oldest_due_seconds);
    gauge!(DEAD).set(backlog.dead as f64);
}

pub(crate) fn leads(leads: bool) {
    gauge!(LEADER).set(f64::from(u8::from(leads)));
}
