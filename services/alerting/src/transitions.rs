//! What every transition of an incident writes, in the transaction that causes it: its events, the ledger of who is
//! told, and the event for other services.

use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident};
use db::{DbError, TenantTx, notification_jobs, outbox, scopes};
use domain::alerting::incident::EventKind;
use domain::alerting::notification::{Named, Notification, NotifiedTransition};
use domain::events::Event;
use domain::ids::{AlertRuleId, EnvironmentId, IncidentId, ServiceId, UserId};
use serde_json::json;
use service_kit::context;
use time::OffsetDateTime;

use crate::metrics;

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
    events::add(tx, incident.id, opened).await?;
    let notification = tell(incident, NotifiedTransition::Opened, story, None);
    enqueue(tx, &notification).await?;
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
    enqueue(tx, &notification).await?;
    announce(tx, id, "resolved", at).await?;
    Ok(Some(incident))
}

/// A person looks after an incident. Nobody is notified: those who were told will see it.
pub(crate) async fn acknowledge(
    tx: &TenantTx<'_>,
    id: IncidentId,
    by: UserId,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    incidents::acknowledge(tx, id, by, at).await?;
    let event = NewEvent {
        kind: EventKind::Acknowledged,
        actor: Some(by),
        message: "acknowledged",
        details: json!({}),
    };
    events::add(tx, id, &event).await?;
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
    }
}

async fn enqueue(tx: &TenantTx<'_>, notification: &Notification) -> Result<(), DbError> {
    let jobs = notification_jobs::enqueue(tx, notification).await?;
    let what = notification.transition.as_str();
    for job in &jobs {
        let event = NewEvent {
            kind: EventKind::NotificationEnqueued,
            actor: None,
            message: &format!("{} is to be told that the incident was {what}", job.channel_name),
            details: json!({"notification_id": job.id, "channel_id": job.channel_id, "transition": what}),
        };
        events::add(tx, notification.incident_id, &event).await?;
    }
    if jobs.is_empty() {
        let event = NewEvent {
            kind: EventKind::NobodyTold,
            actor: None,
            message: &format!("nobody was told that the incident was {what}: there is no enabled channel"),
            details: json!({"transition": what}),
        };
        events::add(tx, notification.incident_id, &event).await?;
    }
    Ok(())
}
