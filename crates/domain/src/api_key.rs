//! API keys: what applications and CI send to prove who they are.

use serde::{Deserialize, Serialize};

use crate::role::Role;
use crate::token;

/// Every raw key starts with this, so that secret scanners can find a leaked one.
pub const PREFIX: &str = "slk_";

/// How many characters of a raw key are kept in clear, so that people can tell keys apart: the prefix and 6 more.
pub const SHOWN_CHARS: usize = 10;

/// Makes a raw key (`slk_` + 32 base62 + 6 checksum) from a cryptographic source of bytes.
pub fn mint(random: impl FnMut() -> u8) -> String {
    token::mint(PREFIX, random)
}

/// Whether a text could be a key that we made; checked before the database is asked.
pub fn is_well_formed(raw: &str) -> bool {
    token::is_well_formed(PREFIX, raw)
}

/// What a key may be used for. A key can write only: nothing can be read with it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum KeyScope {
    /// Send log lines.
    #[serde(rename = "logs:write")]
    LogsWrite,
    /// Report deployments.
    #[serde(rename = "deployments:write")]
    DeploymentsWrite,
    /// Send log lines to every service and environment of the organisation, by their names, where the protocol says whose
    /// they are. Needs `logs:write`.
    #[serde(rename = "logs:route")]
    LogsRoute,
    /// Make a service or an environment when lines first name it. Needs `logs:route`.
    #[serde(rename = "logs:create")]
    LogsCreate,
    /// Report alerts of an Alertmanager, for the key's service and environment.
    #[serde(rename = "alerts:write")]
    AlertsWrite,
}

impl KeyScope {
    pub const ALL: [Self; 5] = [
        Self::LogsWrite,
        Self::DeploymentsWrite,
        Self::LogsRoute,
        Self::LogsCreate,
        Self::AlertsWrite,
    ];

    /// Those of a key for which nobody named any: what stays within its own environment.
    pub const USUAL: [Self; 2] = [Self::LogsWrite, Self::DeploymentsWrite];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogsWrite => "logs:write",
            Self::DeploymentsWrite => "deployments:write",
            Self::LogsRoute => "logs:route",
            Self::LogsCreate => "logs:create",
            Self::AlertsWrite => "alerts:write",
        }
    }

    /// The scope without which this one would allow nothing.
    pub fn needs(self) -> Option<Self> {
        match self {
            Self::LogsWrite | Self::DeploymentsWrite | Self::AlertsWrite => None,
            Self::LogsRoute => Some(Self::LogsWrite),
            Self::LogsCreate => Some(Self::LogsRoute),
        }
    }

    /// Who may give it to a key. One that reaches beyond its own environment outlives its maker's membership, and is worth
    /// as much to a thief as all keys of the organisation together.
    pub fn given_by(self) -> Role {
        match self {
            Self::LogsWrite | Self::DeploymentsWrite | Self::AlertsWrite => Role::Developer,
            Self::LogsRoute | Self::LogsCreate => Role::Admin,
        }
    }
}

impl std::str::FromStr for KeyScope {
    type Err = UnknownKeyScope;
    fn from_str(text: &str) -> Result<Self, UnknownKeyScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownKeyScope)
    }
}

crate::text_column!(KeyScope);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a key scope is one of logs:write, deployments:write, logs:route, logs:create, alerts:write")]
pub struct UnknownKeyScope;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_it_is_stored() {
        for scope in KeyScope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("logs:read".parse::<KeyScope>(), Err(UnknownKeyScope));
    }

    #[test]
    fn what_a_key_has_unasked_stays_within_its_environment() {
        for scope in KeyScope::USUAL {
            assert_eq!((scope.needs(), scope.given_by()), (None, Role::Developer));
        }
    }
}
