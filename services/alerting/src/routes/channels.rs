//! Channels of the active organisation: where people are told. Their addresses and secrets are never shown again.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use db::notification_channels::{self, Channel, Settings};
use db::{DbError, audit_logs};
use domain::alerting::channel::{ChannelType, OnUnknown};
use domain::alerting::delivery::AttemptOutcome;
use domain::alerting::notification::Message;
use domain::ids::{ChannelId, NotificationJobId, OrgId};
use domain::name::{InvalidName, Name};
use domain::page::Cursor;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::access::{Developer, Viewer};
use service_kit::body::{JsonBody, OptionalJsonBody, PathId, QueryParams};
use service_kit::page::PageParams;
use service_kit::{ApiError, Data, ErrorBody, Kit, Page};
use utoipa::ToSchema;

use self::views::{ChannelView, TestView, WrittenChannelView};
use crate::app::State;
use crate::audit::{entry, seen};
use crate::channel_config::{ChannelConfig, UnreadableConfig};
use crate::delivery::Envelope;
use crate::pausing;
use crate::quotas;
use crate::signature::WebhookSecret;

mod views;

/// Channels, newest first.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["viewer"])),
    params(PageParams),
    responses((status = 200, body = Page<ChannelView>))
)]
#[get("/api/channels")]
pub(crate) async fn list(
    caller: Viewer,
    kit: web::Data<Kit>,
    QueryParams(page): QueryParams<PageParams>,
) -> Result<HttpResponse, ApiError> {
    let (limit, before) = (page.limit()?, page.cursor()?);
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rows = notification_channels::list(&tx, before, limit).await?;
    let cursor = |channel: &Channel| Cursor {
        at: channel.created_at,
        key: channel.id.0,
    };
    Ok(HttpResponse::Ok().json(Page::of(rows, limit, cursor, ChannelView::from)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateChannelRequest {
    #[serde(rename = "type")]
    kind: ChannelType,
    name: Name,
    /// `slack`, `discord` and `teams`: {webhook_url}. `slack_bot`: {token, channel, api_url?}. `email`: {to: [..]}.
    /// `pagerduty`: {routing_key, api_url?}. `opsgenie`: {api_key, api_url?}. `telegram`: {bot_token, chat_id, api_url?}.
    /// `ntfy`: {topic, server_url?, token?}. `webhook`: {url, secret?}; the secret is whsec_ and base64, and is made when
    /// absent.
    #[schema(value_type = Object, example = json!({"webhook_url": "https://hooks.slack.com/services/T0/B0/x"}))]
    config: Value,
    /// True when absent.
    enabled: Option<bool>,
    /// `at_least_once` when absent.
    on_unknown: Option<OnUnknown>,
}

/// Makes a channel. From now on it is told of every incident that opens or resolves.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    request_body = CreateChannelRequest,
    responses(
        (status = 201, body = Data<WrittenChannelView>),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[post("/api/channels")]
pub(crate) async fn create(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<CreateChannelRequest>,
) -> Result<HttpResponse, ApiError> {
    let given = ChannelConfig::parse(body.kind, &body.config, None)?;
    check_address(&state, &given.config).await?;
    let id = ChannelId::generate();
    let sealed = seal(&state, &given.config, caller.org_id, id)?;
    let settings = Settings {
        name: &body.name,
        config_sealed: &sealed,
        hint: &given.config.hint(),
        enabled: body.enabled.unwrap_or(true),
        on_unknown: body.on_unknown.unwrap_or_default(),
    };
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    quotas::admit_channel(notification_channels::count(&tx).await?)?;
    let channel = notification_channels::create(&tx, id, body.kind, &settings)
        .await
        .map_err(|error| name_taken(error, &body.name))?;
    let view = ChannelView::from(channel);
    audit_logs::add(
        &tx,
        &caller.actor,
        entry("channel.create", id.0, None, seen(&view)),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Data {
        data: WrittenChannelView {
            channel: view,
            secret: given.made_secret.as_ref().map(WebhookSecret::reveal),
        },
    }))
}

/// What is absent stays as it is. A new `config` replaces the old one; a webhook keeps its secret unless another is
/// given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeChannelRequest {
    name: Option<Name>,
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    enabled: Option<bool>,
    on_unknown: Option<OnUnknown>,
}

/// Changes a channel. One that is disabled is told nothing more; what waits for it is given up.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    params(("id" = ChannelId, Path)),
    request_body = ChangeChannelRequest,
    responses(
        (status = 200, body = Data<WrittenChannelView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "the name is taken", body = ErrorBody),
    )
)]
#[patch("/api/channels/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<ChannelId>,
    JsonBody(body): JsonBody<ChangeChannelRequest>,
) -> Result<HttpResponse, ApiError> {
    // Looked up before anything is locked: a name server may take its time.
    let before = find(&kit, caller.org_id, id).await?;
    let replacement = match &body.config {
        None => None,
        Some(config) => Some(Replacement::of(&state, caller.org_id, &before, config).await?),
    };
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = notification_channels::find_for_update(&tx, id)
        .await?
        .ok_or(NOT_FOUND)?;
    let old_name: Name = before
        .name
        .parse()
        .map_err(|error: InvalidName| ApiError::internal(error))?;
    let (config_sealed, hint) = match &replacement {
        None => (before.config_sealed.as_slice(), before.hint.as_str()),
        Some(new) => (new.sealed.as_slice(), new.hint.as_str()),
    };
    let settings = Settings {
        name: body.name.as_ref().unwrap_or(&old_name),
        config_sealed,
        hint,
        enabled: body.enabled.unwrap_or(before.enabled),
        on_unknown: body.on_unknown.unwrap_or(before.on_unknown),
    };
    let after = notification_channels::update(&tx, id, &settings)
        .await
        .map_err(|error| name_taken(error, settings.name))?
        .ok_or(NOT_FOUND)?;
    let (old, channel) = (ChannelView::from(before), ChannelView::from(after));
    let changed = entry("channel.change", id.0, seen(&old), seen(&channel));
    audit_logs::add(&tx, &caller.actor, changed).await?;
    tx.commit().await?;
    let secret = replacement.and_then(|new| new.made_secret);
    Ok(HttpResponse::Ok().json(Data {
        data: WrittenChannelView { channel, secret },
    }))
}

/// A configuration that replaces another.
struct Replacement {
    sealed: Vec<u8>,
    hint: String,
    made_secret: Option<String>,
}

impl Replacement {
    async fn of(state: &State, org_id: OrgId, before: &Channel, config: &Value) -> Result<Self, ApiError> {
        // One that does not open any more is the very reason to replace it.
        let old = ChannelConfig::open_channel(&state.sealer, org_id, before).ok();
        let given = ChannelConfig::parse(before.kind, config, old.as_ref())?;
        check_address(state, &given.config).await?;
        Ok(Self {
            sealed: seal(state, &given.config, org_id, before.id)?,
            hint: given.config.hint(),
            made_secret: given.made_secret.as_ref().map(WebhookSecret::reveal),
        })
    }
}

/// Deletes a channel and forgets its secrets. What waits for it is given up; its history stays.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    params(("id" = ChannelId, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
#[delete("/api/channels/{id}")]
pub(crate) async fn delete(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let channel = notification_channels::find_for_update(&tx, id)
        .await?
        .ok_or(NOT_FOUND)?;
    notification_channels::delete(&tx, id).await?;
    pausing::settle(&tx, id, caller.user_id, "the channel was deleted").await?;
    let deletion = entry("channel.delete", id.0, seen(&ChannelView::from(channel)), None);
    audit_logs::add(&tx, &caller.actor, deletion).await?;
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a test message now, also through a disabled or paused channel, and says what the receiver answered. A paused channel
/// whose test arrives is used again.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    params(("id" = ChannelId, Path)),
    responses((status = 200, body = Data<TestView>), (status = 404, body = ErrorBody))
)]
#[post("/api/channels/{id}/test")]
pub(crate) async fn test(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let channel = find(&kit, caller.org_id, id).await?;
    let config = ChannelConfig::open_channel(&state.sealer, caller.org_id, &channel).map_err(unreadable)?;
    let message = Message::Test {
        channel: &channel.name,
        at: kit.clock.now(),
    };
    let test_id = NotificationJobId::generate().to_string();
    let envelope = Envelope {
        id: &test_id,
        message,
        opening_ref: None,
    };
    let outcome = state.sender.send(&config, envelope).await.outcome;
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let result = json!({"outcome": outcome.outcome, "http_status": outcome.http_status});
    let tested = entry("channel.test", id.0, None, Some(result));
    audit_logs::add(&tx, &caller.actor, tested).await?;
    if outcome.outcome == AttemptOutcome::Sent {
        pausing::resume(&tx, id, caller.user_id, "a test message arrived").await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data {
        data: TestView {
            outcome: outcome.outcome,
            http_status: outcome.http_status,
            detail: outcome.detail,
            duration_ms: outcome.duration.as_millis() as u64,
        },
    }))
}

/// Uses a paused channel again: what it missed of incidents that are not over is sent now.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    params(("id" = ChannelId, Path)),
    responses((status = 200, body = Data<ChannelView>), (status = 404, body = ErrorBody))
)]
#[post("/api/channels/{id}/resume")]
pub(crate) async fn resume(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<ChannelId>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    notification_channels::find_for_update(&tx, id)
        .await?
        .ok_or(NOT_FOUND)?;
    let why = format!("{} uses the channel again", caller.email);
    if pausing::resume(&tx, id, caller.user_id, &why).await? {
        audit_logs::add(&tx, &caller.actor, entry("channel.resume", id.0, None, None)).await?;
    }
    let after = notification_channels::find(&tx, id).await?.ok_or(NOT_FOUND)?;
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data {
        data: ChannelView::from(after),
    }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateRequest {
    /// For how long the secret before signs too, in hours, 0 to 168; 24 when absent.
    overlap_hours: Option<u16>,
}

/// Gives a webhook a new signing secret, which is shown once. Until the overlap is over every message carries two
/// signatures, one of each secret, as the Standard Webhooks specification has it.
#[utoipa::path(
    tag = "channels",
    security(("session" = ["developer"])),
    params(("id" = ChannelId, Path)),
    request_body = RotateRequest,
    responses(
        (status = 200, body = Data<WrittenChannelView>),
        (status = 404, body = ErrorBody),
        (status = 409, description = "it is no webhook", body = ErrorBody),
    )
)]
#[post("/api/channels/{id}/rotate-secret")]
pub(crate) async fn rotate(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<ChannelId>,
    OptionalJsonBody(body): OptionalJsonBody<RotateRequest>,
) -> Result<HttpResponse, ApiError> {
    let hours = body.overlap_hours.unwrap_or(24);
    if hours > 168 {
        return Err(ApiError::invalid("overlap_hours", "must be from 0 to 168"));
    }
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let channel = notification_channels::find_for_update(&tx, id)
        .await?
        .ok_or(NOT_FOUND)?;
    if channel.kind != ChannelType::Webhook {
        let message = "only a webhook has a secret of ours; change the channel's config instead";
        return Err(ApiError::Conflict(message.into()));
    }
    let config = ChannelConfig::open_channel(&state.sealer, caller.org_id, &channel).map_err(unreadable)?;
    let ChannelConfig::Webhook { url, signing } = config else {
        return Err(NOT_FOUND);
    };
    let signing = signing.rotated(kit.clock.now() + time::Duration::hours(i64::from(hours)));
    let secret = signing.current.reveal();
    let rotated = ChannelConfig::Webhook { url, signing };
    let name: Name = channel
        .name
        .parse()
        .map_err(|error: InvalidName| ApiError::internal(error))?;
    let settings = Settings {
        name: &name,
        config_sealed: &seal(&state, &rotated, caller.org_id, id)?,
        hint: &channel.hint,
        enabled: channel.enabled,
        on_unknown: channel.on_unknown,
    };
    let after = notification_channels::update(&tx, id, &settings)
        .await?
        .ok_or(NOT_FOUND)?;
    let rotation = entry("channel.rotate_secret", id.0, None, None);
    audit_logs::add(&tx, &caller.actor, rotation).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data {
        data: WrittenChannelView {
            channel: ChannelView::from(after),
            secret: Some(secret),
        },
    }))
}

const NOT_FOUND: ApiError = ApiError::NotFound { what: "channel" };

/// The channel, or 404. Holds no connection afterwards.
async fn find(kit: &Kit, org_id: OrgId, id: ChannelId) -> Result<Channel, ApiError> {
    let mut conn = kit.db.conn("alerting.channels").await?;
    let tx = conn.tenant(org_id).await?;
    notification_channels::find(&tx, id).await?.ok_or(NOT_FOUND)
}

async fn check_address(state: &State, config: &ChannelConfig) -> Result<(), ApiError> {
    let Some((url, field)) = config.address() else {
        return if state.sender.can_mail() {
            Ok(())
        } else {
            let message =
                "cannot be email: this installation has no mail server, which its operator sets (SMTP_URL)";
            Err(ApiError::invalid("type", message))
        };
    };
    let checked = state.sender.egress().check(url).await;
    checked.map_err(|refusal| ApiError::invalid(field, format!("cannot be used: {refusal}")))
}

fn seal(state: &State, config: &ChannelConfig, org_id: OrgId, id: ChannelId) -> Result<Vec<u8>, ApiError> {
    config.seal(&state.sealer, org_id, id).map_err(ApiError::internal)
}

fn unreadable(error: UnreadableConfig) -> ApiError {
    tracing::error!(
        error = db::causes::chain(&error),
        "a channel's configuration does not open"
    );
    ApiError::Conflict("the channel's configuration cannot be read; enter it again".into())
}

fn name_taken(error: DbError, name: &Name) -> ApiError {
    if error.violates_unique(notification_channels::NAME_KEY) {
        ApiError::Conflict(format!(
            "there is a channel named {name} already; choose another name"
        ))
    } else {
        error.into()
    }
}
