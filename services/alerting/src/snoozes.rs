//! Incidents that were put off wake by themselves, by the database's clock: whoever was spared hears of one that is not over
//! once, and of the end of one that is.

use db::{DbError, incidents};
use domain::alerting::incident::life::Action;
use domain::ids::{IncidentId, OrgId};
use serde_json::json;
use service_kit::Kit;

use crate::app::State;
use crate::transitions::{self, Cause, Story};

/// Woken in one sweep; the others in the next.
const BATCH: i32 = 1_000;

/// Wakes what is due; how many incidents.
pub(crate) async fn wake(kit: &Kit, state: &State) -> Result<usize, DbError> {
    let due = {
        let conn = kit.db.conn("alerting.snoozes").await?;
        incidents::to_wake_all_orgs(&conn, BATCH).await?
    };
    let mut woken = 0;
    for (org_id, id) in due {
        woken += usize::from(wake_one(kit, org_id, id).await?);
    }
    if woken > 0 {
        state.wake();
    }
    Ok(woken)
}

async fn wake_one(kit: &Kit, org_id: OrgId, id: IncidentId) -> Result<bool, DbError> {
    let mut conn = kit.db.conn("alerting.snoozes").await?;
    let tx = conn.tenant(org_id).await?;
    let Some(incident) = incidents::find_for_update(&tx, id).await? else {
        return Ok(false);
    };
    let (message, why) = if incident.standing().is_resolved() {
        ("the snooze is over, and so is the incident", "")
    } else {
        (
            "the snooze is over, and the incident is not",
            "it was snoozed until now",
        )
    };
    let cause = Cause {
        by: None,
        at: incidents::clock(&tx).await?,
        message,
        details: json!({}),
        why,
    };
    let story = Story::of(&tx, &incident).await?;
    let woken = match transitions::act(&tx, &incident, Action::Wake, &cause, &story).await {
        Ok(woken) => woken,
        Err(not_done) => not_done.unless_overtaken()?,
    };
    tx.commit().await?;
    Ok(woken.is_some())
}
