//! Discord's webhook execution: <https://discord.com/developers/docs/resources/webhook#execute-webhook>, with the
//! limits of its embed reference.

use serde_json::{Value, json};

use super::Verdict;
use super::http::Request;

pub(super) fn verdict(request: &Request) -> Verdict {
    let fault = check(request).err();
    Verdict {
        status: if fault.is_none() { 204 } else { 400 },
        content_type: "application/json",
        body: fault.as_ref().map(|fault| error_body(fault)).unwrap_or_default(),
        fault,
    }
}

fn error_body(fault: &str) -> String {
    let (code, message) = if fault.contains("empty message") {
        (50_006, "Cannot send an empty message")
    } else {
        (50_035, "Invalid Form Body")
    };
    json!({"message": message, "code": code, "errors": {"_errors": [{"code": "INVALID", "message": fault}]}})
        .to_string()
}

fn check(request: &Request) -> Result<(), String> {
    if !request.is_json() {
        return Err("the content type is not application/json".into());
    }
    let payload: Value =
        serde_json::from_slice(&request.body).map_err(|error| format!("not JSON: {error}"))?;
    let payload = payload.as_object().ok_or("not an object")?;
    let content = text_of(payload.get("content"), "content", 2_000)?;
    text_of(payload.get("username"), "username", 80)?;
    let embeds = match payload.get("embeds") {
        None => &[][..],
        Some(embeds) => embeds.as_array().ok_or("embeds is not an array")?,
    };
    if content == 0 && embeds.is_empty() {
        return Err("an empty message".into());
    }
    if embeds.len() > 10 {
        return Err(format!("{} embeds; at most 10 are allowed", embeds.len()));
    }
    let mut total = 0;
    for (index, embed) in embeds.iter().enumerate() {
        total += check_embed(embed).map_err(|fault| format!("embeds[{index}]: {fault}"))?;
    }
    if total > 6_000 {
        Err(format!(
            "{total} characters in all embeds; at most 6,000 are allowed"
        ))
    } else {
        Ok(())
    }
}

/// Checks one embed; gives the characters that count towards the total.
fn check_embed(embed: &Value) -> Result<usize, String> {
    let mut total = text_of(embed.get("title"), "title", 256)?
        + text_of(embed.get("description"), "description", 4_096)?
        + text_of(embed["footer"].get("text"), "footer.text", 2_048)?
        + text_of(embed["author"].get("name"), "author.name", 256)?;
    let fields = embed
        .get("fields")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if fields.len() > 25 {
        return Err(format!("{} fields; at most 25 are allowed", fields.len()));
    }
    for field in fields {
        let (name, value) = (
            text_of(field.get("name"), "field.name", 256)?,
            text_of(field.get("value"), "field.value", 1_024)?,
        );
        if name == 0 || value == 0 {
            return Err("a field needs a name and a value".into());
        }
        total += name + value;
    }
    if let Some(url) = embed.get("url") {
        let scheme = url
            .as_str()
            .and_then(|url| Some(url::Url::parse(url).ok()?.scheme().to_owned()));
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            return Err(format!("url {url} is not a well-formed URL"));
        }
    }
    if embed
        .get("color")
        .is_some_and(|color| color.as_u64().is_none_or(|color| color > 0xFF_FFFF))
    {
        return Err("color is not a number up to 16777215".into());
    }
    if let Some(at) = embed.get("timestamp") {
        let format = &time::format_description::well_known::Rfc3339;
        let parsed = at
            .as_str()
            .and_then(|at| time::OffsetDateTime::parse(at, format).ok());
        parsed.ok_or_else(|| format!("timestamp {at} is not ISO 8601"))?;
    }
    Ok(total)
}

/// The length of an optional text in characters.
fn text_of(text: Option<&Value>, name: &str, max: usize) -> Result<usize, String> {
    match text {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) if text.chars().count() <= max => Ok(text.chars().count()),
        Some(Value::String(text)) => Err(format!(
            "{name} has {} characters; at most {max} are allowed",
            text.chars().count()
        )),
        Some(_) => Err(format!("{name} is not a string")),
    }
}
