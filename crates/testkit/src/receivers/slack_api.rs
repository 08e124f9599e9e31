//! Slack's Web API: <https://docs.slack.dev/reference/methods/chat.postMessage> and `chat.update`. It answers 200 whatever
//! happens, and says in the body how it went.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::http::Request;
use super::{Verdict, lock, slack};

/// The messages that were posted, by their `ts`.
#[derive(Default)]
pub(super) struct Workspace {
    posted: Mutex<BTreeSet<String>>,
}

pub(super) fn verdict(request: &Request, workspace: &Workspace) -> Verdict {
    let answer = check(request, workspace);
    let (body, fault) = match answer {
        Ok(body) => (body, None),
        Err(fault) => {
            let word = fault.split(':').next().unwrap_or_default();
            (json!({"ok": false, "error": word}), Some(fault))
        }
    };
    Verdict {
        status: 200,
        content_type: "application/json",
        body: body.to_string(),
        fault,
    }
}

fn check(request: &Request, workspace: &Workspace) -> Result<Value, String> {
    let bearer = request.header("authorization").strip_prefix("Bearer ");
    if !bearer.is_some_and(|token| token.starts_with("xoxb-")) {
        return Err("not_authed: no bot token".into());
    }
    slack::check(request).map_err(|fault| fault.replace("invalid_payload", "invalid_arguments"))?;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let channel = body["channel"].as_str().unwrap_or_default();
    if !channel.starts_with('C') {
        return Err("channel_not_found: no channel id".into());
    }
    let mut posted = lock(&workspace.posted);
    let is_known = |name: &str| body[name].as_str().is_some_and(|ts| posted.contains(ts));
    match request.path.as_str() {
        "/api/chat.postMessage" => {
            if body.get("thread_ts").is_some() && !is_known("thread_ts") {
                return Err("thread_not_found: a thread that was never begun".into());
            }
            let ts = format!("1700000000.{:06}", posted.len() + 1);
            posted.insert(ts.clone());
            Ok(json!({"ok": true, "channel": channel, "ts": ts, "message": {"text": body["text"]}}))
        }
        "/api/chat.update" if !is_known("ts") => Err("message_not_found: never posted".into()),
        "/api/chat.update" => {
            Ok(json!({"ok": true, "channel": channel, "ts": body["ts"], "text": body["text"]}))
        }
        other => Err(format!("unknown_method: {other}")),
    }
}
