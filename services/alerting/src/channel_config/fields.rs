//! The fields of a configuration as a person sent them. Every message names the field and says what it must be; none repeats
//! a value.

use domain::alerting::channel::ChannelType;
use domain::email::Email;
use serde_json::{Map, Value};
use service_kit::ApiError;

use crate::egress::ChannelUrl;
use crate::signature::WebhookSecret;

/// Addressees of one mail channel.
const MAX_RECIPIENTS: usize = 20;

pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(super) fn of(kind: ChannelType, config: &'a Value) -> Result<Self, ApiError> {
        let Some(fields) = config.as_object() else {
            return Err(ApiError::invalid("config", "must be an object"));
        };
        let known: &[&str] = match kind {
            ChannelType::Slack | ChannelType::Discord | ChannelType::Teams => &["webhook_url"],
            ChannelType::SlackBot => &["token", "channel", "api_url"],
            ChannelType::Email => &["to"],
            ChannelType::Pagerduty => &["routing_key", "api_url"],
            ChannelType::Opsgenie => &["api_key", "api_url"],
            ChannelType::Telegram => &["bot_token", "chat_id", "api_url"],
            ChannelType::Ntfy => &["topic", "server_url", "token"],
            ChannelType::Webhook => &["url", "secret"],
        };
        match fields.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Self(fields)),
            Some(unknown) => Err(ApiError::invalid(
                format!("config.{unknown}"),
                format!(
                    "is not a setting of a {kind} channel: it has {}",
                    known.join(", ")
                ),
            )),
        }
    }

    /// A text, or nothing where the field is absent or null.
    fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "must be a string")),
        }
    }

    fn checked(&self, name: &str, wanted: &str, is_good: impl Fn(&str) -> bool) -> Result<String, ApiError> {
        match self.text(name)? {
            Some(text) if is_good(text) => Ok(text.to_owned()),
            Some(_) | None => Err(invalid(name, wanted)),
        }
    }

    pub(super) fn address(&self, name: &str) -> Result<ChannelUrl, ApiError> {
        let text = self
            .0
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(name, "must be the address to send to, as a string"))?;
        parse_address(name, text)
    }

    /// The address of an API, below which paths are added; the service's own when absent.
    pub(super) fn api(&self, name: &str, usual: &str) -> Result<ChannelUrl, ApiError> {
        let url = parse_address(name, self.text(name)?.unwrap_or(usual))?;
        if url.as_url().query().is_some() {
            return Err(invalid(name, "must not contain a query (?)"));
        }
        Ok(url)
    }

    pub(super) fn secret(&self, name: &str) -> Result<Option<WebhookSecret>, ApiError> {
        self.text(name)?
            .map(WebhookSecret::parse)
            .transpose()
            .map_err(|error| invalid(name, &error.to_string()))
    }

    /// A key that travels in a header or a body.
    pub(super) fn key(&self, name: &str) -> Result<String, ApiError> {
        self.checked(
            name,
            "must be the key that the service shows: 8 to 200 letters, digits, - and _",
            is_key,
        )
    }

    pub(super) fn optional_key(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.text(name)? {
            None => Ok(None),
            Some(_) => self.key(name).map(Some),
        }
    }

    pub(super) fn slack_token(&self, name: &str) -> Result<String, ApiError> {
        let wanted = "must be the bot token of a Slack app, which starts with xoxb-";
        self.checked(name, wanted, |text| text.starts_with("xoxb-") && is_key(text))
    }

    pub(super) fn slack_channel(&self, name: &str) -> Result<String, ApiError> {
        let wanted =
            "must be the id of a Slack channel, such as C0123456789: in Slack, at the end of its details";
        let is_id = |text: &str| {
            matches!(text.as_bytes().first(), Some(b'C' | b'G' | b'D'))
                && (8..=20).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        self.checked(name, wanted, is_id)
    }

    pub(super) fn telegram_token(&self, name: &str) -> Result<String, ApiError> {
        let wanted = "must be the token that BotFather gave, such as 123456:ABC-DEF…";
        // It becomes part of an address, so nothing else may be in it.
        let is_token = |text: &str| {
            text.split_once(':').is_some_and(|(bot, secret)| {
                (5..=20).contains(&bot.len())
                    && bot.bytes().all(|byte| byte.is_ascii_digit())
                    && is_key(secret)
            })
        };
        self.checked(name, wanted, is_token)
    }

    pub(super) fn telegram_chat(&self, name: &str) -> Result<String, ApiError> {
        let wanted = "must be the id of a chat, such as -1001234567890, or @name of a public channel";
        let is_chat = |text: &str| {
            let number = text.strip_prefix('-').unwrap_or(text);
            let is_number =
                (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
            let is_name = text.strip_prefix('@').is_some_and(|name| {
                (4..=64).contains(&name.len())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            });
            is_number || is_name
        };
        self.checked(name, wanted, is_chat)
    }

    pub(super) fn topic(&self, name: &str) -> Result<String, ApiError> {
        let wanted = "must be 1 to 64 letters, digits, - and _";
        self.checked(name, wanted, |text| {
            (1..=64).contains(&text.len()) && is_word(text)
        })
    }

    pub(super) fn recipients(&self, name: &str) -> Result<Vec<Email>, ApiError> {
        let wanted = || invalid(name, "must be a list of 1 to 20 e-mail addresses");
        let list = self.0.get(name).and_then(Value::as_array).ok_or_else(wanted)?;
        if list.is_empty() || list.len() > MAX_RECIPIENTS {
            return Err(wanted());
        }
        list.iter()
            .enumerate()
            .map(|(index, address)| {
                let path = format!("{name}[{index}]");
                let text = address.as_str().unwrap_or_default();
                let email: Email = text.parse().map_err(|_invalid| {
                    invalid(&path, "must be an e-mail address such as ada@example.com")
                })?;
                // Stricter than for accounts: this becomes part of a mail's envelope.
                if email.as_str().parse::<lettre::Address>().is_err() {
                    return Err(invalid(
                        &path,
                        "must be an e-mail address such as ada@example.com",
                    ));
                }
                Ok(email)
            })
            .collect()
    }
}

fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_key(text: &str) -> bool {
    (8..=200).contains(&text.len()) && is_word(text)
}

fn parse_address(name: &str, text: &str) -> Result<ChannelUrl, ApiError> {
    ChannelUrl::parse(text).map_err(|error| invalid(name, &error.to_string()))
}

fn invalid(name: &str, message: &str) -> ApiError {
    ApiError::invalid(format!("config.{name}"), message)
}
