//! What an answer means. Only words of ours leave here: what a receiver wrote is read where its service defines it, and
//! never repeated.

use std::time::Duration;

use domain::alerting::delivery::{AttemptOutcome, outcome_of_status, parse_retry_after};
use reqwest::Response;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use time::OffsetDateTime;

use super::Exchange;

/// An answer's body is read so that the receiver is not cut off in the middle of it, up to here.
const MAX_BODY_BYTES: usize = 65_536;
/// Where an answer is known by its status, its body is not waited for longer than this.
const BODY: Duration = Duration::from_secs(1);

/// Where an answer says how it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// In its status alone.
    Status,
    /// Slack's API: 200 with `ok`, and the message's `ts`.
    Slack,
    /// Telegram's API: `ok`, the message's id, and `retry_after` in the body.
    Telegram,
}

/// Words of Slack's API that ask for another try.
const SLACK_PASSING: [&str; 6] = [
    "fatal_error",
    "internal_error",
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
];
/// Words of Slack's API that people can do something about, as they are documented.
const SLACK_KNOWN: [&str; 14] = [
    "account_inactive",
    "cant_update_message",
    "channel_not_found",
    "invalid_auth",
    "invalid_blocks",
    "is_archived",
    "message_not_found",
    "missing_scope",
    "msg_too_long",
    "not_authed",
    "not_in_channel",
    "restricted_action",
    "token_expired",
    "token_revoked",
];

pub(super) async fn read(response: Response, reading: Reading, now: OffsetDateTime) -> Exchange {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| parse_retry_after(value, now));
    let reason = status.canonical_reason().unwrap_or("");
    let said = format!("the receiver answered {} {reason}", status.as_u16());
    let said = said.trim_end();
    let detail = if status.is_redirection() {
        format!("{said}; redirects are not followed, so set the channel to the final address")
    } else {
        said.to_owned()
    };
    let code = status.as_u16();
    let exchange = Exchange {
        outcome: outcome_of_status(code),
        http_status: Some(code),
        detail,
        retry_after,
        receiver_ref: None,
    };
    let body = body(response).await;
    match reading {
        Reading::Status => exchange,
        Reading::Slack => slack(exchange, body.as_ref()),
        Reading::Telegram => telegram(exchange, body.as_ref()),
    }
}

fn slack(exchange: Exchange, body: Option<&Value>) -> Exchange {
    if exchange.outcome != AttemptOutcome::Sent {
        return exchange;
    }
    let Some(body) = body.filter(|body| body["ok"].is_boolean()) else {
        return not_understood(exchange);
    };
    if body["ok"] == true {
        let ts = body["ts"].as_str().filter(|ts| is_ts(ts));
        return Exchange {
            receiver_ref: ts.map(str::to_owned),
            ..exchange
        };
    }
    let word = body["error"].as_str().unwrap_or_default();
    let outcome = if SLACK_PASSING.contains(&word) {
        AttemptOutcome::Failed
    } else {
        AttemptOutcome::Refused
    };
    let known = SLACK_PASSING
        .iter()
        .chain(&SLACK_KNOWN)
        .find(|known| **known == word);
    Exchange {
        outcome,
        detail: format!(
            "Slack refused it: {}",
            known.unwrap_or(&"for a reason of its own")
        ),
        ..exchange
    }
}

/// `1700000000.000100`.
fn is_ts(text: &str) -> bool {
    text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn telegram(exchange: Exchange, body: Option<&Value>) -> Exchange {
    let Some(body) = body else {
        return if exchange.outcome == AttemptOutcome::Sent {
            not_understood(exchange)
        } else {
            exchange
        };
    };
    let asked = body["parameters"]["retry_after"]
        .as_u64()
        .map(Duration::from_secs);
    Exchange {
        retry_after: exchange.retry_after.or(asked),
        receiver_ref: body["result"]["message_id"].as_i64().map(|id| id.to_string()),
        ..exchange
    }
}

/// It was taken, as far as the status tells, and what was said beside that is lost.
fn not_understood(exchange: Exchange) -> Exchange {
    Exchange {
        outcome: AttemptOutcome::Unknown,
        detail: format!(
            "{}, in a form that was not expected; it may have got it",
            exchange.detail
        ),
        ..exchange
    }
}

/// The body as JSON, if it is that and comes soon.
async fn body(mut response: Response) -> Option<Value> {
    let mut bytes = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes.extend_from_slice(&chunk);
            if bytes.len() >= MAX_BODY_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(BODY, read).await;
    serde_json::from_slice(&bytes).ok()
}
