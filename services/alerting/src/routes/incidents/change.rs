//! `PATCH /api/incidents/{id}`: what people do with an incident.

use actix_web::{HttpResponse, patch, web};
use db::incidents::events::{self, NewEvent};
use db::incidents::{self, Incident};
use db::{TenantTx, audit_logs};
use domain::alerting::incident::life::{Action, IllegalChange};
use domain::alerting::incident::{EventKind, IncidentStatus};
use domain::ids::{IncidentId, UserId};
use domain::name::Name;
use domain::severity::Severity;
use serde::Deserialize;
use serde_json::{Value, json};
use service_kit::access::{Developer, Member};
use service_kit::body::{JsonBody, PathId};
use service_kit::{ApiError, Data, ErrorBody, Kit};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::NOT_FOUND;
use super::views::IncidentView;
use crate::app::State;
use crate::audit::{entry, seen};
use crate::text::{Change, FreeText};
use crate::transitions::{self, Cause, NotDone, Story};

/// What is absent stays as it is. Several changes are made in this order, all or none: title, severity, status, assignee, snooze.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"assignee_id": "5b0d8b0e-5d5a-4c6e-9f1c-6c9f2a7f3a11", "snoozed_until": "2026-11-30T08:00:00Z",
    "reason": "the vendor works on it"}))]
pub(super) struct ChangeIncidentRequest {
    /// acknowledged or resolved; open reopens one that is resolved, and calls people as its opening did.
    status: Option<IncidentStatus>,
    /// A higher one calls people anew, where the routes say.
    severity: Option<Severity>,
    title: Option<Name>,
    /// The member of the organisation who looks after it; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<UserId>)]
    assignee_id: Change<UserId>,
    /// Until then, at most 30 days ahead, it tells nobody. Then it wakes by itself, and calls people once if it is not over.
    /// Null ends the wait, and calls nobody.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    snoozed_until: Change<Moment>,
    /// Why; the timeline keeps it.
    reason: Option<FreeText>,
}

/// A moment as precise as it is kept: the same again is then the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment(OffsetDateTime);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = time::serde::rfc3339::deserialize(deserializer)?;
        Ok(Self(at - Duration::nanoseconds((at.nanosecond() % 1_000).into())))
    }
}

/// Acknowledges, resolves, reopens, assigns, snoozes or describes an incident. The same again changes nothing.
#[utoipa::path(
    tag = "incidents",
    security(("session" = ["developer"])),
    params(("id" = IncidentId, Path)),
    request_body = ChangeIncidentRequest,
    responses(
        (status = 200, body = Data<IncidentView>),
        (status = 400, description = "the assignee is no member, or the moment is not in the next 30 days", body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "not from where the incident stands; the message says what to do instead", body = ErrorBody),
    )
)]
#[patch("/api/incidents/{id}")]
pub(crate) async fn change(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    PathId(id): PathId<IncidentId>,
    JsonBody(body): JsonBody<ChangeIncidentRequest>,
) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.incidents").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let before = incidents::find_for_update(&tx, id).await?.ok_or(NOT_FOUND)?;
    let mut hand = Hand {
        tx: &tx,
        caller: &caller,
        now: incidents::clock(&tx).await?,
        reason: body.reason.as_ref().map(FreeText::as_str),
        incident: before.clone(),
    };
    hand.change(&body).await?;
    let (old, data) = (IncidentView::from(before), IncidentView::from(hand.incident));
    if old != data {
        let changed = entry("incident.change", id.0, seen(&old), seen(&data));
        audit_logs::add(&tx, &caller.actor, changed).await?;
    }
    tx.commit().await?;
    state.wake();
    Ok(HttpResponse::Ok().json(Data { data }))
}

/// A person's hand on an incident that is locked.
struct Hand<'a> {
    tx: &'a TenantTx<'a>,
    caller: &'a Member,
    now: OffsetDateTime,
    reason: Option<&'a str>,
    /// As it stands by now.
    incident: Incident,
}

impl Hand<'_> {
    async fn change(&mut self, body: &ChangeIncidentRequest) -> Result<(), ApiError> {
        if let Some(title) = &body.title {
            self.rename(title).await?;
        }
        if let Some(severity) = body.severity {
            let before = self.incident.severity;
            let message = format!("severity changed from {before} to {severity}");
            let details = json!({"before": before, "after": severity});
            self.act(Action::Regrade(severity), &message, details).await?;
        }
        if let Some(status) = body.status {
            self.move_to(status).await?;
        }
        match body.assignee_id {
            Change::Keep => {}
            Change::Clear => {
                let details = json!({"assignee_id": null});
                self.act(Action::Assign(None), "assigned to nobody", details)
                    .await?;
            }
            Change::Set(user_id) => self.assign(user_id).await?,
        }
        match body.snoozed_until {
            Change::Keep => {}
            Change::Clear => {
                self.act(Action::EndSnooze, "the snooze was ended", json!({}))
                    .await?;
            }
            Change::Set(Moment(until)) => {
                let until_text = until.format(&Rfc3339).map_err(ApiError::internal)?;
                let message = format!("snoozed until {until_text}");
                self.act(Action::Snooze(until), &message, json!({"until": until_text}))
                    .await?;
            }
        }
        Ok(())
    }

    async fn rename(&mut self, title: &Name) -> Result<(), ApiError> {
        let before = self.incident.title.clone();
        if title.as_str() == before {
            return Ok(());
        }
        incidents::rename(self.tx, self.incident.id, title.as_str(), self.now).await?;
        let event = NewEvent {
            kind: EventKind::TitleChanged,
            actor: Some(self.caller.user_id),
            message: &format!("renamed from {before}"),
            details: json!({"before": before, "after": title}),
        };
        events::add(self.tx, self.incident.id, &event).await?;
        title.as_str().clone_into(&mut self.incident.title);
        transitions::announce(self.tx, self.incident.id, "changed", self.now).await?;
        Ok(())
    }

    async fn move_to(&mut self, status: IncidentStatus) -> Result<(), ApiError> {
        let (action, message) = match status {
            IncidentStatus::Open => (Action::Reopen, format!("reopened: by {}", self.caller.email)),
            IncidentStatus::Acknowledged => (Action::Acknowledge, "acknowledged".to_owned()),
            IncidentStatus::Resolved => (Action::Resolve, format!("resolved: by {}", self.caller.email)),
        };
        self.act(action, &message, json!({})).await
    }

    async fn assign(&mut self, user_id: UserId) -> Result<(), ApiError> {
        let Some(email) = incidents::member_email(self.tx, user_id).await? else {
            return Err(ApiError::invalid(
                "assignee_id",
                "must be a member of the organisation; /api/members lists them",
            ));
        };
        let message = format!("assigned to {email}");
        self.act(
            Action::Assign(Some(user_id)),
            &message,
            json!({"assignee_id": user_id}),
        )
        .await
    }

    async fn act(&mut self, action: Action, message: &str, mut details: Value) -> Result<(), ApiError> {
        let message = match self.reason {
            Some(reason) => {
                details["reason"] = json!(reason);
                format!("{message}: {reason}")
            }
            None => message.to_owned(),
        };
        // Who acknowledges is told by name; of all else people hear why.
        let why = match (action, self.reason) {
            (Action::Acknowledge, _) => self.caller.email.clone(),
            (_, Some(reason)) => format!("by {}: {reason}", self.caller.email),
            (_, None) => format!("by {}", self.caller.email),
        };
        let cause = Cause {
            by: Some(self.caller.user_id),
            at: self.now,
            message: &message,
            details,
            why: &why,
        };
        let story = Story::of(self.tx, &self.incident).await?;
        let changed = transitions::act(self.tx, &self.incident, action, &cause, &story).await;
        if let Some(incident) = changed.map_err(refusal)? {
            self.incident = incident;
        }
        Ok(())
    }
}

/// What the caller is told of what is not legal.
pub(super) fn refusal(not_done: NotDone) -> ApiError {
    match not_done {
        NotDone::Illegal(error @ IllegalChange::SnoozeWhen { .. }) => {
            ApiError::invalid("snoozed_until", error.to_string())
        }
        NotDone::Illegal(error) => ApiError::Conflict(error.to_string()),
        NotDone::Twin => ApiError::Conflict(NotDone::Twin.to_string()),
        NotDone::Db(error) if error.violates_unique("incidents_unresolved_key") => {
            ApiError::Conflict(NotDone::Twin.to_string())
        }
        NotDone::Db(error) => error.into(),
    }
}
