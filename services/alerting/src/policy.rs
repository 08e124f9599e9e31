//! Who is told and what holds back, as it stands in the database.

use db::incidents::Incident;
use db::incidents::members::{self, Member};
use db::{DbError, TenantTx, maintenance_windows, notification_channels, notification_routes, silences};
use domain::alerting::matcher::Subject;
use domain::alerting::routing::{MaintenanceWindow, Policy, Route, Silence};
use domain::page::PageLimit;
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

/// Problems of a storm that decide who is called; whoever is called for further ones is, when they fire.
const SUBJECTS: u32 = 100;

/// The same of an incident that may be about several problems.
pub(crate) async fn subjects(tx: &TenantTx<'_>, incident: &Incident) -> Result<Vec<Subject>, DbError> {
    if incident.storm_of.is_none() {
        return Ok(vec![subject(incident)]);
    }
    let most = PageLimit::new(SUBJECTS).unwrap_or(PageLimit::DEFAULT);
    let members = members::list(tx, incident.id, None, most).await?;
    let of = |member: &Member| subject_of(incident, member);
    let firing = members.iter().filter(|member| member.cleared_at.is_none());
    let mut subjects: Vec<Subject> = firing.map(of).collect();
    if subjects.is_empty() {
        // Of its end, whoever any of them concerned.
        subjects = members.iter().map(of).collect();
    }
    Ok(subjects)
}

/// A problem of a storm is as urgent as the storm, and chosen by where it fires.
fn subject_of(incident: &Incident, member: &Member) -> Subject {
    Subject {
        severity: incident.severity,
        service_id: member.service_id,
        environment_id: member.environment_id,
        rule_id: member.rule_id,
        labels: incident.labels.clone(),
    }
}
