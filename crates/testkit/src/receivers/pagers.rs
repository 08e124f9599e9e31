//! PagerDuty's Events API v2 (<https://developer.pagerduty.com/docs/send-alert-event>) and Opsgenie's Alert API
//! (<https://docs.opsgenie.com/docs/alert-api>).

use serde_json::{Value, json};

use super::Verdict;
use super::http::Request;

pub(super) fn pagerduty(request: &Request) -> Verdict {
    match check_event(request) {
        Ok(key) => Verdict {
            status: 202,
            content_type: "application/json",
            body: json!({"status": "success", "message": "Event processed", "dedup_key": key}).to_string(),
            fault: None,
        },
        Err(fault) => Verdict {
            status: 400,
            content_type: "application/json",
            body: json!({"status": "invalid event", "message": "Event object is invalid", "errors": [fault]})
                .to_string(),
            fault: Some(fault),
        },
    }
}

fn check_event(request: &Request) -> Result<String, String> {
    if request.path != "/v2/enqueue" {
        return Err(format!("{} is no address of the Events API", request.path));
    }
    let event = request.json()?;
    let key = bounded(&event, "routing_key", 32..=32)?;
    if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("routing_key is not one".into());
    }
    let dedup = bounded(&event, "dedup_key", 1..=255)?;
    match event["event_action"].as_str() {
        Some("acknowledge" | "resolve") => return Ok(dedup),
        Some("trigger") => {}
        other => return Err(format!("event_action {other:?}")),
    }
    let payload = &event["payload"];
    bounded(payload, "summary", 1..=1_024)?;
    bounded(payload, "source", 1..=1_024)?;
    let severity = bounded(payload, "severity", 1..=10)?;
    if !["critical", "error", "warning", "info"].contains(&severity.as_str()) {
        return Err(format!("payload.severity {severity}"));
    }
    for link in event["links"].as_array().into_iter().flatten() {
        bounded(link, "href", 1..=2_048)?;
    }
    if request.body.len() > 512 * 1024 {
        return Err("more than 512 KB".into());
    }
    Ok(dedup)
}

pub(super) fn opsgenie(request: &Request) -> Verdict {
    let fault = check_alert(request).err();
    Verdict {
        status: if fault.is_none() { 202 } else { 422 },
        content_type: "application/json",
        body: json!({"result": fault.as_deref().unwrap_or("Request will be processed"), "took": 0.1})
            .to_string(),
        fault,
    }
}

fn check_alert(request: &Request) -> Result<(), String> {
    if !request.header("authorization").starts_with("GenieKey ") {
        return Err("no GenieKey".into());
    }
    let alert = request.json()?;
    if request.path != "/v2/alerts" {
        let known = ["/close?identifierType=alias", "/acknowledge?identifierType=alias"];
        let is_known = known.iter().any(|end| request.path.ends_with(end));
        if !is_known || !request.path.starts_with("/v2/alerts/") {
            return Err(format!("{} is no address of the Alert API", request.path));
        }
        return if alert["note"].as_str().is_some_and(|note| note.len() <= 25_000) {
            Ok(())
        } else {
            Err("note".into())
        };
    }
    bounded(&alert, "message", 1..=130)?;
    bounded(&alert, "alias", 1..=512)?;
    if alert["description"].is_string() {
        bounded(&alert, "description", 0..=15_000)?;
    }
    if alert["entity"].is_string() {
        bounded(&alert, "entity", 0..=512)?;
    }
    let priority = alert["priority"].as_str().unwrap_or_default();
    if !["P1", "P2", "P3", "P4", "P5"].contains(&priority) {
        return Err(format!("priority {priority:?}"));
    }
    let details = alert["details"].as_object().cloned().unwrap_or_default();
    let length: usize = details
        .iter()
        .map(|(name, value)| name.len() + value.to_string().len())
        .sum();
    if length > 8_000 || details.values().any(|value| !value.is_string()) {
        return Err("details are texts of at most 8,000 characters in all".into());
    }
    Ok(())
}

fn bounded(object: &Value, field: &str, length: std::ops::RangeInclusive<usize>) -> Result<String, String> {
    let text = object[field]
        .as_str()
        .ok_or_else(|| format!("{field} is missing"))?;
    let found = text.chars().count();
    if length.contains(&found) {
        Ok(text.to_owned())
    } else {
        Err(format!("{field} has {found} characters; {length:?} are allowed"))
    }
}
