//! How channels look to people. Their configuration never does.

use db::notification_channels::Channel;
use domain::alerting::channel::{ChannelType, OnUnknown};
use domain::alerting::delivery::AttemptOutcome;
use domain::ids::ChannelId;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    id: ChannelId,
    #[serde(rename = "type")]
    kind: ChannelType,
    name: String,
    /// The host of its address and the last four characters: all that is shown of the configuration.
    hint: String,
    enabled: bool,
    /// What is done when nobody knows whether a message arrived, and the receiver would not recognise it a second time.
    on_unknown: OnUnknown,
    /// Whether the receiver recognises a message that it had before, so that a repeat does no harm.
    dedupes: bool,
    /// Since when it takes nothing because it kept failing; null when it is in use.
    #[serde(with = "time::serde::rfc3339::option")]
    paused_at: Option<OffsetDateTime>,
    paused_reason: Option<String>,
    /// Failed attempts since the last success.
    consecutive_failures: i32,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            kind: channel.kind,
            name: channel.name,
            hint: channel.hint,
            enabled: channel.enabled,
            on_unknown: channel.on_unknown,
            dedupes: channel.kind.dedupes(),
            paused_at: channel.paused_at,
            paused_reason: channel.paused_reason,
            consecutive_failures: channel.consecutive_failures,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// A channel as it is answered once, right after it was made or changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrittenChannelView {
    #[serde(flatten)]
    pub(super) channel: ChannelView,
    /// The signing secret that was made for a webhook, to be given to the receiver. It is not shown again; null when
    /// none was made.
    pub(super) secret: Option<String>,
}

/// What came of a test message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestView {
    /// sent, refused (the receiver will not take it), failed (it may later), unknown (no answer came).
    pub(super) outcome: AttemptOutcome,
    pub(super) http_status: Option<u16>,
    /// In words; what the receiver wrote is not repeated.
    pub(super) detail: String,
    pub(super) duration_ms: u64,
}
