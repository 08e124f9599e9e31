//! Who is told and what holds back, as it stands in the database.

use db::incidents::Incident;
use db::{DbError, TenantTx, maintenance_windows, notification_channels, notification_routes, silences};
use domain::alerting::matcher::Subject;
use domain::alerting::routing::{MaintenanceWindow, Policy, Route, Silence};
use time::OffsetDateTime;

pub(crate) async fn load(tx: &TenantTx<'_>, now: OffsetDateTime) -> Result<Policy, DbError> {
    let routes = notification_routes::list(tx).await?;
    let silences = silences::active_at(tx, now).await?;
    let windows = maintenance_windows::list_enabled(tx).await?;
    Ok(Policy {
        routes: routes
            .into_iter()
            .filter(|route| route.settings.enabled)
            .map(|route| Route {
                id: route.id,
                name: route.settings.name.to_string(),
                matcher: route.settings.matcher,
                channels: route.settings.channel_ids,
                continues: route.settings.continues,
            })
            .collect(),
        silences: silences
            .into_iter()
            .map(|silence| Silence {
                id: silence.id,
                reason: silence.reason,
                matcher: silence.matcher,
                starts_at: silence.starts_at,
                ends_at: silence.ends_at,
            })
            .collect(),
        windows: windows
            .into_iter()
            .map(|window| MaintenanceWindow {
                id: window.id,
                name: window.settings.name.to_string(),
                matcher: window.settings.matcher,
                schedule: window.settings.schedule,
            })
            .collect(),
        channels: notification_channels::list_for_routing(tx).await?,
    })
}

/// What an incident is chosen by.
pub(crate) fn subject(incident: &Incident) -> Subject {
    Subject {
        severity: incident.severity,
        service_id: incident.service_id,
        environment_id: incident.environment_id,
        rule_id: incident.rule_id,
        labels: incident.labels.clone(),
    }
}
