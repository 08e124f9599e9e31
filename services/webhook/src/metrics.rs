//! Every metric of webhook: name, labels, help.

use domain::deployment::DeploymentStatus;
use domain::deployment_report::Provider;
use domain::github::DeliveryStatus;
use metrics::{counter, describe_counter};

const DELIVERIES: &str = "webhook_deliveries_total";
const CHANGES: &str = "webhook_deployment_changes_total";
const EXPIRED: &str = "webhook_expired_deliveries_total";

pub(crate) fn describe() {
    describe_counter!(
        DELIVERIES,
        "webhook deliveries by event and outcome: applied, unchanged, ignored, duplicate, refused"
    );
    describe_counter!(CHANGES, "status changes of deployments by provider and status");
    describe_counter!(EXPIRED, "deliveries that were deleted because of their age");
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Recorded(DeliveryStatus),
    Duplicate,
    /// Its signature was missing, malformed or wrong.
    Refused,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Recorded(status) => status.as_str(),
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }
}

/// The event is a sender's word, so only the known ones become labels.
pub(crate) fn delivery(event: &str, outcome: Outcome) {
    const KNOWN: [&str; 4] = ["ping", "workflow_run", "deployment", "deployment_status"];
    let event = KNOWN.into_iter().find(|known| *known == event).unwrap_or("other");
    counter!(DELIVERIES, "event" => event, "outcome" => outcome.as_str()).increment(1);
}

pub(crate) fn deployment_changed(provider: Provider, status: DeploymentStatus) {
    counter!(CHANGES, "provider" => provider.as_str(), "status" => status.as_str()).increment(1);
}

pub(crate) fn expired(deliveries: u64) {
    counter!(EXPIRED).increment(deliveries);
}
