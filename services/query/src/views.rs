//! Saved views: who may change which, how many there may be, and what the audit log keeps of it.

use db::audit_logs::{self, Entry};
use db::saved_views::{self, SavedView, ViewSettings};
use db::{DbError, TenantTx};
use domain::ids::SavedViewId;
use domain::role::Role;
use serde_json::Value;
use service_kit::ApiError;
use service_kit::access::Member;

use crate::routes::views::ViewView;

/// Far above what people need: it keeps a runaway script from filling the table. Counted and not locked, so that requests
/// at the same moment may pass it by a few.
const PER_OWNER: i64 = 200;

const NOT_FOUND: ApiError = ApiError::NotFound { what: "saved view" };

pub(crate) async fn create(
    tx: &TenantTx<'_>,
    caller: &Member,
    settings: &ViewSettings,
) -> Result<SavedView, ApiError> {
    may_leave(caller, settings)?;
    if saved_views::count_of(tx, caller.user_id).await? >= PER_OWNER {
        return Err(ApiError::Conflict(format!(
            "there are {PER_OWNER} saved views of yours already, the most there may be; delete one that is no longer used"
        )));
    }
    let view = saved_views::create(tx, caller.user_id, settings)
        .await
        .map_err(|error| name_taken(error, settings))?;
    audit(tx, caller, "saved_view.create", None, Some(&view)).await?;
    Ok(view)
}

/// Changes a view; `change` makes the new settings of the old ones.
pub(crate) async fn change(
    tx: &TenantTx<'_>,
    caller: &Member,
    id: SavedViewId,
    change: impl FnOnce(&ViewSettings) -> Result<ViewSettings, ApiError>,
) -> Result<SavedView, ApiError> {
    let before = lock(tx, caller, id).await?;
    let settings = change(&before.settings)?;
    may_leave(caller, &settings)?;
    if settings == before.settings {
        return Ok(before);
    }
    let after = saved_views::update(tx, id, &settings)
        .await
        .map_err(|error| name_taken(error, &settings))?
        .ok_or(NOT_FOUND)?;
    audit(tx, caller, "saved_view.change", Some(&before), Some(&after)).await?;
    Ok(after)
}

pub(crate) async fn delete(tx: &TenantTx<'_>, caller: &Member, id: SavedViewId) -> Result<(), ApiError> {
    let view = lock(tx, caller, id).await?;
    saved_views::delete(tx, id).await?;
    audit(tx, caller, "saved_view.delete", Some(&view), None).await?;
    Ok(())
}

pub(crate) async fn find(tx: &TenantTx<'_>, caller: &Member, id: SavedViewId) -> Result<SavedView, ApiError> {
    saved_views::find(tx, caller.user_id, id).await?.ok_or(NOT_FOUND)
}

/// The view, if the caller may change it. Another's personal one is not there for anybody.
async fn lock(tx: &TenantTx<'_>, caller: &Member, id: SavedViewId) -> Result<SavedView, ApiError> {
    let view = saved_views::lock(tx, caller.user_id, id)
        .await?
        .ok_or(NOT_FOUND)?;
    if view.user_id == caller.user_id || caller.role.at_least(Role::Admin) {
        Ok(view)
    } else {
        Err(ApiError::Refused(
            "this view is somebody else's; save a copy of your own, or ask its owner or an admin".into(),
        ))
    }
}

/// What everybody sees is a developer's to make. Somebody whose role was lowered can still take back what they shared.
fn may_leave(caller: &Member, settings: &ViewSettings) -> Result<(), ApiError> {
    if settings.is_shared && !caller.role.at_least(Role::Developer) {
        Err(ApiError::Forbidden {
            needs: Role::Developer,
        })
    } else {
        Ok(())
    }
}

fn name_taken(error: DbError, settings: &ViewSettings) -> ApiError {
    if error.violates_unique(saved_views::NAME_KEY) {
        let name = &settings.name;
        ApiError::Conflict(format!(
            "its owner has a view named {name} already; choose another name"
        ))
    } else {
        error.into()
    }
}

/// Writes down what others could see; personal views are nobody else's business.
async fn audit(
    tx: &TenantTx<'_>,
    caller: &Member,
    action: &'static str,
    before: Option<&SavedView>,
    after: Option<&SavedView>,
) -> Result<(), DbError> {
    let shared = |view: &&SavedView| view.settings.is_shared;
    let (before, after) = (before.filter(shared), after.filter(shared));
    let Some(view) = before.or(after) else {
        return Ok(());
    };
    let seen = |view: &SavedView| -> Option<Value> {
        serde_json::to_value(ViewView::of(view.clone(), caller.user_id)).ok()
    };
    let entry = Entry {
        action,
        target_type: "saved_view",
        target_id: Some(view.id.0),
        before: before.and_then(seen),
        after: after.and_then(seen),
    };
    audit_logs::add(tx, &caller.actor, entry).await
}
