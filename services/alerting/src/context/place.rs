//! Where an incident is, and which lines it is about.

use db::incidents::{Incident, members};
use db::scopes::{self, NamedScope};
use db::{DbError, TenantTx, alert_rules};
use domain::alerting::rule::Condition;
use domain::ids::IncidentId;
use domain::page::PageLimit;
use domain::query::Expr;
use time::OffsetDateTime;

/// Environments that are looked at, of an incident that is in many.
const SCOPES: usize = 20;

/// The scopes of an incident, by name.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) opened_at: OffsetDateTime,
    pub(crate) scopes: Vec<NamedScope>,
    /// What its rule asks for, where that is a query; else its lines are errors.
    pub(crate) query: Option<Expr>,
}

pub(crate) async fn of(tx: &TenantTx<'_>, incident: &Incident) -> Result<Place, DbError> {
    let mut scopes = match incident.service_id {
        Some(_) => scopes::list_within(tx, incident.service_id, incident.environment_id).await?,
        None => of_members(tx, incident.id).await?,
    };
    scopes.truncate(SCOPES);
    Ok(Place {
        opened_at: incident.reopened_at.unwrap_or(incident.opened_at),
        scopes,
        query: query(tx, incident).await?,
    })
}

/// Of an incident that is at no service in particular: where its problems are.
async fn of_members(tx: &TenantTx<'_>, id: IncidentId) -> Result<Vec<NamedScope>, DbError> {
    let members = members::list(tx, id, None, PageLimit::DEFAULT).await?;
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let mut scopes = scopes::list(tx).await?;
    scopes.retain(|scope| {
        members.iter().any(|member| {
            member.service_id == Some(scope.service_id) && member.environment_id == Some(scope.environment_id)
        })
    });
    Ok(scopes)
}

async fn query(tx: &TenantTx<'_>, incident: &Incident) -> Result<Option<Expr>, DbError> {
    let Some(rule_id) = incident.rule_id else {
        return Ok(None);
    };
    let rule = alert_rules::find(tx, rule_id).await?;
    // A rule that this version does not understand asks for nothing that it could show.
    let condition = rule.and_then(|rule| rule.condition().ok());
    Ok(match condition {
        Some(Condition::LogQuery(query)) => Some(query.query().filter.clone()),
        Some(_) | None => None,
    })
}
