//! API keys: what applications and CI send to prove who they are.

use serde::{Deserialize, Serialize};

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
    #[serde(rename = "logs:write")]
    LogsWrite,
    #[serde(rename = "deployments:write")]
    DeploymentsWrite,
}

impl KeyScope {
    pub const ALL: [Self; 2] = [Self::LogsWrite, Self::DeploymentsWrite];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogsWrite => "logs:write",
            Self::DeploymentsWrite => "deployments:write",
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
#[error("a key scope is one of logs:write, deployments:write")]
pub struct UnknownKeyScope;
