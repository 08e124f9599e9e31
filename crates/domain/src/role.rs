//! What a member of an organisation may do.

use serde::{Deserialize, Serialize};

/// Roles in rising order: each may do everything that the ones before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads logs, incidents, deployments and settings.
    Viewer,
    /// Also handles incidents and changes services, keys, rules and channels.
    Developer,
    /// Also manages members, invites and the organisation itself, and reads the audit log.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Admin => "admin",
        }
    }

    /// Whether this role includes everything that `needed` allows.
    pub fn at_least(self, needed: Self) -> bool {
        self >= needed
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a role is one of admin, developer, viewer")]
pub struct UnknownRole;

crate::text_column!(Role);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_may_do_what_a_viewer_may_but_not_the_reverse() {
        assert!(Role::Admin.at_least(Role::Viewer));
        assert!(Role::Developer.at_least(Role::Developer));
        assert!(!Role::Viewer.at_least(Role::Developer));
    }
}
