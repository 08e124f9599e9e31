//! Where a log line or deployment belongs.

use crate::ids::{EnvironmentId, OrgId, ServiceId};

/// One environment of one service of one organisation: what an API key is bound to, and what logs are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Scope {
    pub org_id: OrgId,
    pub service_id: ServiceId,
    pub environment_id: EnvironmentId,
}
