//! Whom a transition of an incident is told, and how the timeline says so.

use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident};
use db::notification_jobs::held;
use db::{DbError, TenantTx, notification_channels, notification_jobs};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::{Notification, NotifiedTransition};
use domain::alerting::routing::Target;
use domain::ids::ChannelId;
use serde_json::json;
use time::OffsetDateTime;

use super::{Cause, Story};
use crate::policy;

pub(super) async fn tell_of(
    tx: &TenantTx<'_>,
    incident: &Incident,
    transition: NotifiedTransition,
    cause: &Cause<'_>,
    story: &Story,
) -> Result<(), DbError> {
    let about = |transition, why| tell(incident, transition, story, why);
    match transition {
        NotifiedTransition::Acknowledged => {
            let notification = Notification {
                acknowledged_by: Some(cause.why.to_owned()),
                ..about(transition, None)
            };
            follow(tx, incident, &notification).await
        }
        NotifiedTransition::Resolved => {
            let story = Story {
                since: incident.opened_at,
                ..story.clone()
            };
            follow(tx, incident, &tell(incident, transition, &story, Some(cause.why))).await
        }
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => {
            let notification = Notification {
                at: Some(cause.at),
                cause: Some(cause.why.to_owned()),
                ..about(transition, None)
            };
            call(tx, incident, &notification).await
        }
    }
}

/// Calls people anew, where the routes say now.
async fn call(tx: &TenantTx<'_>, incident: &Incident, notification: &Notification) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let policy = policy::load(tx, now).await?;
    let subjects = policy::subjects(tx, incident).await?;
    let targets = policy.called(&subjects, now);
    call_targets(tx, incident, notification, targets).await
}

/// Pages that still wait at these channels are not sent: this one takes their place.
async fn call_targets(
    tx: &TenantTx<'_>,
    incident: &Incident,
    notification: &Notification,
    targets: Vec<Target>,
) -> Result<(), DbError> {
    let until = incident.snoozed_until;
    let targets: Vec<Target> = targets.into_iter().map(|target| target.snoozed(until)).collect();
    let channels: Vec<ChannelId> = targets.iter().map(|target| target.channel_id).collect();
    held::supersede(tx, incident.id, &channels).await?;
    enqueue(tx, notification, &targets).await
}

/// Calls those whom the routes choose for one more problem of an incident, and who were not called for it before.
pub(crate) async fn call_also(
    tx: &TenantTx<'_>,
    incident: &Incident,
    targets: Vec<Target>,
    story: &Story,
) -> Result<(), DbError> {
    let notification = tell(incident, NotifiedTransition::Opened, story, None);
    call_targets(tx, incident, &notification, targets).await
}

/// A storm that had become calm is back.
pub(crate) async fn call_again(
    tx: &TenantTx<'_>,
    incident: &Incident,
    why: &str,
    at: OffsetDateTime,
    story: &Story,
) -> Result<(), DbError> {
    let notification = Notification {
        at: Some(at),
        cause: Some(why.to_owned()),
        ..tell(incident, NotifiedTransition::Reminded, story, None)
    };
    call(tx, incident, &notification).await
}

pub(super) fn tell(
    incident: &Incident,
    transition: NotifiedTransition,
    story: &Story,
    why: Option<&str>,
) -> Notification {
    Notification {
        transition,
        incident_id: incident.id,
        title: incident.title.clone(),
        severity: incident.severity,
        source: incident.source,
        summary: incident.summary.clone(),
        rule: story.rule.clone(),
        service: story.service.clone(),
        environment: story.environment.clone(),
        value: story.value,
        threshold: story.threshold,
        since: story.since,
        opened_at: incident.opened_at,
        resolved_at: incident.resolved_at,
        resolution: why.map(str::to_owned),
        acknowledged_at: incident.acknowledged_at,
        acknowledged_by: None,
        labels: incident.labels.clone(),
        runbook: story.runbook.clone(),
        samples: Vec::new(),
        at: None,
        cause: None,
    }
}

/// Tells those who were told of the opening, and of the end newer channels too.
async fn follow(tx: &TenantTx<'_>, incident: &Incident, notification: &Notification) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let openings = notification_jobs::openings(tx, incident.id).await?;
    let policy = policy::load(tx, now).await?;
    let subjects = policy::subjects(tx, incident).await?;
    let followed = policy.followed(&subjects, notification.transition, &openings);
    let until = incident.snoozed_until;
    let targets: Vec<Target> = followed.into_iter().map(|target| target.snoozed(until)).collect();
    if targets.is_empty() && notification.transition == NotifiedTransition::Acknowledged {
        // Nobody keeps a state of it, which is not worth a row.
        return Ok(());
    }
    enqueue(tx, notification, &targets).await
}

/// Writes the ledger, and in the timeline what it says.
pub(super) async fn enqueue(
    tx: &TenantTx<'_>,
    notification: &Notification,
    targets: &[Target],
) -> Result<(), DbError> {
    let ids = notification_jobs::enqueue(tx, notification, targets).await?;
    let what = notification.transition.in_words();
    let transition = notification.transition;
    let names = notification_channels::list_for_routing(tx).await?;
    let name_of = |id: ChannelId| {
        let channel = names.iter().find(|channel| channel.id == id);
        channel.map_or("a channel", |channel| channel.name.as_str())
    };
    for (id, target) in ids.iter().zip(targets) {
        let channel = name_of(target.channel_id);
        let (kind, message) = match &target.held {
            None => (
                EventKind::NotificationEnqueued,
                format!("{channel} is to be told that the incident was {what}"),
            ),
            Some(held) => (
                EventKind::NotificationHeld,
                format!(
                    "{channel} is not told that the incident was {what}: {}",
                    held.in_words()
                ),
            ),
        };
        let event = NewEvent {
            kind,
            actor: None,
            message: &message,
            details: json!({"notification_id": id, "channel_id": target.channel_id, "transition": transition,
                "chosen_by": target.chosen_by, "held": target.held}),
        };
        events::add(tx, notification.incident_id, &event).await?;
    }
    if targets.is_empty() {
        let why = if names.iter().any(|channel| channel.enabled) {
            "the routes choose no channel"
        } else {
            "there is no enabled channel"
        };
        let event = NewEvent {
            kind: EventKind::NobodyTold,
            actor: None,
            message: &format!("nobody was told that the incident was {what}: {why}"),
            details: json!({"transition": transition, "notification_id": ids.first()}),
        };
        events::add(tx, notification.incident_id, &event).await?;
    }
    Ok(())
}
