//! What every transition of an incident writes, in the transaction that causes it: its events, the ledger of who is
//! told ([`telling`]), and the event for other services.

use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident, members};
use db::notification_jobs::held;
use db::{DbError, TenantTx, outbox, scopes};
use domain::alerting::incident::EventKind;
use domain::alerting::incident::life::{Action, IllegalChange};
use domain::alerting::notification::{Named, NotifiedTransition};
use domain::alerting::routing::{HeldBack, Target};
use domain::events::Event;
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId, UserId};
use serde_json::{Value, json};
use service_kit::context;
use time::OffsetDateTime;

pub(crate) use self::telling::{call_again, call_also};
use self::telling::{enqueue, tell, tell_of};
use crate::{metrics, policy};

mod telling;

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
    let subjects = policy::subjects(tx, incident).await?;
    let targets = policy::load(tx, now).await?.called(&subjects, now);
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
            held::wake(tx, incident.id, after.standing().is_resolved()).await?;
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
