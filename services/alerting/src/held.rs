//! What was held back is looked at again when what held it is over: sent if its incident is not over, held on if something
//! else holds it, or kept as what was never sent.

use std::time::Duration;

use actix_web::web;
use db::incidents::events::{self, NewEvent};
use db::notification_jobs::held::{self, Due, Held};
use db::{DbError, TenantTx, causes, incidents};
use domain::alerting::incident::{EventKind, IncidentStatus};
use domain::alerting::notification::NotifiedTransition;
use domain::alerting::routing::HeldBack;
use serde_json::json;
use service_kit::Kit;

use crate::app::State;
use crate::policy;

/// How late the end of a silence may be noticed.
const POLL: Duration = Duration::from_secs(1);
/// Looked at in one go.
const BATCH: i32 = 200;

/// Looks after what is held back until the service stops.
pub(crate) async fn run(kit: Kit, state: web::Data<State>) {
    while !kit.stopping.is_cancelled() {
        let looked_at = match turn(&kit, &state).await {
            Ok(count) => count,
            Err(error) => {
                tracing::warn!(
                    error = causes::chain(&error),
                    "what is held back is looked at in the next turn"
                );
                0
            }
        };
        if looked_at == BATCH as usize {
            continue;
        }
        tokio::select! {
            () = kit.stopping.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

async fn turn(kit: &Kit, state: &State) -> Result<usize, DbError> {
    let due = {
        let conn = kit.db.conn("alerting.held").await?;
        held::due_all_orgs(&conn, BATCH).await?
    };
    for one in &due {
        let mut conn = kit.db.conn("alerting.held").await?;
        let tx = conn.tenant(one.org_id).await?;
        look_at(&tx, *one).await?;
        tx.commit().await?;
    }
    if !due.is_empty() {
        state.wake();
    }
    Ok(due.len())
}

/// What becomes of a held notification.
enum Verdict {
    Send,
    /// Its incident is over, or the channel never heard of it.
    Never,
    HoldOn(HeldBack),
}

async fn look_at(tx: &TenantTx<'_>, due: Due) -> Result<(), DbError> {
    let Some(held) = held::lock(tx, due.job_id).await? else {
        return Ok(());
    };
    let what = held.transition.in_words();
    let channel = &held.channel_name;
    let (kind, message) = match verdict(tx, &held).await? {
        Verdict::HoldOn(reason) => return held::hold_on(tx, due.job_id, &reason).await,
        Verdict::Send => {
            held::release(tx, due.job_id).await?;
            let message = format!(
                "{channel} is to be told that the incident was {what}: nothing holds it back any more"
            );
            (EventKind::NotificationReleased, message)
        }
        Verdict::Never => {
            held::settle(tx, due.job_id).await?;
            let message = format!(
                "{channel} is never told that the incident was {what}: it was over before it could be"
            );
            (EventKind::NotificationHeld, message)
        }
    };
    let event = NewEvent {
        kind,
        actor: None,
        message: &message,
        details: json!({"notification_id": due.job_id, "channel_id": held.channel_id, "transition": held.transition}),
    };
    events::add(tx, held.incident_id, &event).await?;
    Ok(())
}

async fn verdict(tx: &TenantTx<'_>, held: &Held) -> Result<Verdict, DbError> {
    let is_old = match held.transition {
        NotifiedTransition::Opened
        | NotifiedTransition::Reopened
        | NotifiedTransition::Raised
        | NotifiedTransition::Reminded => held.status == IncidentStatus::Resolved,
        NotifiedTransition::Acknowledged => held.status != IncidentStatus::Acknowledged || held.opening_held,
        NotifiedTransition::Resolved => held.opening_held,
    };
    let Some(incident) = incidents::find(tx, held.incident_id).await?.filter(|_| !is_old) else {
        return Ok(Verdict::Never);
    };
    let now = incidents::clock(tx).await?;
    if let Some(until) = incident.snoozed_until {
        return Ok(Verdict::HoldOn(HeldBack::Snoozed { until }));
    }
    let policy = policy::load(tx, now).await?;
    let holds = if held.transition.is_page() {
        policy.held_for_all(&policy::subjects(tx, &incident).await?, now)
    } else {
        None
    };
    let holds = holds.or_else(|| policy.unable(held.channel_id));
    Ok(holds.map_or(Verdict::Send, Verdict::HoldOn))
}
