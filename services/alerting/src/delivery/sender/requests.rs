//! What is sent to which kind of receiver: address, headers, body, and how its answer is read.

use domain::alerting::{discord, ntfy, opsgenie, pagerduty, slack, teams, telegram, webhook};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::Envelope;
use super::answers::Reading;
use crate::channel_config::ChannelConfig;

/// Why there may be no request at all.
pub(super) const UNSENDABLE: &str =
    "the message could not be put together; enter the channel's configuration again";

pub(super) struct Prepared {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) reading: Reading,
    /// Whether the requests behind it are made although this one is refused.
    pub(super) is_optional: bool,
}

/// The requests that tell a message, in order; none where something of the configuration cannot be sent.
pub(super) fn prepare(config: &ChannelConfig, envelope: Envelope<'_>, now: OffsetDateTime) -> Vec<Prepared> {
    let Envelope {
        id,
        message,
        opening_ref,
    } = envelope;
    let prepared = match config {
        ChannelConfig::Slack { webhook_url } => simple(
            webhook_url.as_url().clone(),
            &slack::render(message),
            repeat_header(id),
        ),
        ChannelConfig::Discord { webhook_url } => simple(
            webhook_url.as_url().clone(),
            &discord::render(message),
            repeat_header(id),
        ),
        ChannelConfig::Teams { webhook_url } => simple(
            webhook_url.as_url().clone(),
            &teams::render(message),
            repeat_header(id),
        ),
        ChannelConfig::Webhook { url, signing } => {
            let body = webhook::render(message).to_string();
            let signature = signing.sign(id, now, body.as_bytes());
            let headers = signature.and_then(|signature| webhook_headers(id, now, &signature));
            headers.map(|headers| Prepared::of(url.as_url().clone(), body, headers, Reading::Status))
        }
        ChannelConfig::Pagerduty { routing_key, api_url } => {
            let body = pagerduty::render(message, routing_key, id);
            simple(api_url.below("/v2/enqueue"), &body, repeat_header(id))
        }
        ChannelConfig::Opsgenie { api_key, api_url } => {
            let (path, body) = opsgenie::render(message, id);
            simple(api_url.below(&path), &body, bearer("GenieKey", api_key))
        }
        ChannelConfig::Telegram {
            bot_token,
            chat_id,
            api_url,
        } => {
            let reply_to = opening_ref.and_then(|text| text.parse().ok());
            let body = telegram::render(message, chat_id, reply_to);
            let url = api_url.below(&format!("/bot{bot_token}/sendMessage"));
            simple(url, &body, Some(HeaderMap::new())).map(|prepared| prepared.read_as(Reading::Telegram))
        }
        ChannelConfig::Ntfy {
            topic,
            server_url,
            token,
        } => {
            let headers = match token {
                None => Some(HeaderMap::new()),
                Some(token) => bearer("Bearer", token),
            };
            simple(server_url.below("/"), &ntfy::render(message, topic), headers)
        }
        ChannelConfig::SlackBot {
            token,
            channel,
            api_url,
        } => {
            let call = |method: &str, body: &Value| {
                let prepared = simple(api_url.below(method), body, bearer("Bearer", token));
                prepared.map(|prepared| prepared.read_as(Reading::Slack))
            };
            let post = |thread| call("/chat.postMessage", &slack::post(message, channel, thread));
            return match opening_ref {
                None => post(None).into_iter().collect(),
                // The message may be deleted by now: the answer is posted all the same.
                Some(ts) => {
                    let update = call("/chat.update", &slack::update(message, channel, ts));
                    let update = update.map(|update| Prepared {
                        is_optional: true,
                        ..update
                    });
                    [update, post(Some(ts))].into_iter().flatten().collect()
                }
            };
        }
        // Mail is no request.
        ChannelConfig::Email { .. } => None,
    };
    prepared.into_iter().collect()
}

impl Prepared {
    fn of(url: Url, body: String, mut headers: HeaderMap, reading: Reading) -> Self {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        Self {
            url,
            headers,
            body: body.into_bytes(),
            reading,
            is_optional: false,
        }
    }

    fn read_as(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }
}

fn simple(url: Url, body: &Value, headers: Option<HeaderMap>) -> Option<Prepared> {
    headers.map(|headers| Prepared::of(url, body.to_string(), headers, Reading::Status))
}

/// For whoever looks at it: these services do not say that they do.
fn repeat_header(id: &str) -> Option<HeaderMap> {
    let value = HeaderValue::from_str(id).ok()?;
    Some(HeaderMap::from_iter([(
        HeaderName::from_static("idempotency-key"),
        value,
    )]))
}

fn bearer(scheme: &str, secret: &str) -> Option<HeaderMap> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {secret}")).ok()?;
    value.set_sensitive(true);
    Some(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

fn webhook_headers(id: &str, now: OffsetDateTime, signature: &str) -> Option<HeaderMap> {
    Some(HeaderMap::from_iter([
        (
            HeaderName::from_static("webhook-id"),
            HeaderValue::from_str(id).ok()?,
        ),
        (
            HeaderName::from_static("webhook-timestamp"),
            now.unix_timestamp().into(),
        ),
        (
            HeaderName::from_static("webhook-signature"),
            HeaderValue::from_str(signature).ok()?,
        ),
    ]))
}
