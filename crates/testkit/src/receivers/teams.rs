//! The webhook of a workflow of Microsoft Teams, which posts adaptive cards:
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>, with the schema of
//! adaptive cards for the elements that are sent.

use serde_json::Value;

use super::Verdict;
use super::http::Request;

/// A message of Teams has at most this many bytes.
const MAX_BYTES: usize = 28 * 1024;

pub(super) fn verdict(request: &Request) -> Verdict {
    let fault = check(request).err();
    Verdict {
        status: if fault.is_none() { 202 } else { 400 },
        content_type: "text/plain",
        body: fault.clone().unwrap_or_default(),
        fault,
    }
}

fn check(request: &Request) -> Result<(), String> {
    let body = request.json()?;
    if request.body.len() > MAX_BYTES {
        return Err(format!(
            "{} bytes; at most {MAX_BYTES} are allowed",
            request.body.len()
        ));
    }
    if body["type"] != "message" {
        return Err("type is not message".into());
    }
    let attachments = body["attachments"].as_array().ok_or("no attachments")?;
    if attachments.len() != 1 {
        return Err(format!("{} attachments", attachments.len()));
    }
    let attachment = &attachments[0];
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" {
        return Err("the attachment is no adaptive card".into());
    }
    card(&attachment["content"])
}

fn card(card: &Value) -> Result<(), String> {
    if card["type"] != "AdaptiveCard" {
        return Err("content.type is not AdaptiveCard".into());
    }
    let version = card["version"].as_str().unwrap_or_default();
    if !["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"].contains(&version) {
        return Err(format!("version {version:?} is not one that Teams shows"));
    }
    let body = card["body"].as_array().ok_or("a card without a body")?;
    if body.is_empty() {
        return Err("an empty body".into());
    }
    body.iter().try_for_each(element)?;
    let actions = card["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if actions.len() > 6 {
        return Err("more than six actions".into());
    }
    actions.iter().try_for_each(action)
}

fn element(element: &Value) -> Result<(), String> {
    match element["type"].as_str() {
        Some("TextBlock") => text(element),
        Some("RichTextBlock") => {
            let inlines = element["inlines"]
                .as_array()
                .ok_or("a RichTextBlock without inlines")?;
            inlines
                .iter()
                .try_for_each(|inline| match inline["type"].as_str() {
                    Some("TextRun") => text(inline),
                    other => Err(format!("an inline of type {other:?}")),
                })
        }
        Some("FactSet") => Ok(()),
        other => Err(format!("an element of type {other:?}")),
    }
}

fn text(element: &Value) -> Result<(), String> {
    const SIZES: [&str; 5] = ["Default", "Small", "Medium", "Large", "ExtraLarge"];
    const COLORS: [&str; 7] = [
        "Default",
        "Dark",
        "Light",
        "Accent",
        "Good",
        "Warning",
        "Attention",
    ];
    const WEIGHTS: [&str; 3] = ["Default", "Lighter", "Bolder"];
    const FONTS: [&str; 2] = ["Default", "Monospace"];
    if element["text"].as_str().is_none_or(str::is_empty) {
        return Err("an element without text".into());
    }
    let words: [(&str, &[&str]); 4] = [
        ("size", &SIZES),
        ("color", &COLORS),
        ("weight", &WEIGHTS),
        ("fontType", &FONTS),
    ];
    for (field, known) in words {
        if let Some(word) = element.get(field)
            && !word.as_str().is_some_and(|word| known.contains(&word))
        {
            return Err(format!("{field} {word}"));
        }
    }
    Ok(())
}

fn action(action: &Value) -> Result<(), String> {
    if action["type"] != "Action.OpenUrl" {
        return Err(format!("an action of type {}", action["type"]));
    }
    let url = action["url"].as_str().unwrap_or_default();
    let is_web = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_web && action["title"].is_string() {
        Ok(())
    } else {
        Err(format!("the action {action} leads nowhere"))
    }
}
