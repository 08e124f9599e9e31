//! The kinds of receiver that people are told through.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelType {
    /// A Slack incoming webhook, or one that takes the same messages. Config: webhook_url.
    Slack,
    /// A Discord webhook. Config: webhook_url.
    Discord,
    /// Any receiver of the Standard Webhooks specification. Config: url, secret (made when absent).
    Webhook,
}

impl ChannelType {
    pub const ALL: [Self; 3] = [Self::Slack, Self::Discord, Self::Webhook];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Webhook => "webhook",
        }
    }
}

impl std::fmt::Display for ChannelType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ChannelType {
    type Err = UnknownChannelType;
    fn from_str(text: &str) -> Result<Self, UnknownChannelType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownChannelType)
    }
}

crate::text_column!(ChannelType);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a channel's type is one of slack, discord, webhook")]
pub struct UnknownChannelType;
