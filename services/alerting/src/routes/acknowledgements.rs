//! The link by which the addressee of a message acknowledges its incident. Opening it changes nothing: programs that fetch
//! links ahead do that too. The page that it shows has a button, and the button does it.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY};
use actix_web::{HttpResponse, get, post, web};
use db::{TenantTx, incidents, notification_channels};
use domain::alerting::incident::IncidentStatus;
use domain::alerting::incident::life::Action;
use serde_json::json;
use service_kit::{ApiError, ErrorBody, Kit};

use crate::acknowledge_link::{Acknowledgement, InvalidLink};
use crate::app::State;
use crate::links;
use crate::transitions::{self, Cause, Story};

/// Shows what the link would acknowledge, and a button that does.
#[utoipa::path(
    tag = "incidents",
    params(("token" = String, Path, description = "from a message")),
    responses(
        (status = 200, description = "a page with a button", content_type = "text/html"),
        (status = 404, description = "the link is not one of ours, or has expired", body = ErrorBody),
    )
)]
#[get("/api/acknowledge/{token}")]
pub(crate) async fn show(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let link = read(&token, &state, &kit)?;
    let mut conn = kit.db.conn("alerting.acknowledge").await?;
    let tx = conn.tenant(link.org_id).await?;
    let incident = incidents::find(&tx, link.incident_id).await?.ok_or(NOT_FOUND)?;
    let page = links::incident(&state.public_url, incident.id);
    let body = match incident.status {
        IncidentStatus::Open => {
            r#"<form method="post"><button type="submit">Acknowledge</button></form>"#.to_owned()
        }
        IncidentStatus::Acknowledged => "<p>Somebody looks after it already.</p>".to_owned(),
        IncidentStatus::Resolved => "<p>It is resolved already.</p>".to_owned(),
    };
    Ok(html(&incident.title, &body, &page))
}

/// Acknowledges the incident. The same again changes nothing.
#[utoipa::path(
    tag = "incidents",
    params(("token" = String, Path, description = "from a message")),
    responses(
        (status = 200, description = "a page that says so", content_type = "text/html"),
        (status = 404, description = "the link is not one of ours, or has expired", body = ErrorBody),
    )
)]
#[post("/api/acknowledge/{token}")]
pub(crate) async fn acknowledge(
    kit: web::Data<Kit>,
    state: web::Data<State>,
    token: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let link = read(&token, &state, &kit)?;
    let mut conn = kit.db.conn("alerting.acknowledge").await?;
    let tx = conn.tenant(link.org_id).await?;
    let incident = incidents::find_for_update(&tx, link.incident_id)
        .await?
        .ok_or(NOT_FOUND)?;
    if incident.status == IncidentStatus::Open {
        let channel = channel_name(&tx, link).await?;
        let who = format!("the link sent to {channel}");
        let cause = Cause {
            by: None,
            at: incidents::clock(&tx).await?,
            message: &format!("acknowledged through {who}"),
            details: json!({"channel_id": link.channel_id}),
            why: &who,
        };
        let story = Story::of(&tx, &incident).await?;
        match transitions::act(&tx, &incident, Action::Acknowledge, &cause, &story).await {
            Ok(_) => {}
            Err(not_done) => not_done.unless_overtaken().map(|_| ())?,
        }
    }
    tx.commit().await?;
    state.wake();
    let said = match incident.status {
        IncidentStatus::Open | IncidentStatus::Acknowledged => "<p>It is acknowledged.</p>",
        IncidentStatus::Resolved => "<p>It is resolved already.</p>",
    };
    let page = links::incident(&state.public_url, incident.id);
    Ok(html(&incident.title, said, &page))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "incident" };

fn read(token: &str, state: &State, kit: &Kit) -> Result<Acknowledgement, ApiError> {
    Acknowledgement::read(token, &state.sealer, kit.clock.now()).map_err(|error| ApiError::NotFound {
        what: match error {
            InvalidLink::Malformed => "an incident of this link",
            InvalidLink::Expired => "an incident of this link, which has expired; the incident",
        },
    })
}

/// Whom the message was for; a channel that was deleted meanwhile is remembered by its id alone.
async fn channel_name(tx: &TenantTx<'_>, link: Acknowledgement) -> Result<String, ApiError> {
    let channel = notification_channels::find(tx, link.channel_id).await?;
    Ok(channel.map_or_else(|| "a deleted channel".to_owned(), |channel| channel.name))
}

/// A page without scripts, that no other site can frame, and whose address no other site learns.
fn html(title: &str, body: &str, incident: &str) -> HttpResponse {
    let title = escape(title);
    let incident = escape(incident);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\"><title>Sightline</title></head>\
         <body><main><h1>{title}</h1>{body}<p><a href=\"{incident}\">Open it in Sightline</a></p></main></body></html>"
    );
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(page)
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}
