//! The answer to "why was I (not) told?", put together from rows: evaluation, grouping, silence, routing, channel, attempts.
//! Each step says what it decided, in words, and names the row that says so.

pub(crate) mod rules;

use db::incidents::Incident;
use db::incidents::events::IncidentEvent;
use db::incidents::members::Member;
use db::notification_jobs::Job;
use db::notification_jobs::attempts::Attempt;
use domain::alerting::delivery::{AttemptOutcome, JobState};
use domain::alerting::incident::EventKind;
use domain::alerting::incident::storm::StormOf;
use domain::alerting::notification::NotifiedTransition;
use domain::alerting::routing::{ChosenBy, HeldBack};
use domain::ids::{AlertRuleId, ChannelId, EnvironmentId, IncidentMemberId, NotificationJobId, ServiceId};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// What a step looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepKind {
    Evaluation,
    Grouping,
    Silence,
    Routing,
    Channel,
    Attempt,
}

/// What a step decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// On to the next step.
    Passed,
    /// The way ends here.
    Stopped,
    /// It goes on by itself later.
    Waiting,
}

/// Where a step is on record.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RowRef {
    table: &'static str,
    /// Its key within the organisation.
    id: String,
}

impl RowRef {
    pub(crate) fn new(table: &'static str, id: impl ToString) -> Self {
        Self {
            table,
            id: id.to_string(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Step {
    #[serde(rename = "step")]
    kind: StepKind,
    verdict: Verdict,
    /// For people.
    message: String,
    /// The row that says so; null where it is the lack of one that does.
    row: Option<RowRef>,
    #[serde(with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    /// What an answer of the receiver was, in an attempt.
    http_status: Option<i32>,
    /// The page of the dashboard with the lines that decided, where they are those of one pattern.
    #[schema(example = "/logs?q=service%3Ashop+%22disk%22+%22is+full%22")]
    lines: Option<String>,
}

/// How one transition reached, or did not reach, one channel.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Explanation {
    notification_id: NotificationJobId,
    transition: NotifiedTransition,
    channel_id: Option<ChannelId>,
    channel_name: Option<String>,
    state: JobState,
    /// Whether the channel was told.
    told: bool,
    /// The step that decided, in words.
    because: String,
    steps: Vec<Step>,
}

/// The rows that explanations of an incident are made of.
pub(crate) struct Rows<'a> {
    pub(crate) incident: &'a Incident,
    pub(crate) timeline: &'a [IncidentEvent],
    pub(crate) attempts: &'a [Attempt],
}

impl Rows<'_> {
    /// The way of one row of the ledger.
    pub(crate) fn explain(&self, job: &Job) -> Explanation {
        let mut steps = vec![self.evaluation(job), self.grouping()];
        steps.push(silence(job));
        if steps.iter().all(|step| step.verdict == Verdict::Passed) {
            steps.push(routing(job));
        }
        if let Some(channel) = &job.channel
            && steps.iter().all(|step| step.verdict == Verdict::Passed)
        {
            steps.push(channel_step(job, channel.id, &channel.name));
            let mine = self.attempts.iter().filter(|attempt| attempt.job_id == job.id);
            steps.extend(mine.map(attempt_step));
        }
        let told = job.state == JobState::Sent;
        settle_last(&mut steps, job);
        let because = steps
            .iter()
            .rev()
            .find(|step| step.verdict != Verdict::Passed)
            .or(steps.last())
            .map(|step| step.message.clone())
            .unwrap_or_default();
        Explanation {
            notification_id: job.id,
            transition: job.transition,
            channel_id: job.channel.as_ref().map(|channel| channel.id),
            channel_name: job.channel.as_ref().map(|channel| channel.name.clone()),
            state: job.state,
            told,
            because,
            steps,
        }
    }

    /// Why the incident changed at all: the last such change before the row of the ledger was announced.
    fn evaluation(&self, job: &Job) -> Step {
        let kinds: &[EventKind] = match job.transition {
            NotifiedTransition::Opened => &[EventKind::Opened, EventKind::FiringJoined],
            NotifiedTransition::Acknowledged => &[EventKind::Acknowledged],
            NotifiedTransition::Resolved => &[EventKind::Resolved, EventKind::Merged],
            NotifiedTransition::Reopened => &[EventKind::Reopened],
            NotifiedTransition::Raised => &[EventKind::SeverityChanged],
            NotifiedTransition::Reminded => &[EventKind::SnoozeEnded, EventKind::FiringJoined],
        };
        let id = json!(job.id);
        let announced = self
            .timeline
            .iter()
            .position(|event| event.details["notification_id"] == id);
        let before = &self.timeline[..announced.unwrap_or(self.timeline.len())];
        let mut changes = before.iter().rev().filter(|event| kinds.contains(&event.kind));
        let event = changes.next();
        Step {
            kind: StepKind::Evaluation,
            verdict: Verdict::Passed,
            message: event.map_or_else(
                || format!("the incident was {}", job.transition.in_words()),
                |event| event.message.clone(),
            ),
            row: event.map(|event| RowRef::new("incident_events", event.id)),
            at: event.map(|event| event.at),
            http_status: None,
            lines: event.and_then(lines_of),
        }
    }

    fn grouping(&self) -> Step {
        let Incident { title, firings, .. } = self.incident;
        Step {
            kind: StepKind::Grouping,
            verdict: Verdict::Passed,
            message: match self.incident.storm_of {
                Some(_) => {
                    format!("a storm: one incident, and one page, for all its {firings} firings: {title}")
                }
                None => format!("one incident for all firings of this problem: {title}"),
            },
            row: Some(RowRef::new("incidents", self.incident.id)),
            at: Some(self.incident.opened_at),
            http_status: None,
            lines: None,
        }
    }
}

/// One of the problems that an incident is about, and how it came to be told with it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct FoldedFiring {
    member_id: IncidentMemberId,
    title: String,
    rule_id: Option<AlertRuleId>,
    service_id: Option<ServiceId>,
    environment_id: Option<EnvironmentId>,
    firings: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_fired_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    cleared_at: Option<OffsetDateTime>,
    /// In words.
    because: String,
    row: RowRef,
}

impl FoldedFiring {
    pub(crate) fn of(incident: &Incident, member: Member) -> Self {
        let how = match (incident.storm_of, member.merged_from) {
            (_, Some(_)) => "its own incident became part of this one",
            (Some(StormOf::Rule), None) => "so many firings of its rule within a short time are one incident",
            (Some(StormOf::Service), None) => {
                "so many firings at its service within a short time are one incident"
            }
            (None, None) => "it is the problem that the incident was opened for, or came back as",
        };
        Self {
            member_id: member.id,
            because: format!(
                "{}: {how}; the notifications of the incident are its own",
                member.summary
            ),
            row: RowRef::new("incident_members", member.id),
            title: member.title,
            rule_id: member.rule_id,
            service_id: member.service_id,
            environment_id: member.environment_id,
            firings: member.firings,
            first_fired_at: member.first_fired_at,
            cleared_at: member.cleared_at,
        }
    }
}

/// Where the lines of the pattern are shown that opened the incident.
fn lines_of(opened: &IncidentEvent) -> Option<String> {
    let query = opened.details.get("pattern")?.get("query")?.as_str()?;
    let mut params = url::form_urlencoded::Serializer::new(String::new());
    Some(format!("/logs?{}", params.append_pair("q", query).finish()))
}

/// What held it back, if anything did.
fn silence(job: &Job) -> Step {
    let (table, id) = match &job.held {
        Some(HeldBack::Silence { silence_id, .. }) => ("silences", silence_id.to_string()),
        Some(HeldBack::Maintenance { window_id, .. }) => ("maintenance_windows", window_id.to_string()),
        Some(HeldBack::Snoozed { .. }) => ("incidents", job.incident_id.to_string()),
        Some(HeldBack::ChannelDisabled | HeldBack::ChannelPaused | HeldBack::OpeningHeld) | None => {
            return Step {
                kind: StepKind::Silence,
                verdict: Verdict::Passed,
                message: "no silence and no maintenance window holds it back".to_owned(),
                row: None,
                at: Some(job.created_at),
                http_status: None,
                lines: None,
            };
        }
    };
    let words = job.held.as_ref().map(HeldBack::in_words).unwrap_or_default();
    let (verdict, message) = match (job.state, job.settled_at) {
        (JobState::Held, Some(_)) => (
            Verdict::Stopped,
            format!("{words}; the incident was over before it ended, or a newer page took its place"),
        ),
        (JobState::Held, None) => (Verdict::Waiting, words),
        _ => (
            Verdict::Passed,
            format!("{words}; it ended, and the incident was not over"),
        ),
    };
    Step {
        kind: StepKind::Silence,
        verdict,
        message,
        row: Some(RowRef { table, id }),
        at: Some(job.created_at),
        http_status: None,
        lines: None,
    }
}

fn ledger_row(job: &Job) -> RowRef {
    RowRef {
        table: "notification_jobs",
        id: job.id.to_string(),
    }
}

fn routing(job: &Job) -> Step {
    let (verdict, message, row) = match (&job.channel, &job.chosen_by) {
        (None, _) => (
            Verdict::Stopped,
            "nobody was chosen: the routes name no channel, or there is none that is enabled".to_owned(),
            ledger_row(job),
        ),
        (Some(_), Some(ChosenBy::Route { route_id, name })) => (
            Verdict::Passed,
            format!("chosen by the route {name}"),
            RowRef {
                table: "notification_routes",
                id: route_id.to_string(),
            },
        ),
        (Some(_), Some(ChosenBy::Opening)) => (
            Verdict::Passed,
            "told of what became of an incident that it was told of".to_owned(),
            ledger_row(job),
        ),
        (Some(_), Some(ChosenBy::AnyOther)) => (
            Verdict::Passed,
            "told of a channel that takes nothing, since nobody whom the routes choose can be".to_owned(),
            ledger_row(job),
        ),
        (Some(_), Some(ChosenBy::Default) | None) => (
            Verdict::Passed,
            "no route matched, so every channel is told".to_owned(),
            ledger_row(job),
        ),
    };
    Step {
        kind: StepKind::Routing,
        verdict,
        message,
        row: Some(row),
        at: Some(job.created_at),
        http_status: None,
        lines: None,
    }
}

fn channel_step(job: &Job, id: ChannelId, name: &str) -> Step {
    let held = job.held.as_ref().filter(|_| job.state == JobState::Held);
    let verdict = match (held, job.settled_at) {
        (Some(_), Some(_)) => Verdict::Stopped,
        (Some(_), None) => Verdict::Waiting,
        (None, _) => Verdict::Passed,
    };
    let message = held.map_or_else(
        || format!("the channel {name} is in use"),
        |held| format!("{name}: {}", held.in_words()),
    );
    Step {
        kind: StepKind::Channel,
        verdict,
        message,
        row: Some(RowRef {
            table: "notification_channels",
            id: id.to_string(),
        }),
        at: Some(job.created_at),
        http_status: None,
        lines: None,
    }
}

fn attempt_step(attempt: &Attempt) -> Step {
    let (verdict, message) = match attempt.outcome {
        AttemptOutcome::Started => (Verdict::Waiting, "an attempt is under way".to_owned()),
        AttemptOutcome::Sent | AttemptOutcome::Refused | AttemptOutcome::Failed | AttemptOutcome::Unknown => {
            (Verdict::Passed, attempt.detail.clone())
        }
    };
    Step {
        kind: StepKind::Attempt,
        verdict,
        message: format!("attempt {}: {message}", attempt.attempt),
        row: Some(RowRef {
            table: "notification_attempts",
            id: format!("{}/{}", attempt.job_id, attempt.attempt),
        }),
        at: Some(attempt.started_at),
        http_status: attempt.http_status,
        lines: None,
    }
}

/// What the last step led to: a retry to come, or the end.
fn settle_last(steps: &mut Vec<Step>, job: &Job) {
    let verdict = match job.state {
        JobState::Pending | JobState::Claimed => Verdict::Waiting,
        JobState::Dead | JobState::Unknown => Verdict::Stopped,
        JobState::Sent | JobState::Held | JobState::Unrouted => return,
    };
    match steps.last_mut() {
        Some(last) if last.kind == StepKind::Attempt => last.verdict = verdict,
        Some(_) | None => steps.push(Step {
            kind: StepKind::Attempt,
            verdict,
            message: match verdict {
                Verdict::Waiting => "the first attempt is due".to_owned(),
                Verdict::Passed | Verdict::Stopped => job.last_error.clone().unwrap_or_default(),
            },
            row: Some(ledger_row(job)),
            at: Some(job.next_attempt_at),
            http_status: None,
            lines: None,
        }),
    }
}

/// Firings that the rule held back, as the timeline has them.
pub(crate) fn held_firings(timeline: &[IncidentEvent]) -> Vec<Value> {
    timeline
        .iter()
        .filter(|event| event.kind == EventKind::FiringHeld)
        .map(|event| json!({"at": event.at.unix_timestamp(), "message": event.message, "details": event.details}))
        .collect()
}
