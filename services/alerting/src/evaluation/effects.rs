//! What a transition of a firing does: incidents open and resolve, and the timeline says why.

use db::alert_firings::FiringRow;
use db::alert_rules::AlertRule;
use db::incidents::events::{self, NewEvent};
use db::scopes::NamedScope;
use db::{DbError, TenantTx};
use domain::alerting::evaluator::{EndCause, Firing, Observation, Reading, Timing, Transition};
use domain::alerting::incident::{EventKind, IncidentSource, end_in_words, title_of};
use domain::alerting::notification::Named;
use domain::ids::IncidentId;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{Report, errors};
use crate::firings::{self, Clear, Memo};
use crate::transitions::Story;

/// For what ends whatever its times are.
pub(super) const UNTIMED: Timing = Timing {
    hold_for: Duration::ZERO,
    cooldown: Duration::ZERO,
    clear_after: Duration::ZERO,
};

pub(super) struct Effect<'a> {
    pub(super) tx: &'a TenantTx<'a>,
    pub(super) rule: &'a AlertRule,
    /// What an incident is called by.
    pub(super) title: String,
    /// `None` where the rule no longer looks.
    pub(super) target: Option<&'a NamedScope>,
    pub(super) observed: &'a Observation,
    pub(super) now: OffsetDateTime,
}

impl Effect<'_> {
    pub(super) async fn apply(
        &self,
        memo: &mut Memo,
        together: u64,
        row: &mut FiringRow,
        transition: Transition,
        report: &mut Report,
    ) -> Result<(), DbError> {
        match transition {
            Transition::Pending { .. } | Transition::Dropped => Ok(()),
            Transition::Held { until } => self.held(row.incident_id, until).await,
            Transition::Fired { since } => self.fired(memo, together, row, since, report).await,
            Transition::Ended(cause) => self.ended(row, cause, report).await,
        }
    }

    /// There is no incident of its own to tell it, so the last one does.
    async fn held(&self, last_incident: Option<IncidentId>, until: OffsetDateTime) -> Result<(), DbError> {
        let Some(incident_id) = last_incident else {
            return Ok(());
        };
        let cooldown = self.rule.times.cooldown_seconds;
        let event = NewEvent {
            kind: EventKind::FiringHeld,
            actor: None,
            message: &format!("the rule would fire again, but its cooldown of {cooldown} s is not over"),
            details: json!({"rule_version": self.rule.version, "until": rfc3339(until)}),
        };
        events::add(self.tx, incident_id, &event).await?;
        Ok(())
    }

    async fn fired(
        &self,
        memo: &mut Memo,
        together: u64,
        row: &mut FiringRow,
        since: OffsetDateTime,
        report: &mut Report,
    ) -> Result<(), DbError> {
        let (Some(target), Observation::Read(reading)) = (self.target, self.observed) else {
            return Ok(());
        };
        let mut details = json!({
            "rule_id": self.rule.id,
            "rule_version": self.rule.version,
            "value": reading.value,
            "threshold": reading.threshold,
            "since": rfc3339(since),
        });
        if let Some(trail) = errors::trail(self.rule, row.group.as_ref(), &target.service) {
            details["pattern"] = trail;
        }
        let firing = firings::Firing {
            fingerprint: &row.fingerprint,
            source: IncidentSource::Rule,
            rule_id: Some(self.rule.id),
            scope: self.rule.scope,
            service_id: target.service_id,
            environment_id: target.environment_id,
            title: title_of(&self.title, &target.service, &target.environment),
            summary: reading.detail.clone(),
            severity: self.rule.severity,
            labels: &self.rule.labels,
            story: Story {
                since,
                ..self.story(Some(reading))
            },
            message: format!("rule {} fired: {}", self.rule.name, reading.detail),
            details,
            last_incident: row.incident_id,
            together,
            at: self.now,
        };
        let Some(placed) = firings::place(self.tx, memo, &firing).await? else {
            // Another transaction was quicker: the next evaluation sees what it left.
            row.firing = Firing::NEW;
            return Ok(());
        };
        row.incident_id = Some(placed.incident_id());
        report.count(placed);
        Ok(())
    }

    async fn ended(&self, row: &FiringRow, cause: EndCause, report: &mut Report) -> Result<(), DbError> {
        let Some(incident_id) = row.incident_id else {
            return Ok(());
        };
        let reading = match self.observed {
            Observation::Read(reading) => Some(reading),
            Observation::NoData(_) | Observation::Withdrawn(_) => None,
        };
        let why = end_in_words(cause, reading.map_or("", |reading| &reading.detail));
        let clear = Clear {
            fingerprint: &row.fingerprint,
            message: &format!("rule {} no longer fires: {why}", self.rule.name),
            why: &why,
            details: json!({
                "rule_id": self.rule.id,
                "rule_version": self.rule.version,
                "value": reading.map(|reading| reading.value),
                "threshold": reading.map(|reading| reading.threshold),
            }),
            story: &self.story(reading),
            at: self.now,
        };
        if firings::cleared(self.tx, incident_id, &clear).await? {
            report.resolved += 1;
        } else {
            report.cleared += 1;
        }
        Ok(())
    }

    fn story(&self, reading: Option<&Reading>) -> Story {
        Story {
            rule: Some(Named {
                id: self.rule.id,
                name: self.rule.name.clone(),
            }),
            service: self.target.map(|target| Named {
                id: target.service_id,
                name: target.service.clone(),
            }),
            environment: self.target.map(|target| Named {
                id: target.environment_id,
                name: target.environment.clone(),
            }),
            value: reading.map(|reading| reading.value),
            threshold: reading.map(|reading| reading.threshold),
            since: self.now,
            runbook: self.rule.runbook_url.clone(),
        }
    }
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}
