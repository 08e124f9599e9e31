//! A channel's configuration: what a person sends, what is sealed, and what is shown of it.

mod fields;

use db::notification_channels::Channel;
use domain::alerting::channel::ChannelType;
use domain::email::Email;
use domain::ids::{ChannelId, OrgId};
use serde_json::{Value, json};
use service_kit::ApiError;
use service_kit::secrets::{SealError, SealedFor, Sealer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::fields::Fields;
use crate::egress::ChannelUrl;
use crate::signature::{Signing, WebhookSecret};

/// Where a channel's messages go, and what they are signed or sent with. Does not print.
#[derive(Clone)]
pub(crate) enum ChannelConfig {
    Slack {
        webhook_url: ChannelUrl,
    },
    SlackBot {
        token: String,
        channel: String,
        api_url: ChannelUrl,
    },
    Discord {
        webhook_url: ChannelUrl,
    },
    Teams {
        webhook_url: ChannelUrl,
    },
    Email {
        to: Vec<Email>,
    },
    Pagerduty {
        routing_key: String,
        api_url: ChannelUrl,
    },
    Opsgenie {
        api_key: String,
        api_url: ChannelUrl,
    },
    Telegram {
        bot_token: String,
        chat_id: String,
        api_url: ChannelUrl,
    },
    Ntfy {
        topic: String,
        server_url: ChannelUrl,
        token: Option<String>,
    },
    Webhook {
        url: ChannelUrl,
        signing: Signing,
    },
}

/// A configuration that a person sent, and the secret that was made for it, to be shown once.
pub(crate) struct Given {
    pub(crate) config: ChannelConfig,
    pub(crate) made_secret: Option<WebhookSecret>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadableConfig {
    #[error("the channel's configuration does not open")]
    Sealed(#[from] SealError),
    #[error("the channel's configuration is not one that this version wrote")]
    Malformed,
}

impl ChannelConfig {
    /// Reads what a person sent. Messages name fields and never repeat values: they are secrets.
    ///
    /// A webhook without a secret keeps those that it had, or gets a new one.
    pub(crate) fn parse(kind: ChannelType, config: &Value, before: Option<&Self>) -> Result<Given, ApiError> {
        let fields = Fields::of(kind, config)?;
        let config = match kind {
            ChannelType::Slack => Self::Slack {
                webhook_url: fields.address("webhook_url")?,
            },
            ChannelType::SlackBot => Self::SlackBot {
                token: fields.slack_token("token")?,
                channel: fields.slack_channel("channel")?,
                api_url: fields.api("api_url", "https://slack.com/api")?,
            },
            ChannelType::Discord => Self::Discord {
                webhook_url: fields.address("webhook_url")?,
            },
            ChannelType::Teams => Self::Teams {
                webhook_url: fields.address("webhook_url")?,
            },
            ChannelType::Email => Self::Email {
                to: fields.recipients("to")?,
            },
            ChannelType::Pagerduty => Self::Pagerduty {
                routing_key: fields.key("routing_key")?,
                api_url: fields.api("api_url", "https://events.pagerduty.com")?,
            },
            ChannelType::Opsgenie => Self::Opsgenie {
                api_key: fields.key("api_key")?,
                api_url: fields.api("api_url", "https://api.opsgenie.com")?,
            },
            ChannelType::Telegram => Self::Telegram {
                bot_token: fields.telegram_token("bot_token")?,
                chat_id: fields.telegram_chat("chat_id")?,
                api_url: fields.api("api_url", "https://api.telegram.org")?,
            },
            ChannelType::Ntfy => Self::Ntfy {
                topic: fields.topic("topic")?,
                server_url: fields.api("server_url", "https://ntfy.sh")?,
                token: fields.optional_key("token")?,
            },
            ChannelType::Webhook => return Self::parse_webhook(&fields, before),
        };
        Ok(Given {
            config,
            made_secret: None,
        })
    }

    fn parse_webhook(fields: &Fields<'_>, before: Option<&Self>) -> Result<Given, ApiError> {
        let url = fields.address("url")?;
        let mut made_secret = None;
        let signing = match (fields.secret("secret")?, before) {
            (Some(given), _) => Signing::with(given),
            (None, Some(Self::Webhook { signing, .. })) => signing.clone(),
            (None, _) => {
                let made = WebhookSecret::generate();
                made_secret = Some(made.clone());
                Signing::with(made)
            }
        };
        Ok(Given {
            config: Self::Webhook { url, signing },
            made_secret,
        })
    }

    /// The address that a tenant gave, with the name of its field; mail goes by the operator's own server.
    pub(crate) fn address(&self) -> Option<(&ChannelUrl, &'static str)> {
        match self {
            Self::Slack { webhook_url } | Self::Discord { webhook_url } | Self::Teams { webhook_url } => {
                Some((webhook_url, "config.webhook_url"))
            }
            Self::SlackBot { api_url, .. }
            | Self::Pagerduty { api_url, .. }
            | Self::Opsgenie { api_url, .. }
            | Self::Telegram { api_url, .. } => Some((api_url, "config.api_url")),
            Self::Ntfy { server_url, .. } => Some((server_url, "config.server_url")),
            Self::Webhook { url, .. } => Some((url, "config.url")),
            Self::Email { .. } => None,
        }
    }

    /// What people may see of it.
    pub(crate) fn hint(&self) -> String {
        let end = |secret: &str| {
            let hidden = secret.chars().count().saturating_sub(4);
            secret.chars().skip(hidden).collect::<String>()
        };
        let at = |what: &str, url: &ChannelUrl| format!("{what} at {}", url.host_and_port());
        match self {
            Self::Slack { webhook_url } | Self::Discord { webhook_url } | Self::Teams { webhook_url } => {
                webhook_url.hint()
            }
            Self::Webhook { url, .. } => url.hint(),
            Self::SlackBot { channel, api_url, .. } => at(channel, api_url),
            Self::Email { to } => to.iter().map(Email::as_str).collect::<Vec<_>>().join(", "),
            Self::Pagerduty { routing_key, api_url } => at(&format!("…{}", end(routing_key)), api_url),
            Self::Opsgenie { api_key, api_url } => at(&format!("…{}", end(api_key)), api_url),
            Self::Telegram { chat_id, api_url, .. } => at(&format!("chat {chat_id}"), api_url),
            Self::Ntfy {
                topic, server_url, ..
            } => at(&format!("…{}", end(topic)), server_url),
        }
    }

    pub(crate) fn seal(&self, sealer: &Sealer, org_id: OrgId, id: ChannelId) -> Result<Vec<u8>, SealError> {
        sealer.seal(self.plain().to_string().as_bytes(), owner(org_id, id))
    }

    /// As [`ChannelConfig::parse`] reads it, and what people cannot set beside that.
    fn plain(&self) -> Value {
        let text = |url: &ChannelUrl| url.as_url().as_str().to_owned();
        match self {
            Self::Slack { webhook_url } | Self::Discord { webhook_url } | Self::Teams { webhook_url } => {
                json!({"webhook_url": text(webhook_url)})
            }
            Self::SlackBot {
                token,
                channel,
                api_url,
            } => {
                json!({"token": token, "channel": channel, "api_url": text(api_url)})
            }
            Self::Email { to } => json!({"to": to}),
            Self::Pagerduty { routing_key, api_url } => {
                json!({"routing_key": routing_key, "api_url": text(api_url)})
            }
            Self::Opsgenie { api_key, api_url } => json!({"api_key": api_key, "api_url": text(api_url)}),
            Self::Telegram {
                bot_token,
                chat_id,
                api_url,
            } => {
                json!({"bot_token": bot_token, "chat_id": chat_id, "api_url": text(api_url)})
            }
            Self::Ntfy {
                topic,
                server_url,
                token,
            } => {
                json!({"topic": topic, "server_url": text(server_url), "token": token})
            }
            Self::Webhook { url, signing } => {
                let previous = signing.previous.as_ref().map(|(secret, until)| {
                    json!({"secret": secret.reveal(), "until": until.format(&Rfc3339).unwrap_or_default()})
                });
                json!({"url": text(url), "secret": signing.current.reveal(), "previous": previous})
            }
        }
    }

    pub(crate) fn open_channel(
        sealer: &Sealer,
        org_id: OrgId,
        channel: &Channel,
    ) -> Result<Self, UnreadableConfig> {
        Self::open(sealer, org_id, channel.id, channel.kind, &channel.config_sealed)
    }

    pub(crate) fn open(
        sealer: &Sealer,
        org_id: OrgId,
        id: ChannelId,
        kind: ChannelType,
        sealed: &[u8],
    ) -> Result<Self, UnreadableConfig> {
        let plain = sealer.open(sealed, owner(org_id, id))?;
        let mut config: Value =
            serde_json::from_slice(&plain).map_err(|_error| UnreadableConfig::Malformed)?;
        let previous = config
            .as_object_mut()
            .and_then(|fields| fields.remove("previous"))
            .filter(|previous| !previous.is_null());
        let mut given = Self::parse(kind, &config, None).map_err(|_error| UnreadableConfig::Malformed)?;
        if let (Self::Webhook { signing, .. }, Some(previous)) = (&mut given.config, previous) {
            signing.previous = Some(read_previous(&previous).ok_or(UnreadableConfig::Malformed)?);
        }
        Ok(given.config)
    }
}

fn read_previous(stored: &Value) -> Option<(WebhookSecret, OffsetDateTime)> {
    let secret = WebhookSecret::parse(stored["secret"].as_str()?).ok()?;
    let until = OffsetDateTime::parse(stored["until"].as_str()?, &Rfc3339).ok()?;
    Some((secret, until))
}

fn owner<'a>(org_id: OrgId, id: ChannelId) -> SealedFor<'a> {
    SealedFor {
        what: "channel",
        org_id,
        row_id: id.0,
    }
}

#[cfg(test)]
mod tests;
