//! Entries of the audit log, in the words of this service.

use db::audit_logs::Entry;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// An entry about one thing; `action` is `<target>.<verb>`.
pub(crate) fn entry(
    action: &'static str,
    target_id: Uuid,
    before: Option<Value>,
    after: Option<Value>,
) -> Entry<'static> {
    let target_type = action.split_once('.').map_or(action, |(target, _verb)| target);
    Entry {
        action,
        target_type,
        target_id: Some(target_id),
        before,
        after,
    }
}

/// How a thing looks to people, as the audit log keeps it. Views hold no secrets.
pub(crate) fn seen(view: &impl Serialize) -> Option<Value> {
    serde_json::to_value(view).ok()
}
