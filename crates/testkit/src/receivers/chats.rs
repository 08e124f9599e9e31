//! Telegram's Bot API (<https://core.telegram.org/bots/api#sendmessage>) and ntfy (<https://docs.ntfy.sh/publish/>).

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;

use super::Verdict;
use super::http::Request;

pub(super) fn telegram(request: &Request, messages: &AtomicI64) -> Verdict {
    let (status, body, fault) = match check_message(request) {
        Ok(()) => {
            let id = messages.fetch_add(1, Ordering::SeqCst) + 1;
            (200, json!({"ok": true, "result": {"message_id": id}}), None)
        }
        Err(fault) => {
            let body =
                json!({"ok": false, "error_code": 400, "description": format!("Bad Request: {fault}")});
            (400, body, Some(fault))
        }
    };
    Verdict {
        status,
        content_type: "application/json",
        body: body.to_string(),
        fault,
    }
}

fn check_message(request: &Request) -> Result<(), String> {
    let token = request
        .path
        .strip_prefix("/bot")
        .and_then(|rest| rest.strip_suffix("/sendMessage"))
        .ok_or_else(|| format!("{} is no method of a bot", request.path))?;
    if !token.contains(':') {
        return Err("no token".into());
    }
    let body = request.json()?;
    if body["chat_id"].as_str().is_none_or(str::is_empty) {
        return Err("chat_id is empty".into());
    }
    let text = body["text"].as_str().unwrap_or_default();
    match text.encode_utf16().count() {
        0 => Err("message text is empty".into()),
        1..=4_096 => Ok(()),
        _ => Err("message is too long".into()),
    }
}

pub(super) fn ntfy(request: &Request) -> Verdict {
    let fault = check_notification(request).err();
    Verdict {
        status: if fault.is_none() { 200 } else { 400 },
        content_type: "application/json",
        body: json!({"id": "xE73Iyuabi", "event": "message", "error": fault}).to_string(),
        fault,
    }
}

fn check_notification(request: &Request) -> Result<(), String> {
    // JSON is taken at the root only; elsewhere the body is the text itself.
    if request.path != "/" {
        return Err(format!("JSON was sent to {}", request.path));
    }
    let body = request.json()?;
    let topic = body["topic"].as_str().unwrap_or_default();
    if topic.is_empty() || topic.len() > 64 {
        return Err("topic invalid".into());
    }
    if body["message"].as_str().unwrap_or_default().len() > 4_096 {
        return Err("a message that long becomes an attachment".into());
    }
    if !body["priority"]
        .as_u64()
        .is_some_and(|priority| (1..=5).contains(&priority))
    {
        return Err("priority invalid".into());
    }
    let actions = body["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if actions.len() > 3 {
        return Err("too many actions, only 3 supported".into());
    }
    for action in actions {
        let is_view = action["action"] == "view" && action["label"].is_string();
        if !is_view || !action["url"].as_str().is_some_and(|url| url.starts_with("http")) {
            return Err(format!("the action {action} is invalid"));
        }
    }
    Ok(())
}
