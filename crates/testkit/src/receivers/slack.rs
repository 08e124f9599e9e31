//! Slack's incoming webhook: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>, with the
//! limits of Block Kit's reference.

use serde_json::Value;

use super::Verdict;
use super::http::Request;

pub(super) fn verdict(request: &Request) -> Verdict {
    let fault = check(request).err();
    Verdict {
        status: if fault.is_none() { 200 } else { 400 },
        content_type: "text/html",
        // Slack says one word; the rest of ours is for whoever reads the test's output.
        body: fault
            .as_ref()
            .map_or("ok", |fault| fault.split(':').next().unwrap_or_default())
            .to_owned(),
        fault,
    }
}

pub(super) fn check(request: &Request) -> Result<(), String> {
    if !request.is_json() {
        return Err("invalid_payload: the content type is not application/json".into());
    }
    let payload: Value = serde_json::from_slice(&request.body)
        .map_err(|error| format!("invalid_payload: not JSON: {error}"))?;
    let payload = payload.as_object().ok_or("invalid_payload: not an object")?;
    let text = match payload.get("text") {
        None => "",
        Some(text) => text.as_str().ok_or("invalid_payload: text is not a string")?,
    };
    if text.chars().count() > 40_000 {
        return Err("msg_too_long: text is longer than 40,000 characters".into());
    }
    let blocks = match payload.get("blocks") {
        None => &[][..],
        Some(blocks) => blocks.as_array().ok_or("invalid_blocks: not an array")?,
    };
    if blocks.len() > 50 {
        return Err("invalid_blocks: more than 50".into());
    }
    if text.is_empty() && blocks.is_empty() && payload.get("attachments").is_none() {
        return Err("no_text: neither text nor blocks".into());
    }
    for (index, block) in blocks.iter().enumerate() {
        check_block(block).map_err(|fault| format!("invalid_blocks: block {index}: {fault}"))?;
    }
    Ok(())
}

fn check_block(block: &Value) -> Result<(), String> {
    match block["type"].as_str() {
        Some("header") => check_text(&block["text"], &["plain_text"], 150),
        Some("divider") => Ok(()),
        Some("section") => check_section(block),
        Some("context") => check_each(&block["elements"], 10, |element| match element["type"].as_str() {
            Some("image") => Ok(()),
            _ => check_text(element, &["plain_text", "mrkdwn"], 3_000),
        }),
        Some("actions") => check_each(&block["elements"], 25, check_button),
        other => Err(format!("unknown type {other:?}")),
    }
}

fn check_section(block: &Value) -> Result<(), String> {
    if block.get("text").is_none() && block.get("fields").is_none() {
        return Err("a section needs text or fields".into());
    }
    if let Some(text) = block.get("text") {
        check_text(text, &["plain_text", "mrkdwn"], 3_000)?;
    }
    if let Some(fields) = block.get("fields") {
        check_each(fields, 10, |field| {
            check_text(field, &["plain_text", "mrkdwn"], 2_000)
        })?;
    }
    block.get("accessory").map_or(Ok(()), check_button)
}

fn check_button(element: &Value) -> Result<(), String> {
    if element["type"] != "button" {
        return Err(format!("{} instead of a button", element["type"]));
    }
    check_text(&element["text"], &["plain_text"], 75)?;
    let Some(url) = element.get("url") else {
        return Ok(());
    };
    let url = url.as_str().unwrap_or_default();
    let is_link = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_link || url.len() > 3_000 {
        Err(format!("{url:?} is no link of at most 3,000 characters"))
    } else {
        Ok(())
    }
}

fn check_text(text: &Value, kinds: &[&str], max: usize) -> Result<(), String> {
    let kind = text["type"].as_str().unwrap_or_default();
    if !kinds.contains(&kind) {
        return Err(format!("a text of type {kind:?} where {kinds:?} is wanted"));
    }
    let length = text["text"]
        .as_str()
        .ok_or("a text object without text")?
        .chars()
        .count();
    if length == 0 || length > max {
        Err(format!("a text of {length} characters; 1 to {max} are allowed"))
    } else {
        Ok(())
    }
}

fn check_each(items: &Value, max: usize, check: impl Fn(&Value) -> Result<(), String>) -> Result<(), String> {
    let items = items.as_array().ok_or("elements are missing")?;
    if items.is_empty() || items.len() > max {
        return Err(format!("{} elements; 1 to {max} are allowed", items.len()));
    }
    items.iter().try_for_each(check)
}
