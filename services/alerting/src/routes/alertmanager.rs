//! Alerts of an Alertmanager, by its webhook of version 4: each opens and resolves an incident of the key's service and
//! environment. Reports come again and again by design; what was heard before changes nothing.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, post, web};
use db::auth::{self, KeyRecord};
use db::external_alerts::{self, Known};
use db::{TenantTx, incidents, scopes};
use domain::alerting::alertmanager::{Alert, Change, Episode, Payload, change};
use domain::alerting::fingerprint::Fingerprint;
use domain::alerting::incident::IncidentSource;
use domain::alerting::notification::Named;
use domain::alerting::rule::RuleScope;
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
use crate::firings::{self, Clear, Firing, Memo, Placed};
use crate::quotas;
use crate::transitions::Story;

/// A thousand alerts with all their labels.
const MAX_BODY_BYTES: usize = 4 * 1_024 * 1_024;
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What a request changed.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct ReceivedView {
    alerts: usize,
    /// Incidents that opened.
    opened: usize,
    /// Incidents that opened again, since their problem came back.
    reopened: usize,
    /// Alerts that joined an incident that was open.
    joined: usize,
    /// Incidents that resolved.
    resolved: usize,
}

impl ReceivedView {
    fn fired(&self) -> usize {
        self.opened + self.reopened + self.joined
    }
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
    let mut memo = Memo::default();
    for alert in &body.alerts {
        let reporter = Reporter {
            tx: &tx,
            key: &key,
            now,
            open_before,
        };
        reporter.take(&mut memo, alert, &mut data).await?;
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
    async fn take(&self, memo: &mut Memo, alert: &Alert, done: &mut ReceivedView) -> Result<(), ApiError> {
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
                    done.resolved += usize::from(self.clear(id, &fingerprint, "it fires anew since").await?);
                }
                quotas::admit_alerts(self.open_before + done.fired() as i64)?;
                let placed = self.fire(memo, alert, &fingerprint, before).await?;
                match placed {
                    Some(Placed::Opened(_)) => done.opened += 1,
                    Some(Placed::Reopened(_)) => done.reopened += 1,
                    Some(Placed::Joined(_)) => done.joined += 1,
                    None => {}
                }
                (false, placed.map(Placed::incident_id))
            }
            Change::Ends => {
                if let Some(id) = before {
                    let resolved = self.clear(id, &fingerprint, "its alert is resolved").await?;
                    done.resolved += usize::from(resolved);
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

    /// Finds the alert's incident, or opens one.
    async fn fire(
        &self,
        memo: &mut Memo,
        alert: &Alert,
        fingerprint: &Fingerprint,
        last_incident: Option<IncidentId>,
    ) -> Result<Option<Placed>, ApiError> {
        let scope = &self.key.scope;
        let named = scopes::list_within(self.tx, Some(scope.service_id), Some(scope.environment_id)).await?;
        let place = named.first();
        let labels = alert.labels();
        let title = alert.title();
        let firing = Firing {
            fingerprint,
            source: IncidentSource::Alertmanager,
            rule_id: None,
            scope: RuleScope::default(),
            service_id: scope.service_id,
            environment_id: scope.environment_id,
            message: format!("an Alertmanager says that {title} fires"),
            title,
            summary: alert.summary(),
            severity: alert.severity(),
            labels: &labels,
            story: Story {
                rule: None,
                service: place.map(|place| Named {
                    id: place.service_id,
                    name: place.service.clone(),
                }),
                environment: place.map(|place| Named {
                    id: place.environment_id,
                    name: place.environment.clone(),
                }),
                value: None,
                threshold: None,
                since: alert.starts_at,
                runbook: alert.runbook(),
            },
            details: json!({
                "api_key_id": self.key.id,
                "fingerprint": alert.fingerprint,
                "starts_at": alert.starts_at.unix_timestamp(),
                "generator_url": alert.origin(),
                "runbook_url": alert.runbook(),
            }),
            last_incident,
            together: 0,
            at: self.now,
        };
        Ok(firings::place(self.tx, memo, &firing).await?)
    }

    /// The alert is over; whether that resolves its incident.
    async fn clear(&self, id: IncidentId, fingerprint: &Fingerprint, why: &str) -> Result<bool, ApiError> {
        let Some(incident) = incidents::lock_root(self.tx, id).await? else {
            return Ok(false);
        };
        let clear = Clear {
            fingerprint,
            message: &format!("the Alertmanager's alert is over: {why}"),
            why,
            details: json!({"api_key_id": self.key.id}),
            story: &Story::of(self.tx, &incident).await?,
            at: self.now,
        };
        Ok(firings::cleared(self.tx, incident.id, &clear).await?)
    }
}
