//! Where GitHub delivers.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, Payload as RawBody};
use actix_web::{HttpRequest, HttpResponse, post, web};
use db::webhook_deliveries::Outcome;
use domain::github::{DeliveryStatus, Payload, PayloadError};
use domain::ids::{DeliveryId, DeploymentId, IntegrationId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use service_kit::body::PathId;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::app::State;
use crate::deliveries::{self, Incoming};
use crate::signature::{Claimed, Refusal};
use crate::{integrations, metrics};

/// What became of a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    status: ReceiptStatus,
    /// The same in words, with the reason.
    detail: String,
    /// Our id of it, for a replay; null for a duplicate.
    delivery_id: Option<DeliveryId>,
    deployment_id: Option<DeploymentId>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReceiptStatus {
    /// It changed a deployment.
    Applied,
    /// It was understood and told nothing new.
    Unchanged,
    /// It is not about a deployment of this integration.
    Ignored,
    /// A delivery of this id was accepted before; this one has no effect.
    Duplicate,
}

impl From<DeliveryStatus> for ReceiptStatus {
    fn from(status: DeliveryStatus) -> Self {
        match status {
            DeliveryStatus::Applied => Self::Applied,
            DeliveryStatus::Unchanged => Self::Unchanged,
            DeliveryStatus::Ignored => Self::Ignored,
        }
    }
}

impl Receipt {
    fn new(recorded: Option<(DeliveryId, Outcome)>) -> Self {
        match recorded {
            Some((id, outcome)) => Self {
                status: outcome.status.into(),
                detail: outcome.detail,
                delivery_id: Some(id),
                deployment_id: outcome.deployment_id,
            },
            None => Self {
                status: ReceiptStatus::Duplicate,
                detail:
                    "a delivery of this id was accepted before; to apply it again, replay it in Sightline"
                        .into(),
                delivery_id: None,
                deployment_id: None,
            },
        }
    }
}

/// Accepts one delivery of a repository's webhook. The answer is sent after the delivery and its effect are committed.
#[utoipa::path(
    tag = "webhooks",
    security(("signature" = [])),
    params(
        ("integration_id" = IntegrationId, Path),
        ("X-Hub-Signature-256" = String, Header, description = "sha256= and the hex HMAC-SHA256 of the body"),
        ("X-GitHub-Delivery" = String, Header, description = "Recognises a redelivery"),
        (
            "X-GitHub-Event" = String,
            Header,
            description = "ping, workflow_run, deployment, deployment_status; others are ignored"
        )
    ),
    request_body(content = Object, description = "GitHub's payload, at most MAX_BODY_BYTES long"),
    responses(
        (status = 202, body = Data<Receipt>),
        (status = 400, body = ErrorBody),
        (status = 401, description = "The signature is missing, malformed or wrong", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody)
    )
)]
#[post("/api/v1/webhooks/github/{integration_id}")]
pub(crate) async fn receive(
    req: HttpRequest,
    id: PathId<IntegrationId>,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    body: RawBody,
) -> Result<HttpResponse, ApiError> {
    let incoming = read(&req, &kit, &state, id.0, body).await?;
    let turn = state.turnstile.enter().await?;
    let recorded = deliveries::accept(&kit, &incoming).await?;
    drop(turn);
    state.outbox.notify_one();
    let status = recorded.as_ref().map(|(_, outcome)| outcome.status);
    let outcome = status.map_or(metrics::Outcome::Duplicate, metrics::Outcome::Recorded);
    metrics::delivery(&incoming.event, outcome);
    let data = Receipt::new(recorded);
    Ok(HttpResponse::Accepted().json(Data { data }))
}

/// Reads a delivery and believes it, or says why not. Nothing of the body is looked at before its signature is good.
async fn read(
    req: &HttpRequest,
    kit: &Kit,
    state: &State,
    integration_id: IntegrationId,
    body: RawBody,
) -> Result<Incoming, ApiError> {
    let turn = state.turnstile.enter().await?;
    let (org_id, secret) = integrations::secret_of(kit, state, integration_id).await?;
    drop(turn);
    tracing::Span::current().record("org_id", tracing::field::display(org_id));
    let headers = req.headers();
    let claimed = Claimed::of(headers).map_err(refused)?;
    let body = state.bodies.read(body.into_inner()).await?;
    let opened = open(claimed, secret, body.bytes.clone(), is_form(headers)).await?;
    let (payload_hash, payload) = opened.map_err(refused)?;
    Ok(Incoming {
        org_id,
        integration_id,
        delivery_id: word(headers, "X-GitHub-Delivery")?,
        event: word(headers, "X-GitHub-Event")?,
        payload_hash,
        payload: payload.map_err(|error| ApiError::invalid("", error.to_string()))?,
    })
}

fn refused(refusal: Refusal) -> ApiError {
    metrics::delivery("", metrics::Outcome::Refused);
    refusal.into()
}

/// The body's SHA-256 and what was picked out of it.
type Opened = ([u8; 32], Result<Payload, PayloadError>);

/// Verifies, then parses: a long body takes a tenth of a second, for which no other request should wait.
async fn open(
    claimed: Claimed,
    secret: SecretString,
    body: Bytes,
    is_form: bool,
) -> Result<Result<Opened, Refusal>, ApiError> {
    let work = move || {
        claimed.verify(secret.expose_secret().as_bytes(), &body)?;
        let payload = if is_form {
            Payload::parse(form_payload(&body).as_bytes())
        } else {
            Payload::parse(&body)
        };
        Ok((Sha256::digest(&body).into(), payload))
    };
    web::block(work).await.map_err(ApiError::internal)
}

/// GitHub's other content type, which its settings page proposes first: the JSON is the form's field `payload`.
fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    content_type.starts_with(b"application/x-www-form-urlencoded")
}

fn form_payload(body: &[u8]) -> String {
    url::form_urlencoded::parse(body)
        .find(|(name, _)| name == "payload")
        .map(|(_, payload)| payload.into_owned())
        .unwrap_or_default()
}

/// A header that GitHub always sends: a short word or id.
fn word(headers: &HeaderMap, name: &'static str) -> Result<String, ApiError> {
    const MAX_CHARS: usize = 100;
    let mut values = headers.get_all(name);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::invalid(
            name,
            "must be sent exactly once, as GitHub does",
        ));
    };
    let clean = |text: &&str| {
        (1..=MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let text = value.to_str().ok().filter(clean);
    text.map(str::to_owned).ok_or_else(|| {
        let message = format!("must be 1 to {MAX_CHARS} letters, digits, dashes, dots or underscores");
        ApiError::invalid(name, message)
    })
}
