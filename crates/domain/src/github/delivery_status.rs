//! What became of a delivery.

use serde::{Deserialize, Serialize};

/// What became of a delivery that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It changed a deployment.
    Applied,
    /// It was understood and told nothing new: late, repeated, or a ping.
    Unchanged,
    /// It is not about a deployment of this integration; the detail says why.
    Ignored,
}

impl DeliveryStatus {
    pub const ALL: [Self; 3] = [Self::Applied, Self::Unchanged, Self::Ignored];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
        }
    }
}

impl std::str::FromStr for DeliveryStatus {
    type Err = UnknownDeliveryStatus;
    fn from_str(text: &str) -> Result<Self, UnknownDeliveryStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownDeliveryStatus)
    }
}

crate::text_column!(DeliveryStatus);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a delivery status is one of applied, unchanged, ignored")]
pub struct UnknownDeliveryStatus;
