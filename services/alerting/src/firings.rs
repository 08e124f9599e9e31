//! Where a firing belongs, and when its incident is over. A problem that fires already, or did a short while ago, goes on with
//! the incident that it has; one of many at once joins a storm; any other opens an incident of its own.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use db::incidents::events::{self, NewEvent};
use db::incidents::members::{self, Joined};
use db::incidents::{self, Incident, NewIncident};
use db::{DbError, TenantTx, incident_settings, notification_jobs};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::life::Action;
use domain::alerting::incident::storm::{self, Place, StormOf};
use domain::alerting::incident::{EventKind, IncidentSource, Settings};
use domain::alerting::labels::Labels;
use domain::alerting::matcher::Subject;
use domain::alerting::routing::Policy;
use domain::alerting::rule::RuleScope;
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentId, ServiceId};
use domain::severity::Severity;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::policy;
use crate::transitions::{self, Cause, Story};

/// A problem that begins to fire.
pub(crate) struct Firing<'a> {
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) source: IncidentSource,
    pub(crate) rule_id: Option<AlertRuleId>,
    /// Where the rule looks, if a rule found it.
    pub(crate) scope: RuleScope,
    pub(crate) service_id: ServiceId,
    pub(crate) environment_id: EnvironmentId,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) severity: Severity,
    pub(crate) labels: &'a Labels,
    pub(crate) story: Story,
    /// What the timeline says of it.
    pub(crate) message: String,
    pub(crate) details: Value,
    /// The incident that the problem had last.
    pub(crate) last_incident: Option<IncidentId>,
    /// Other problems of the same rule that begin to fire in the same moment and are placed after this one.
    pub(crate) together: u64,
    pub(crate) at: OffsetDateTime,
}

/// Where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    Opened(IncidentId),
    Reopened(IncidentId),
    Joined(IncidentId),
}

impl Placed {
    pub(crate) fn incident_id(self) -> IncidentId {
        match self {
            Self::Opened(id) | Self::Reopened(id) | Self::Joined(id) => id,
        }
    }
}

/// What is read once for all firings of a transaction.
#[derive(Default)]
pub(crate) struct Memo {
    settings: Option<Settings>,
    policy: Option<Policy>,
    /// Channels that were called for a storm.
    called: HashMap<IncidentId, HashSet<ChannelId>>,
}

impl Memo {
    async fn settings(&mut self, tx: &TenantTx<'_>) -> Result<Settings, DbError> {
        if let Some(settings) = self.settings {
            return Ok(settings);
        }
        let settings = incident_settings::find(tx).await?;
        self.settings = Some(settings);
        Ok(settings)
    }
}

/// Finds the incident of a firing, or opens one. `None` when other transactions were quicker, and the next evaluation sees what
/// they left.
pub(crate) async fn place(
    tx: &TenantTx<'_>,
    memo: &mut Memo,
    firing: &Firing<'_>,
) -> Result<Option<Placed>, DbError> {
    // Whoever was quicker has committed by now: what it opened is found the second time.
    for _ in 0..2 {
        if let Some(placed) = place_once(tx, memo, firing).await? {
            return Ok(Some(placed));
        }
    }
    Ok(None)
}

async fn place_once(
    tx: &TenantTx<'_>,
    memo: &mut Memo,
    firing: &Firing<'_>,
) -> Result<Option<Placed>, DbError> {
    let settings = memo.settings(tx).await?;
    if let Some(known) = known(tx, firing).await? {
        if !known.standing().is_resolved() {
            return join(tx, memo, &known, firing).await.map(Some);
        }
        if known.standing().takes_back(settings.reopen_within, firing.at)
            && let Some(placed) = reopen(tx, &known, firing).await?
        {
            return Ok(Some(placed));
        }
    }
    let since = firing.at - settings.storms.window;
    let place = (firing.rule_id, firing.service_id);
    let mut seen = members::seen(tx, place, firing.fingerprint, since).await?;
    seen.of_rule += 1 + firing.together;
    seen.at_service += 1;
    match storm::place(settings.storms, seen, firing.at) {
        Place::Alone => open(tx, firing).await,
        Place::Joins(of) => into_storm(tx, memo, firing, of, None).await,
        Place::Begins(of) => {
            let firings = match of {
                StormOf::Rule => seen.of_rule,
                StormOf::Service => seen.at_service,
            };
            into_storm(tx, memo, firing, of, Some(firings)).await
        }
    }
}

/// The incident that the problem has, or had last, locked: where it was merged, the one that goes on with it.
async fn known(tx: &TenantTx<'_>, firing: &Firing<'_>) -> Result<Option<Incident>, DbError> {
    let open = incidents::find_unresolved(tx, firing.fingerprint).await?;
    match open.or(firing.last_incident) {
        Some(id) => incidents::lock_root(tx, id).await,
        None => Ok(None),
    }
}

async fn note(tx: &TenantTx<'_>, incident_id: IncidentId, firing: &Firing<'_>) -> Result<Joined, DbError> {
    let member = members::Firing {
        fingerprint: firing.fingerprint,
        rule_id: firing.rule_id,
        service_id: Some(firing.service_id),
        environment_id: Some(firing.environment_id),
        title: &firing.title,
        summary: &firing.summary,
        severity: firing.severity,
        at: firing.at,
    };
    members::fired(tx, incident_id, &member).await
}

async fn open(tx: &TenantTx<'_>, firing: &Firing<'_>) -> Result<Option<Placed>, DbError> {
    let new = NewIncident {
        id: IncidentId::generate(),
        severity: firing.severity,
        source: firing.source,
        title: firing.title.clone(),
        summary: firing.summary.clone(),
        rule_id: firing.rule_id,
        service_id: Some(firing.service_id),
        environment_id: Some(firing.environment_id),
        fingerprint: firing.fingerprint.clone(),
        labels: firing.labels.clone(),
        opened_at: firing.at,
        storm_of: None,
    };
    let Some(incident) = incidents::open(tx, &new).await? else {
        return Ok(None);
    };
    note(tx, incident.id, firing).await?;
    let opened = NewEvent {
        kind: EventKind::Opened,
        actor: None,
        message: &firing.message,
        details: firing.details.clone(),
    };
    transitions::opened(tx, &incident, &opened, &firing.story).await?;
    Ok(Some(Placed::Opened(incident.id)))
}

async fn reopen(
    tx: &TenantTx<'_>,
    incident: &Incident,
    firing: &Firing<'_>,
) -> Result<Option<Placed>, DbError> {
    let cause = Cause {
        by: None,
        at: firing.at,
        message: &format!("reopened: {}", firing.message),
        details: firing.details.clone(),
        why: &firing.message,
    };
    let reopened = transitions::act(tx, incident, Action::Reopen, &cause, &firing.story).await;
    let reopened = match reopened {
        Ok(reopened) => reopened,
        Err(not_done) => not_done.unless_overtaken()?,
    };
    let Some(incident) = reopened else { return Ok(None) };
    note(tx, incident.id, firing).await?;
    Ok(Some(Placed::Reopened(incident.id)))
}

/// One more firing of an incident that is not over. Nobody is called, unless it is more urgent than the storm that it joins, or
/// somebody else's.
async fn join(
    tx: &TenantTx<'_>,
    memo: &mut Memo,
    incident: &Incident,
    firing: &Firing<'_>,
) -> Result<Placed, DbError> {
    let joined = note(tx, incident.id, firing).await?;
    if storm::is_told(joined.firings.unsigned_abs()) {
        let mut details = firing.details.clone();
        details["fingerprint"] = json!(firing.fingerprint);
        details["firings"] = json!(joined.firings);
        let event = NewEvent {
            kind: EventKind::FiringJoined,
            actor: None,
            message: &format!("firing {} of this incident: {}", joined.firings, firing.message),
            details,
        };
        events::add(tx, incident.id, &event).await?;
    }
    if incident.storm_of.is_some() {
        if firing.severity > incident.severity {
            raise(tx, incident, firing).await?;
            memo.called.remove(&incident.id);
        } else {
            call_whoever_is_new(tx, memo, incident, firing).await?;
        }
    }
    Ok(Placed::Joined(incident.id))
}

async fn raise(tx: &TenantTx<'_>, incident: &Incident, firing: &Firing<'_>) -> Result<(), DbError> {
    let (before, after) = (incident.severity, firing.severity);
    let message = format!("severity changed from {before} to {after}: {}", firing.message);
    let cause = Cause {
        by: None,
        at: firing.at,
        message: &message,
        details: json!({"before": before, "after": after}),
        why: &message,
    };
    match transitions::act(tx, incident, Action::Regrade(after), &cause, &firing.story).await {
        Ok(_) => Ok(()),
        Err(not_done) => not_done.unless_overtaken().map(|_| ()),
    }
}

async fn call_whoever_is_new(
    tx: &TenantTx<'_>,
    memo: &mut Memo,
    incident: &Incident,
    firing: &Firing<'_>,
) -> Result<(), DbError> {
    let now = firing.at;
    if memo.policy.is_none() {
        memo.policy = Some(policy::load(tx, now).await?);
    }
    let called = match memo.called.entry(incident.id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => {
            let openings = notification_jobs::openings(tx, incident.id).await?;
            let called = openings.iter().filter(|opening| !opening.held);
            unknown.insert(called.map(|opening| opening.channel_id).collect())
        }
    };
    let Some(policy) = &memo.policy else {
        return Ok(());
    };
    let subject = Subject {
        severity: incident.severity,
        service_id: Some(firing.service_id),
        environment_id: Some(firing.environment_id),
        rule_id: firing.rule_id,
        labels: firing.labels.clone(),
    };
    let mut new = policy.opened(&subject, now);
    new.retain(|target| target.held.is_none() && called.insert(target.channel_id));
    if new.is_empty() {
        return Ok(());
    }
    transitions::call_also(tx, incident, new, &firing.story).await
}

/// `begins` with so many firings, where it does.
async fn into_storm(
    tx: &TenantTx<'_>,
    memo: &mut Memo,
    firing: &Firing<'_>,
    of: StormOf,
    begins: Option<u64>,
) -> Result<Option<Placed>, DbError> {
    let settings = memo.settings(tx).await?;
    let fingerprint = storm::fingerprint(of, firing.rule_id, firing.service_id);
    let newest = match incidents::find_newest(tx, &fingerprint).await? {
        Some(id) => incidents::lock_root(tx, id).await?,
        None => None,
    };
    if let Some(storm) = newest {
        if !storm.standing().is_resolved() {
            let placed = join(tx, memo, &storm, firing).await?;
            if begins.is_some() {
                transitions::call_again(tx, &storm, "the storm is back", firing.at, &firing.story).await?;
            }
            return Ok(Some(placed));
        }
        if storm.standing().takes_back(settings.reopen_within, firing.at)
            && let Some(placed) = reopen(tx, &storm, firing).await?
        {
            return Ok(Some(placed));
        }
    }
    open_storm(tx, firing, of, fingerprint, begins.unwrap_or(1), settings).await
}

async fn open_storm(
    tx: &TenantTx<'_>,
    firing: &Firing<'_>,
    of: StormOf,
    fingerprint: Fingerprint,
    firings: u64,
    settings: Settings,
) -> Result<Option<Placed>, DbError> {
    let name = match of {
        StormOf::Rule => firing.story.rule.as_ref().map(|rule| rule.name.as_str()),
        StormOf::Service => firing.story.service.as_ref().map(|service| service.name.as_str()),
    };
    let (service_id, environment_id) = match of {
        StormOf::Rule => (firing.scope.service_id, firing.scope.environment_id),
        StormOf::Service => (Some(firing.service_id), None),
    };
    let summary = storm::summary_of(firings, settings.storms.window, &firing.message);
    let new = NewIncident {
        id: IncidentId::generate(),
        severity: firing.severity,
        source: firing.source,
        title: storm::title_of(of, name.unwrap_or(&firing.title)),
        summary: summary.clone(),
        rule_id: firing.rule_id.filter(|_| of == StormOf::Rule),
        service_id,
        environment_id,
        fingerprint,
        labels: firing.labels.clone(),
        opened_at: firing.at,
        storm_of: Some(of),
    };
    let Some(incident) = incidents::open(tx, &new).await? else {
        return Ok(None);
    };
    note(tx, incident.id, firing).await?;
    let mut details = firing.details.clone();
    details["storm_of"] = json!(of);
    details["firings_within_window"] = json!(firings);
    let opened = NewEvent {
        kind: EventKind::Opened,
        actor: None,
        message: &format!("a storm: {summary}"),
        details,
    };
    transitions::opened(tx, &incident, &opened, &firing.story).await?;
    Ok(Some(Placed::Opened(incident.id)))
}

/// A problem that is clear, and why.
pub(crate) struct Clear<'a> {
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) message: &'a str,
    pub(crate) why: &'a str,
    pub(crate) details: Value,
    pub(crate) story: &'a Story,
    pub(crate) at: OffsetDateTime,
}

/// Writes down that a problem is clear, and resolves its incident if it was the last one; whether it did.
pub(crate) async fn cleared(
    tx: &TenantTx<'_>,
    incident_id: IncidentId,
    clear: &Clear<'_>,
) -> Result<bool, DbError> {
    let Some(incident) = incidents::lock_root(tx, incident_id).await? else {
        return Ok(false);
    };
    let tally = members::clear(tx, incident.id, clear.fingerprint, clear.at).await?;
    let (is_last, count) = (tally.firing == 0, tally.clear.unsigned_abs());
    if is_last || storm::is_told(count) {
        let mut details = clear.details.clone();
        if count > 1 || !is_last {
            details["fingerprint"] = json!(clear.fingerprint);
            details["firing"] = json!(tally.firing);
        }
        let ended = NewEvent {
            kind: EventKind::FiringEnded,
            actor: None,
            message: clear.message,
            details,
        };
        events::add(tx, incident.id, &ended).await?;
    }
    if !is_last || !incident.source.ends_by_itself() {
        return Ok(false);
    }
    let why = if count > 1 {
        format!("all {count} problems are clear; of the last: {}", clear.why)
    } else {
        clear.why.to_owned()
    };
    let resolved = transitions::resolve(tx, &incident, None, &why, clear.at, clear.story).await?;
    Ok(resolved.is_some())
}
