//! A channel's configuration: what a person sends, what is sealed, and what is shown of it.

use db::notification_channels::Channel;
use domain::alerting::channel::ChannelType;
use domain::ids::{ChannelId, OrgId};
use serde_json::{Map, Value, json};
use service_kit::ApiError;
use service_kit::secrets::{SealError, SealedFor, Sealer};

use crate::egress::ChannelUrl;
use crate::signature::WebhookSecret;

/// Where a channel's messages go, and what they are signed with. Does not print.
#[derive(Clone)]
pub(crate) enum ChannelConfig {
    Slack { webhook_url: ChannelUrl },
    Discord { webhook_url: ChannelUrl },
    Webhook { url: ChannelUrl, secret: WebhookSecret },
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
    /// A webhook without a secret keeps the one it had, or gets a new one.
    pub(crate) fn parse(kind: ChannelType, config: &Value, before: Option<&Self>) -> Result<Given, ApiError> {
        let Some(fields) = config.as_object() else {
            return Err(ApiError::invalid("config", "must be an object"));
        };
        refuse_unknown(kind, fields)?;
        let plain = |config| Given {
            config,
            made_secret: None,
        };
        Ok(match kind {
            ChannelType::Slack => plain(Self::Slack {
                webhook_url: address(fields, "webhook_url")?,
            }),
            ChannelType::Discord => plain(Self::Discord {
                webhook_url: address(fields, "webhook_url")?,
            }),
            ChannelType::Webhook => {
                let url = address(fields, "url")?;
                let (secret, made) = match (given_secret(fields)?, before) {
                    (Some(given), _) => (given, false),
                    (None, Some(Self::Webhook { secret, .. })) => (secret.clone(), false),
                    (None, Some(Self::Slack { .. } | Self::Discord { .. }) | None) => {
                        (WebhookSecret::generate(), true)
                    }
                };
                Given {
                    made_secret: made.then(|| secret.clone()),
                    config: Self::Webhook { url, secret },
                }
            }
        })
    }

    pub(crate) fn url(&self) -> &ChannelUrl {
        match self {
            Self::Slack { webhook_url } | Self::Discord { webhook_url } => webhook_url,
            Self::Webhook { url, .. } => url,
        }
    }

    /// The name of the field that holds the address.
    pub(crate) fn url_field(&self) -> &'static str {
        match self {
            Self::Slack { .. } | Self::Discord { .. } => "config.webhook_url",
            Self::Webhook { .. } => "config.url",
        }
    }

    pub(crate) fn seal(&self, sealer: &Sealer, org_id: OrgId, id: ChannelId) -> Result<Vec<u8>, SealError> {
        let plain = match self {
            Self::Slack { webhook_url } | Self::Discord { webhook_url } => {
                json!({"webhook_url": webhook_url.as_url().as_str()})
            }
            Self::Webhook { url, secret } => {
                json!({"url": url.as_url().as_str(), "secret": secret.reveal()})
            }
        };
        sealer.seal(plain.to_string().as_bytes(), owner(org_id, id))
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
        let config: Value = serde_json::from_slice(&plain).map_err(|_error| UnreadableConfig::Malformed)?;
        Self::parse(kind, &config, None)
            .map(|given| given.config)
            .map_err(|_error| UnreadableConfig::Malformed)
    }
}

fn owner<'a>(org_id: OrgId, id: ChannelId) -> SealedFor<'a> {
    SealedFor {
        what: "channel",
        org_id,
        row_id: id.0,
    }
}

fn refuse_unknown(kind: ChannelType, fields: &Map<String, Value>) -> Result<(), ApiError> {
    let known: &[&str] = match kind {
        ChannelType::Slack | ChannelType::Discord => &["webhook_url"],
        ChannelType::Webhook => &["url", "secret"],
    };
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(ApiError::invalid(
            format!("config.{unknown}"),
            format!(
                "is not a setting of a {kind} channel: it has {}",
                known.join(", ")
            ),
        )),
    }
}

fn address(fields: &Map<String, Value>, name: &str) -> Result<ChannelUrl, ApiError> {
    let path = || format!("config.{name}");
    let text = fields
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid(path(), "must be the address to send to, as a string"))?;
    ChannelUrl::parse(text).map_err(|error| ApiError::invalid(path(), error.to_string()))
}

fn given_secret(fields: &Map<String, Value>) -> Result<Option<WebhookSecret>, ApiError> {
    match fields.get("secret") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => WebhookSecret::parse(text)
            .map(Some)
            .map_err(|error| ApiError::invalid("config.secret", error.to_string())),
        Some(_) => Err(ApiError::invalid("config.secret", "must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn first_path(error: &ApiError) -> String {
        match error {
            ApiError::Validation { details, .. } => details[0].path.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sealed_configuration_opens_for_its_own_channel_only() {
        let sealer: Sealer = KEYS.parse().unwrap();
        let (org, id) = (OrgId::generate(), ChannelId::generate());
        let config = json!({"url": "https://hooks.example/canary"});
        let given = ChannelConfig::parse(ChannelType::Webhook, &config, None).unwrap();
        let made = given.made_secret.unwrap().reveal();
        let sealed = given.config.seal(&sealer, org, id).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("canary"));
        let opened = ChannelConfig::open(&sealer, org, id, ChannelType::Webhook, &sealed).unwrap();
        match opened {
            ChannelConfig::Webhook { url, secret } => {
                assert_eq!(
                    (url.as_url().as_str(), secret.reveal()),
                    ("https://hooks.example/canary", made)
                );
            }
            ChannelConfig::Slack { .. } | ChannelConfig::Discord { .. } => panic!("another type"),
        }
        let elsewhere =
            ChannelConfig::open(&sealer, org, ChannelId::generate(), ChannelType::Webhook, &sealed);
        assert!(matches!(
            elsewhere,
            Err(UnreadableConfig::Sealed(SealError::Damaged))
        ));
    }

    #[test]
    fn a_webhook_keeps_its_secret_unless_it_gets_another() {
        let parse = |config, before| ChannelConfig::parse(ChannelType::Webhook, &config, before).unwrap();
        let first = parse(json!({"url": "https://a.example/"}), None);
        let secret_of = |config: &ChannelConfig| match config {
            ChannelConfig::Webhook { secret, .. } => secret.reveal(),
            ChannelConfig::Slack { .. } | ChannelConfig::Discord { .. } => panic!("another type"),
        };
        let moved = parse(json!({"url": "https://b.example/"}), Some(&first.config));
        assert_eq!(secret_of(&moved.config), secret_of(&first.config));
        assert!(moved.made_secret.is_none());
        let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let changed = parse(
            json!({"url": "https://b.example/", "secret": own}),
            Some(&first.config),
        );
        assert_eq!(secret_of(&changed.config), own);
    }

    #[rstest::rstest]
    #[case(ChannelType::Slack, json!("https://secret.example/x"), "config")]
    #[case(ChannelType::Slack, json!({}), "config.webhook_url")]
    #[case(ChannelType::Slack, json!({"webhook_url": 5}), "config.webhook_url")]
    #[case(ChannelType::Slack, json!({"url": "https://secret.example/x"}), "config.url")]
    #[case(ChannelType::Discord, json!({"webhook_url": "ftp://secret.example/x"}), "config.webhook_url")]
    #[case(ChannelType::Webhook, json!({"url": "https://a.example/", "secret": "secret.example"}), "config.secret")]
    fn a_mistake_is_named_and_its_value_never_repeated(
        #[case] kind: ChannelType,
        #[case] config: Value,
        #[case] path: &str,
    ) {
        let Err(error) = ChannelConfig::parse(kind, &config, None) else {
            panic!("must be refused")
        };
        assert_eq!(first_path(&error), path);
        assert!(!format!("{error:?}").contains("secret.example"), "{error:?}");
    }
}
