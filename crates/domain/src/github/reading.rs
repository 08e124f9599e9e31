//! From a delivery to what it means.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::mapping::{Entry, EnvironmentMapping};
use super::payload::Payload;
use super::repository::RepoPart;
use super::{deployment, workflow_run};
use crate::deployment_report::{self, Report};
use crate::ids::EnvironmentId;

/// What a delivery is read for: one integration, and the environments of its service.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub repo_owner: &'a RepoPart,
    pub repo_name: &'a RepoPart,
    pub mapping: &'a EnvironmentMapping,
    pub environments: &'a [(EnvironmentId, String)],
}

/// What a delivery means to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It reports on the deployment with this external id.
    Deployment {
        external_id: String,
        report: Box<Report>,
    },
    /// GitHub tries the webhook out.
    Ping(Ping),
}

/// Whether the webhook will send what we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    Good,
    /// None of the events that tell of deployments is selected.
    SendsNothing,
}

/// Why a delivery has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    #[error(
        "events of the kind {0} tell nothing of deployments; workflow_run, deployment and deployment_status do"
    )]
    OtherEvent(String),
    #[error("the delivery names no repository")]
    NoRepository,
    #[error("the delivery is about the repository {found:?}, but this integration is for {expected}")]
    OtherRepository { found: String, expected: String },
    #[error("the delivery lacks a usable {0}")]
    Missing(&'static str),
    #[error("{field} is {value:?}, which this version of Sightline does not know")]
    Unknown { field: &'static str, value: String },
    #[error("the run is of a fork")]
    Fork,
    #[error(
        "the run is of a pull request ({event}); name the workflow {workflow:?} in the environment mapping if it deploys"
    )]
    PullRequest { event: String, workflow: String },
    #[error("the environment mapping says that {0:?} is not a deployment")]
    NotADeployment(String),
    #[error(
        "no environment for it: the environment mapping has neither the workflow {workflow:?} nor the branch {branch:?} \
         nor \"*\", and {branch:?} is not the default branch"
    )]
    UnmappedRun { workflow: String, branch: String },
    #[error(
        "no environment for it: {0:?} is neither in the environment mapping nor an environment of the service, and the \
         mapping has no \"*\""
    )]
    UnmappedEnvironment(String),
    #[error(
        "it belongs to the environment {0:?}, which the service does not have; create it, or change the environment mapping"
    )]
    NoSuchEnvironment(String),
}

/// Says what a delivery of the kind `event` (the header `X-GitHub-Event`) means.
pub fn read(event: &str, payload: &Payload, target: Target<'_>) -> Result<Reading, Ignored> {
    match event {
        "ping" => ping(payload, target),
        "workflow_run" => in_repository(payload, target).and_then(|()| workflow_run::read(payload, target)),
        "deployment" => {
            in_repository(payload, target).and_then(|()| deployment::read_created(payload, target))
        }
        "deployment_status" => {
            in_repository(payload, target).and_then(|()| deployment::read_status(payload, target))
        }
        other => Err(Ignored::OtherEvent(shown(other))),
    }
}

/// A webhook of an organisation pings without a repository.
fn ping(payload: &Payload, target: Target<'_>) -> Result<Reading, Ignored> {
    match in_repository(payload, target) {
        Ok(()) | Err(Ignored::NoRepository) => {}
        Err(other) => return Err(other),
    }
    let useful = |event: &&str| matches!(*event, "*" | "workflow_run" | "deployment" | "deployment_status");
    let sends_nothing = payload
        .texts("/hook/events")
        .is_some_and(|events| !events.iter().any(useful));
    Ok(Reading::Ping(if sends_nothing {
        Ping::SendsNothing
    } else {
        Ping::Good
    }))
}

/// A secret proves who set the webhook up, not which repository it is for.
fn in_repository(payload: &Payload, target: Target<'_>) -> Result<(), Ignored> {
    let found = payload
        .text("/repository/full_name")
        .ok_or(Ignored::NoRepository)?;
    let expected = format!("{}/{}", target.repo_owner.as_str(), target.repo_name.as_str());
    if found.eq_ignore_ascii_case(&expected) {
        Ok(())
    } else {
        Err(Ignored::OtherRepository {
            found: shown(found),
            expected,
        })
    }
}

impl Target<'_> {
    /// The service's environment of this name.
    pub(super) fn find(&self, name: &str) -> Option<EnvironmentId> {
        let found = self.environments.iter().find(|(_, known)| known == name);
        found.map(|(id, _)| *id)
    }

    /// The environment that a mapping entry leads to; `key` is what was looked up.
    pub(super) fn follow(&self, entry: Entry<'_>, key: &str) -> Result<EnvironmentId, Ignored> {
        match entry {
            Entry::NotADeployment => Err(Ignored::NotADeployment(shown(key))),
            Entry::Environment(name) => self
                .find(name.as_str())
                .ok_or_else(|| Ignored::NoSuchEnvironment(name.as_str().to_owned())),
        }
    }
}

/// The time at a JSON pointer.
pub(super) fn time(payload: &Payload, pointer: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(payload.text(pointer)?, &Rfc3339).ok()?;
    deployment_report::as_stored(at)
}

/// A one-line text at a JSON pointer, cut at `max_chars`.
pub(super) fn line(payload: &Payload, pointer: &str, max_chars: usize) -> Option<String> {
    deployment_report::one_line(payload.text(pointer)?, max_chars)
}

/// A web address at a JSON pointer.
pub(super) fn address(payload: &Payload, pointer: &str) -> Option<String> {
    let text = payload.text(pointer)?;
    deployment_report::is_web_address(text).then(|| text.to_owned())
}

/// A foreign text as a reason quotes it: one line, and short.
pub(super) fn shown(text: &str) -> String {
    deployment_report::one_line(text, 100).unwrap_or_default()
}
