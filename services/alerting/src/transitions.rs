//! What every transition of an incident writes, in the transaction that causes it: its events, the ledger of who is
//! told, and the event for other services.

use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident};
use db::{DbError, TenantTx, notification_channels, notification_jobs, outbox, scopes};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::{Named, Notification, NotifiedTransition};
use domain::alerting::routing::Target;
use domain::events::Event;
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId, UserId};
use serde_json::json;
use service_kit::context;
use time::OffsetDateTime;

use crate::{metrics, policy};

/// What a notification tells beyond the incident itself.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) rule: Option<Named<AlertRuleId>>,
    pub(crate) service: Option<Named<ServiceId>>,
    pub(crate) environment: Option<Named<EnvironmentId>>,
    pub(crate) value: Option<f64>,
    pub(crate) threshold: Option<f64>,
    /// When the problem began; for a resolved incident, when it was opened.
    pub(crate) since: OffsetDateTime,
    /// What to do about it: an address.
    pub(crate) runbook: Option<String>,
}

impl Story {
    /// The story of an incident without a reading: who opened or resolved it was a person.
    pub(crate) async fn of(tx: &TenantTx<'_>, incident: &Incident) -> Result<Self, DbError> {
        let scope = match incident.service_id {
            Some(_) => scopes::list_within(tx, incident.service_id, incident.environment_id).await?,
            None => Vec::new(),
        };
        let place = scope.first();
        Ok(Self {
            rule: None,
            service: place.map(|place| Named {
                id: place.service_id,
                name: place.service.clone(),
            }),
            environment: place
                .filter(|_| incident.environment_id.is_some())
                .map(|place| Named {
                    id: place.environment_id,
                    name: place.environment.clone(),
                }),
            value: None,
            threshold: None,
            since: incident.opened_at,
            runbook: None,
        })
    }
}

/// An incident was opened: `opened` is the event that says why.
pub(crate) async fn opened(
    tx: &TenantTx<'_>,
    incident: &Incident,
    opened: &NewEvent<'_>,
    story: &Story,
) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let targets = policy::load(tx, now)
        .await?
        .opened(&policy::subject(incident), now);
    opened_to(tx, incident, opened, story, &targets).await
}

/// The same for an incident about a channel, of which another one must be told.
pub(crate) async fn opened_about_a_channel(
    tx: &TenantTx<'_>,
    incident: &Incident,
    opened: &NewEvent<'_>,
    story: &Story,
    about: ChannelId,
) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let policy = policy::load(tx, now).await?;
    let targets = policy.opened_about_a_channel(&policy::subject(incident), about, now);
    opened_to(tx, incident, opened, story, &targets).await
}

async fn opened_to(
    tx: &TenantTx<'_>,
    incident: &Incident,
    opened: &NewEvent<'_>,
    story: &Story,
    targets: &[Target],
) -> Result<(), DbError> {
    events::add(tx, incident.id, opened).await?;
    let notification = tell(incident, NotifiedTransition::Opened, story, None);
    enqueue(tx, &notification, targets).await?;
    announce(tx, incident.id, "opened", incident.opened_at).await
}

/// Who resolves an incident, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolution<'a> {
    /// Nobody when a rule does.
    pub(crate) by: Option<UserId>,
    pub(crate) why: &'a str,
    pub(crate) at: OffsetDateTime,
}

/// Resolves an incident; `None`, and nothing is written, when it is resolved already.
pub(crate) async fn resolve(
    tx: &TenantTx<'_>,
    id: IncidentId,
    resolution: &Resolution<'_>,
    story: &Story,
) -> Result<Option<Incident>, DbError> {
    let Resolution { by, why, at } = *resolution;
    let Some(incident) = incidents::resolve(tx, id, by, at).await? else {
        return Ok(None);
    };
    let event = NewEvent {
        kind: EventKind::Resolved,
        actor: by,
        message: &format!("resolved: {why}"),
        details: json!({}),
    };
    events::add(tx, id, &event).await?;
    let story = Story {
        since: incident.opened_at,
        ..story.clone()
    };
    let notification = tell(&incident, NotifiedTransition::Resolved, &story, Some(why));
    follow(tx, &incident, &notification).await?;
    announce(tx, id, "resolved", at).await?;
    Ok(Some(incident))
}

/// Who says that they look after an incident.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Acknowledger<'a> {
    Person {
        id: UserId,
        email: &'a str,
    },
    /// Whoever followed the link in a message to this channel.
    Link {
        channel_id: ChannelId,
        channel: &'a str,
    },
}

/// Somebody looks after an incident. Only receivers that keep a state of it are told; for people it is in the timeline.
pub(crate) async fn acknowledge(
    tx: &TenantTx<'_>,
    id: IncidentId,
    by: Acknowledger<'_>,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    let (actor, who, details) = match by {
        Acknowledger::Person { id, email } => (Some(id), email.to_owned(), json!({})),
        Acknowledger::Link { channel_id, channel } => (
            None,
            format!("the link sent to {channel}"),
            json!({"channel_id": channel_id}),
        ),
    };
    incidents::acknowledge(tx, id, actor, at).await?;
    let message = match by {
        Acknowledger::Person { .. } => "acknowledged".to_owned(),
        Acknowledger::Link { .. } => format!("acknowledged through {who}"),
    };
    let event = NewEvent {
        kind: EventKind::Acknowledged,
        actor,
        message: &message,
        details,
    };
    events::add(tx, id, &event).await?;
    if let Some(incident) = incidents::find(tx, id).await? {
        let story = Story::of(tx, &incident).await?;
        let notification = Notification {
            acknowledged_by: Some(who),
            ..tell(&incident, NotifiedTransition::Acknowledged, &story, None)
        };
        follow(tx, &incident, &notification).await?;
    }
    announce(tx, id, "acknowledged", at).await
}

/// Tells other services, by the outbox.
pub(crate) async fn announce(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    change: &'static str,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    metrics::incident(change);
    let event = Event::IncidentChangedV1 {
        org_id: tx.org_id(),
        incident_id,
        change: change.to_owned(),
    };
    let correlation_id = context::current().map(|context| context.correlation_id);
    outbox::add(tx, event, correlation_id.as_deref(), at).await?;
    Ok(())
}

fn tell(
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
    }
}

/// Tells those who were told of the opening, and of the end newer channels too.
async fn follow(tx: &TenantTx<'_>, incident: &Incident, notification: &Notification) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let openings = notification_jobs::openings(tx, incident.id).await?;
    let policy = policy::load(tx, now).await?;
    let targets = policy.followed(&policy::subject(incident), notification.transition, &openings);
    if targets.is_empty() && notification.transition == NotifiedTransition::Acknowledged {
        // Nobody keeps a state of it, which is not worth a row.
        return Ok(());
    }
    enqueue(tx, notification, &targets).await
}

/// Writes the ledger, and in the timeline what it says.
async fn enqueue(tx: &TenantTx<'_>, notification: &Notification, targets: &[Target]) -> Result<(), DbError> {
    let ids = notification_jobs::enqueue(tx, notification, targets).await?;
    let what = notification.transition.as_str();
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
            details: json!({"notification_id": id, "channel_id": target.channel_id, "transition": what,
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
            details: json!({"transition": what, "notification_id": ids.first()}),
        };
        events::add(tx, notification.incident_id, &event).await?;
    }
    Ok(())
}
