//! Channels that keep failing: paused with the reason, and their organisation told by the others through an incident about
//! the channel, which has the same ledger, routes and timeline as any other. It resolves when the channel is used again.

use db::incidents::events::NewEvent;
use db::incidents::{self, NewIncident};
use db::{DbError, TenantTx, notification_channels};
use domain::alerting::channel::pause_reason;
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::{EventKind, IncidentSource};
use domain::alerting::labels::Labels;
use domain::ids::{ChannelId, IncidentId, UserId};
use domain::severity::Severity;
use serde_json::json;

use crate::transitions::{self, Story};

/// Counts a failed attempt against its channel, and pauses it if it has failed for too long; whether it was paused.
pub(crate) async fn note_failure(
    tx: &TenantTx<'_>,
    channel_id: ChannelId,
    channel_name: &str,
    http_status: Option<u16>,
    patience: std::time::Duration,
) -> Result<bool, DbError> {
    let Some(streak) = notification_channels::note_failure(tx, channel_id).await? else {
        return Ok(false);
    };
    let Some(reason) = pause_reason(streak, http_status, patience) else {
        return Ok(false);
    };
    if !notification_channels::pause(tx, channel_id, &reason).await? {
        return Ok(false);
    }
    tell(tx, channel_id, channel_name, &reason).await?;
    Ok(true)
}

async fn tell(
    tx: &TenantTx<'_>,
    channel_id: ChannelId,
    channel_name: &str,
    reason: &str,
) -> Result<(), DbError> {
    let title: String = format!("Nobody is told through {channel_name} any more")
        .chars()
        .take(domain::name::Name::MAX_CHARS)
        .collect();
    let new = NewIncident {
        id: IncidentId::generate(),
        severity: Severity::High,
        source: IncidentSource::Channel,
        title,
        summary: format!(
            "The channel is paused: {reason}. Repair the receiver or the channel's configuration, then send a test \
             message: if it arrives, the channel is used again."
        ),
        rule_id: None,
        service_id: None,
        environment_id: None,
        fingerprint: Fingerprint::of_channel(channel_id),
        labels: Labels::default(),
        opened_at: incidents::clock(tx).await?,
        storm_of: None,
    };
    let Some(incident) = incidents::open(tx, &new).await? else {
        return Ok(());
    };
    let opened = NewEvent {
        kind: EventKind::Opened,
        actor: None,
        message: &format!("the channel {channel_name} was paused: {reason}"),
        details: json!({"channel_id": channel_id}),
    };
    let story = Story::of(tx, &incident).await?;
    transitions::opened_about_a_channel(tx, &incident, &opened, &story, channel_id).await
}

/// Uses a channel again, and resolves the incident about it; whether it was paused.
pub(crate) async fn resume(
    tx: &TenantTx<'_>,
    channel_id: ChannelId,
    by: UserId,
    why: &str,
) -> Result<bool, DbError> {
    let resumed = notification_channels::resume(tx, channel_id).await?;
    settle(tx, channel_id, by, why).await?;
    Ok(resumed)
}

/// Resolves the incident about a channel, if there is one.
pub(crate) async fn settle(
    tx: &TenantTx<'_>,
    channel_id: ChannelId,
    by: UserId,
    why: &str,
) -> Result<(), DbError> {
    let Some(id) = incidents::find_unresolved(tx, &Fingerprint::of_channel(channel_id)).await? else {
        return Ok(());
    };
    let Some(incident) = incidents::find_for_update(tx, id).await? else {
        return Ok(());
    };
    let at = incidents::clock(tx).await?;
    let story = Story::of(tx, &incident).await?;
    transitions::resolve(tx, &incident, Some(by), why, at, &story).await?;
    Ok(())
}
