//! `/api/incidents/settings`: how the organisation's firings become incidents.

use actix_web::{HttpResponse, get, put, web};
use db::{audit_logs, incident_settings};
use domain::alerting::incident::Settings;
use domain::alerting::incident::storm::Limits;
use serde::{Deserialize, Serialize};
use service_kit::access::{Developer, Viewer};
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, Kit};
use time::Duration;
use utoipa::ToSchema;

use crate::audit::{entry, seen};

/// Unless an organisation says otherwise: 600, 10, 60.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reopen_seconds": 600, "storm_threshold": 10, "storm_window_seconds": 60}))]
struct IncidentSettingsView {
    /// For how long after its end a problem that comes back is the same incident; 0 to 86,400, and 0 for never.
    reopen_seconds: u32,
    /// So many firings of one rule, or at one service, within the window are one incident, 2 to 10,000; null for never.
    storm_threshold: Option<u32>,
    /// 5 to 3,600.
    storm_window_seconds: u32,
}

impl From<Settings> for IncidentSettingsView {
    fn from(settings: Settings) -> Self {
        let seconds = |span: Duration| u32::try_from(span.whole_seconds()).unwrap_or_default();
        Self {
            reopen_seconds: seconds(settings.reopen_within),
            storm_threshold: settings.storms.threshold,
            storm_window_seconds: seconds(settings.storms.window),
        }
    }
}

impl IncidentSettingsView {
    fn check(self) -> Result<Settings, ApiError> {
        if self.reopen_seconds > 86_400 {
            return Err(ApiError::invalid("reopen_seconds", "must be 0 to 86400"));
        }
        if self
            .storm_threshold
            .is_some_and(|count| !(2..=10_000).contains(&count))
        {
            let message = "must be 2 to 10000, or null to tell each firing by itself";
            return Err(ApiError::invalid("storm_threshold", message));
        }
        if !(5..=3_600).contains(&self.storm_window_seconds) {
            return Err(ApiError::invalid("storm_window_seconds", "must be 5 to 3600"));
        }
        Ok(Settings {
            reopen_within: Duration::seconds(self.reopen_seconds.into()),
            storms: Limits {
                threshold: self.storm_threshold,
                window: Duration::seconds(self.storm_window_seconds.into()),
            },
        })
    }
}

/// When a problem that comes back is the same incident, and when many firings are one.
#[utoipa::path(
    operation_id = "show_incident_settings",
    tag = "incidents",
    security(("session" = ["viewer"])),
    responses((status = 200, body = Data<IncidentSettingsView>))
)]
#[get("/api/incidents/settings")]
pub(crate) async fn show(caller: Viewer, kit: web::Data<Kit>) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incident_settings").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let data = IncidentSettingsView::from(incident_settings::find(&tx).await?);
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// Changes that, for what fires from now on.
#[utoipa::path(
    operation_id = "change_incident_settings",
    tag = "incidents",
    security(("session" = ["developer"])),
    request_body = IncidentSettingsView,
    responses((status = 200, body = Data<IncidentSettingsView>))
)]
#[put("/api/incidents/settings")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    JsonBody(body): JsonBody<IncidentSettingsView>,
) -> Result<HttpResponse, ApiError> {
    let settings = body.check()?;
    let mut conn = kit.db.conn("alerting.incident_settings").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = IncidentSettingsView::from(incident_settings::find(&tx).await?);
    if before != body {
        incident_settings::save(&tx, &settings).await?;
        let changed = entry(
            "incident_settings.change",
            caller.org_id.0,
            seen(&before),
            seen(&body),
        );
        audit_logs::add(&tx, &caller.actor, changed).await?;
    }
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Data { data: body }))
}
