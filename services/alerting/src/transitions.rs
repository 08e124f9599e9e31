//! What every transition of an incident writes, in the transaction that causes it: its events, the ledger of who is
//! told, and the event for other services.

use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident, members};
use db::notification_jobs::held;
use db::{DbError, TenantTx, notification_channels, notification_jobs, outbox, scopes};
use domain::alerting::incident::EventKind;
use domain::alerting::incident::life::{Action, IllegalChange};
use domain::alerting::notification::{Named, Notification, NotifiedTransition};
use domain::alerting::routing::{HeldBack, Target};
use domain::events::Event;
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId, UserId};
use serde_json::{Value, json};
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

/// Why something is done with an incident.
#[derive(Clone, Debug)]
pub(crate) struct Cause<'a> {
    /// Nobody when a rule, a link or the clock does it.
    pub(crate) by: Option<UserId>,
    pub(crate) at: OffsetDateTime,
    /// What the timeline says.
    pub(crate) message: &'a str,
    /// For programs.
    pub(crate) details: Value,
    /// What people are told of it: why it ended or came back, who looks after it.
    pub(crate) why: &'a str,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDone {
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    /// It would be the second that is open about the same problem.
    #[error(
        "another incident about the same problem is open: go on with that one, or merge it into this one's story there"
    )]
    Twin,
    #[error(transparent)]
    Db(#[from] DbError),
}

impl NotDone {
    /// For what nobody asked for: what is not legal any more was overtaken, and is left as it is.
    pub(crate) fn unless_overtaken(self) -> Result<Option<Incident>, DbError> {
        match self {
            Self::Illegal(_) | Self::Twin => Ok(None),
            Self::Db(error) => Err(error),
        }
    }
}

/// Does something with an incident whose lock the caller holds, with all that follows from it: where it stands, the row of the
/// timeline, who is told. Nothing, when it changes nothing.
pub(crate) async fn act(
    tx: &TenantTx<'_>,
    incident: &Incident,
    action: Action,
    cause: &Cause<'_>,
    story: &Story,
) -> Result<Option<Incident>, NotDone> {
    let Some(step) = incident.standing().after(incident.id, action, cause.at)? else {
        return Ok(None);
    };
    if matches!(action, Action::Reopen) {
        let open = incidents::find_unresolved(tx, &incident.fingerprint).await?;
        if open.is_some_and(|open| open != incident.id) {
            return Err(NotDone::Twin);
        }
    }
    let after = incidents::stand(tx, incident.id, &step.after, cause.by, cause.at).await?;
    let event = NewEvent {
        kind: kind_of(action),
        actor: cause.by,
        message: cause.message,
        details: cause.details.clone(),
    };
    events::add(tx, incident.id, &event).await?;
    match action {
        Action::Snooze(until) => {
            held::hold_waiting(tx, incident.id, &HeldBack::Snoozed { until }).await?;
        }
        Action::EndSnooze | Action::Wake => {
            held::wake(tx, incident.id, after.standing().is_resolved()).await?
        }
        Action::MergeInto(into, _) => {
            members::move_burning(tx, incident.id, into).await?;
        }
        Action::Acknowledge | Action::Resolve | Action::Reopen | Action::Assign(_) | Action::Regrade(_) => {}
    }
    if let Some(transition) = step.tells {
        tell_of(tx, &after, transition, cause, story).await?;
    }
    announce(tx, incident.id, change_of(action), cause.at).await?;
    Ok(Some(after))
}

fn kind_of(action: Action) -> EventKind {
    match action {
        Action::Acknowledge => EventKind::Acknowledged,
        Action::Resolve => EventKind::Resolved,
        Action::Reopen => EventKind::Reopened,
        Action::Assign(_) => EventKind::Assigned,
        Action::Snooze(_) => EventKind::Snoozed,
        Action::EndSnooze | Action::Wake => EventKind::SnoozeEnded,
        Action::MergeInto(..) => EventKind::Merged,
        Action::Regrade(_) => EventKind::SeverityChanged,
    }
}

/// What other services are told.
fn change_of(action: Action) -> &'static str {
    match action {
        Action::Acknowledge => "acknowledged",
        Action::Resolve => "resolved",
        Action::Reopen => "reopened",
        Action::MergeInto(..) => "merged",
        Action::Assign(_) | Action::Snooze(_) | Action::EndSnooze | Action::Wake | Action::Regrade(_) => {
            "changed"
        }
    }
}

async fn tell_of(
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

/// Resolves an incident whose lock the caller holds; nothing when it is resolved already.
pub(crate) async fn resolve(
    tx: &TenantTx<'_>,
    incident: &Incident,
    by: Option<UserId>,
    why: &str,
    at: OffsetDateTime,
    story: &Story,
) -> Result<Option<Incident>, DbError> {
    let cause = Cause {
        by,
        at,
        message: &format!("resolved: {why}"),
        details: json!({}),
        why,
    };
    match act(tx, incident, Action::Resolve, &cause, story).await {
        Ok(resolved) => Ok(resolved),
        Err(not_done) => not_done.unless_overtaken(),
    }
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
        at: None,
        cause: None,
    }
}

/// Tells those who were told of the opening, and of the end newer channels too.
async fn follow(tx: &TenantTx<'_>, incident: &Incident, notification: &Notification) -> Result<(), DbError> {
    let now = incidents::clock(tx).await?;
    let openings = notification_jobs::openings(tx, incident.id).await?;
    let policy = policy::load(tx, now).await?;
    let followed = policy.followed(&policy::subject(incident), notification.transition, &openings);
    let until = incident.snoozed_until;
    let targets: Vec<Target> = followed.into_iter().map(|target| target.snoozed(until)).collect();
    if targets.is_empty() && notification.transition == NotifiedTransition::Acknowledged {
        // Nobody keeps a state of it, which is not worth a row.
        return Ok(());
    }
    enqueue(tx, notification, &targets).await
}

/// Writes the ledger, and in the timeline what it says.
async fn enqueue(tx: &TenantTx<'_>, notification: &Notification, targets: &[Target]) -> Result<(), DbError> {
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
