//! A receiver of the Standard Webhooks specification, verifying with the crate that its authors publish.

use standardwebhooks::Webhook;

use super::Verdict;
use super::http::Request;

pub(super) fn verdict(request: &Request, secret: Option<&str>) -> Verdict {
    let fault = check(request, secret).err();
    Verdict {
        status: if fault.is_none() { 204 } else { 401 },
        content_type: "text/plain",
        body: fault.clone().unwrap_or_default(),
        fault,
    }
}

fn check(request: &Request, secret: Option<&str>) -> Result<(), String> {
    let secret = secret.ok_or("this receiver was given no secret")?;
    if !request.is_json() {
        return Err("the content type is not application/json".into());
    }
    let webhook = Webhook::new(secret).map_err(|error| error.to_string())?;
    webhook
        .verify(&request.body, &request.headers)
        .map_err(|error| error.to_string())?;
    let payload: serde_json::Value =
        serde_json::from_slice(&request.body).map_err(|error| format!("not JSON: {error}"))?;
    // The specification asks every payload for these three.
    for field in ["type", "timestamp", "data"] {
        payload
            .get(field)
            .ok_or_else(|| format!("the payload has no {field}"))?;
    }
    Ok(())
}
