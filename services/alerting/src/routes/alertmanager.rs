//! Alerts of an Alertmanager, by its webhook of version 4: each opens and resolves an incident of the key's service and
//! environment. Reports come again and again by design; what was heard before changes nothing.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, post, web};
use db::TenantTx;
use db::auth::{self, KeyRecord};
use db::external_alerts::{self, Known};
use db::incidents::events::NewEvent;
use db::incidents::{self, Incident, NewIncident};
use domain::alerting::alertmanager::{Alert, Change, Episode, Payload, change};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::{EventKind, IncidentSource};
use domain::api_key::KeyScope;
use domain::ids::IncidentId;
use serde::Serialize;
use serde_json::json;
use service_kit::access::api_key_of;
use service_kit::body::{parse_json, read_body};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::State;
use crate::quotas;
use crate::transitions::{self, Resolution, Story};

/// A thousand alerts with all their labels.
const MAX_BODY_BYTES: usize = 4 * 1_024 * 1_024;
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What a request changed.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct ReceivedView {
    alerts: usize,
    /// Incidents that opened.
    opened: usize,
    /// Incidents that resolved.
    resolved: usize,
}

/// Takes a webhook of Alertmanager (version 4). In its configuration: `webhook_configs: [{url: …/api/v1/alertmanager,
/// http_config: {authorization: {credentials: slk_…}}}]`, with a key that has the scope `alerts:write`.
#[utoipa::path(
    tag = "sources",
    security(("api_key" = ["alerts:write"])),
    request_body = Payload,
    responses(
        (status = 200, body = Data<ReceivedView>),
        (status = 401, body = ErrorBody),
        (status = 403, description = "the key lacks the scope alerts:write", body = ErrorBody),
    )
)]
#[post("/api/v1/alertmanager")]
pub(crate) async fn receive(
    req: HttpRequest,
    payload: web::Payload,
    kit: web::Data<Kit>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let key = api_key_of(&req, KeyScope::AlertsWrite).await?;
    let bytes = read_body(payload.into_inner(), MAX_BODY_BYTES, BODY_DEADLINE).await?;
    let mut body: Payload = parse_json(&bytes)?;
    body.check()
        .map_err(|error| ApiError::invalid(error.path(), error.to_string()))?;
    // One order for all requests, so that two of them do not wait for each other.
    body.alerts
        .sort_by(|one, other| (&one.fingerprint, one.starts_at).cmp(&(&other.fingerprint, other.starts_at)));
    let mut conn = kit.db.conn("alerting.alertmanager").await?;
    auth::touch_api_keys(&conn, &[key.id]).await?;
    let tx = conn.tenant(key.scope.org_id).await?;
    let now = incidents::clock(&tx).await?;
    let open_before = external_alerts::count_open(&tx).await?;
    let mut data = ReceivedView {
        alerts: body.alerts.len(),
        ..ReceivedView::default()
    };
    for alert in &body.alerts {
        let reporter = Reporter {
            tx: &tx,
            key: &key,
            now,
            open_before,
        };
        reporter.take(alert, &mut data).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data { data }))
}

struct Reporter<'a> {
    tx: &'a TenantTx<'a>,
    key: &'a KeyRecord,
    now: OffsetDateTime,
    /// Alerts of the organisation that were not over before this request.
    open_before: i64,
}

impl Reporter<'_> {
    async fn take(&self, alert: &Alert, done: &mut ReceivedView) -> Result<(), ApiError> {
        let scope = &self.key.scope;
        let fingerprint =
            Fingerprint::of_alertmanager(scope.service_id, scope.environment_id, &alert.fingerprint);
        let known = external_alerts::lock(self.tx, &fingerprint).await?;
        let change = change(known.map(|known| known.episode), alert.status, alert.starts_at);
        let before = known.and_then(|known| known.incident_id);
        let (is_over, incident_id) = match change {
            Change::Nothing => return Ok(()),
            Change::Begins => {
                // An episode whose end was never heard of is over when the next one begins.
                if let Some(id) = before {
                    done.resolved += usize::from(self.resolve(id, "it fires anew since").await?);
                }
                quotas::admit_alerts(self.open_before + done.opened as i64)?;
                let opened = self.open(alert, &fingerprint).await?;
                done.opened += usize::from(opened.is_some());
                (false, opened.map(|incident| incident.id))
            }
            Change::Ends => {
                if let Some(id) = before {
                    done.resolved += usize::from(self.resolve(id, "its alert is resolved").await?);
                }
                (true, before)
            }
            Change::Passed => (true, None),
        };
        let known = Known {
            episode: Episode {
                starts_at: alert.starts_at,
                is_over,
            },
            incident_id,
        };
        let place = (scope.service_id, scope.environment_id);
        external_alerts::save(self.tx, &fingerprint, place, known, self.now).await?;
        Ok(())
    }

    async fn open(&self, alert: &Alert, fingerprint: &Fingerprint) -> Result<Option<Incident>, ApiError> {
        let scope = &self.key.scope;
        let new = NewIncident {
            id: IncidentId::generate(),
            severity: alert.severity(),
            source: IncidentSource::Alertmanager,
            title: alert.title(),
            summary: alert.summary(),
            rule_id: None,
            service_id: Some(scope.service_id),
            environment_id: Some(scope.environment_id),
            fingerprint: fingerprint.clone(),
            labels: alert.labels(),
            opened_at: self.now,
        };
        let Some(incident) = incidents::open(self.tx, &new).await? else {
            return Ok(None);
        };
        let opened = NewEvent {
            kind: EventKind::Opened,
            actor: None,
            message: &format!("an Alertmanager says that {} fires", incident.title),
            details: json!({
                "api_key_id": self.key.id,
                "fingerprint": alert.fingerprint,
                "starts_at": alert.starts_at.unix_timestamp(),
                "generator_url": alert.origin(),
                "runbook_url": alert.runbook(),
            }),
        };
        let story = Story {
            since: alert.starts_at,
            runbook: alert.runbook(),
            ..Story::of(self.tx, &incident).await?
        };
        transitions::opened(self.tx, &incident, &opened, &story).await?;
        Ok(Some(incident))
    }

    /// Resolves an incident; whether it was unresolved.
    async fn resolve(&self, id: IncidentId, why: &str) -> Result<bool, ApiError> {
        let Some(incident) = incidents::find_for_update(self.tx, id).await? else {
            return Ok(false);
        };
        let resolution = Resolution {
            by: None,
            why,
            at: self.now,
        };
        let story = Story::of(self.tx, &incident).await?;
        let resolved = transitions::resolve(self.tx, id, &resolution, &story).await?;
        Ok(resolved.is_some())
    }
}
