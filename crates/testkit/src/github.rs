//! GitHub as a sender of webhooks: signed deliveries with payloads shaped as in its documentation
//! (<https://docs.github.com/webhooks/webhook-events-and-payloads>).

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Client, Reply};

/// One repository whose webhook is signed with one secret.
#[derive(Clone, Debug)]
pub struct GitHub {
    pub owner: String,
    pub repo: String,
    pub secret: String,
}

/// A delivery as it goes over the wire. Its parts may be changed before sending, to forge one.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `X-GitHub-Delivery`, a GUID; the same again when somebody presses "Redeliver".
    pub id: String,
    /// `X-GitHub-Event`.
    pub event: &'static str,
    pub body: Vec<u8>,
    /// `X-Hub-Signature-256`; `None` leaves the header out.
    pub signature: Option<String>,
}

/// What may differ between `workflow_run` deliveries.
#[derive(Clone, Debug)]
pub struct WorkflowRun {
    /// The same for every delivery about this run.
    pub id: u64,
    /// Rises when somebody re-runs it.
    pub attempt: u32,
    /// The workflow's name.
    pub name: String,
    pub branch: String,
    pub sha: String,
    pub commit_message: String,
    /// `requested`, `queued`, `in_progress`, `completed`, …
    pub status: String,
    /// Once completed: `success`, `failure`, `cancelled`, `timed_out`, `startup_failure`, …
    pub conclusion: Option<String>,
    pub started_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl WorkflowRun {
    /// A run of the workflow `Deploy` on `main` that has just ended like this.
    pub fn completed(id: u64, conclusion: &str) -> Self {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
        Self {
            id,
            attempt: 1,
            name: "Deploy".into(),
            branch: "main".into(),
            sha: format!("{id:040x}"),
            commit_message: "Raise the cart's limit".into(),
            status: "completed".into(),
            conclusion: Some(conclusion.into()),
            started_at: now - time::Duration::minutes(3),
            updated_at: now,
        }
    }

    /// The same run while it still ran.
    #[must_use]
    pub fn in_progress(&self) -> Self {
        Self {
            status: "in_progress".into(),
            conclusion: None,
            updated_at: self.started_at + time::Duration::SECOND,
            ..self.clone()
        }
    }
}

impl GitHub {
    pub fn new(owner: &str, repo: &str, secret: &str) -> Self {
        Self {
            owner: owner.into(),
            repo: repo.into(),
            secret: secret.into(),
        }
    }

    /// The first delivery of every new webhook.
    pub fn ping(&self) -> Delivery {
        self.sign(
            "ping",
            &json!({
                "zen": "Keep it logically awesome.",
                "hook_id": 109_948_940,
                "hook": {
                    "type": "Repository", "id": 109_948_940, "name": "web", "active": true,
                    "events": ["deployment", "deployment_status", "workflow_run"],
                    "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********",
                               "url": "https://sightline.example/api/v1/webhooks/github/x"},
                },
                "repository": self.repository(),
                "sender": actor(),
            }),
        )
    }

    pub fn workflow_run(&self, run: &WorkflowRun) -> Delivery {
        let action = match run.status.as_str() {
            "completed" => "completed",
            "in_progress" => "in_progress",
            _ => "requested",
        };
        let repository = self.repository();
        self.sign(
            "workflow_run",
            &json!({
                "action": action,
                "workflow_run": {
                    "id": run.id, "node_id": "WFR_kwLOExample", "name": run.name, "display_title": run.commit_message,
                    "run_number": run.id % 1_000, "run_attempt": run.attempt, "event": "push",
                    "head_branch": run.branch, "head_sha": run.sha, "path": ".github/workflows/deploy.yml",
                    "status": run.status, "conclusion": run.conclusion,
                    "workflow_id": 159_038, "check_suite_id": run.id + 1, "pull_requests": [],
                    "url": format!("https://api.github.com/repos/{}/actions/runs/{}", self.full_name(), run.id),
                    "html_url": format!("https://github.com/{}/actions/runs/{}", self.full_name(), run.id),
                    "created_at": text(run.started_at), "run_started_at": text(run.started_at),
                    "updated_at": text(run.updated_at),
                    "actor": actor(), "triggering_actor": actor(),
                    "head_commit": {
                        "id": run.sha, "tree_id": "d23f6eedb1e1b9610bbc754ddb5197bfe7271223",
                        "message": run.commit_message, "timestamp": text(run.started_at),
                        "author": {"name": "Octo Cat", "email": "octocat@github.com"},
                        "committer": {"name": "GitHub", "email": "noreply@github.com"},
                    },
                    "repository": repository, "head_repository": repository,
                },
                "workflow": {"id": 159_038, "name": run.name, "path": ".github/workflows/deploy.yml", "state": "active"},
                "repository": repository,
                "sender": actor(),
            }),
        )
    }

    /// A deployment was created: `id` is GitHub's number of it.
    pub fn deployment(&self, id: u64, environment: &str, sha: &str, at: OffsetDateTime) -> Delivery {
        self.sign(
            "deployment",
            &json!({
                "action": "created",
                "deployment": self.deployment_object(id, environment, sha, at),
                "workflow": null, "workflow_run": null,
                "repository": self.repository(),
                "sender": actor(),
            }),
        )
    }

    /// A deployment reached a state: `queued`, `pending`, `in_progress`, `success`, `failure`, `error`, `inactive`.
    pub fn deployment_status(
        &self,
        id: u64,
        environment: &str,
        sha: &str,
        state: &str,
        at: OffsetDateTime,
    ) -> Delivery {
        let target = format!("https://github.com/{}/actions/runs/{id}/job/1", self.full_name());
        self.sign(
            "deployment_status",
            &json!({
                "action": "created",
                "deployment_status": {
                    "id": id * 10 + u64::from(at.second()), "node_id": "DES_kwDOExample",
                    "state": state, "creator": actor(), "description": "", "environment": environment,
                    "target_url": target, "log_url": target, "environment_url": "",
                    "created_at": text(at), "updated_at": text(at),
                    "deployment_url": format!("https://api.github.com/repos/{}/deployments/{id}", self.full_name()),
                },
                "deployment": self.deployment_object(id, environment, sha, at - time::Duration::MINUTE),
                "check_run": null, "workflow": null, "workflow_run": null,
                "repository": self.repository(),
                "sender": actor(),
            }),
        )
    }

    /// Any event with any payload, signed.
    pub fn sign(&self, event: &'static str, payload: &Value) -> Delivery {
        let body = serde_json::to_vec(payload).unwrap();
        let signature = Some(self.signature(&body));
        Delivery {
            id: uuid::Uuid::new_v4().to_string(),
            event,
            body,
            signature,
        }
    }

    /// The value of `X-Hub-Signature-256` for a body.
    pub fn signature(&self, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(body);
        let hex: Vec<String> = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("sha256={}", hex.concat())
    }

    fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    fn repository(&self) -> Value {
        json!({
            "id": 1_296_269, "node_id": "MDEwOlJlcG9zaXRvcnkxMjk2MjY5", "name": self.repo,
            "full_name": self.full_name(), "private": true,
            "owner": {"login": self.owner, "id": 583_231, "type": "Organization"},
            "html_url": format!("https://github.com/{}", self.full_name()),
            "url": format!("https://api.github.com/repos/{}", self.full_name()),
            "default_branch": "main",
        })
    }

    fn deployment_object(&self, id: u64, environment: &str, sha: &str, at: OffsetDateTime) -> Value {
        json!({
            "id": id, "node_id": "DE_kwDOExample", "sha": sha, "ref": "main", "task": "deploy", "payload": {},
            "original_environment": environment, "environment": environment, "description": null,
            "creator": actor(), "created_at": text(at), "updated_at": text(at),
            "url": format!("https://api.github.com/repos/{}/deployments/{id}", self.full_name()),
            "statuses_url": format!("https://api.github.com/repos/{}/deployments/{id}/statuses", self.full_name()),
            "transient_environment": false, "production_environment": environment == "production",
        })
    }
}

impl Delivery {
    /// Sends it to an integration's address: `path` is `/api/v1/webhooks/github/{integration_id}`.
    pub async fn send(&self, server: &Client, path: &str) -> Reply {
        let mut server = server
            .with_header("user-agent", "GitHub-Hookshot/044aadd")
            .with_header("x-github-event", self.event)
            .with_header("x-github-delivery", &self.id)
            .with_header("x-github-hook-id", "109948940");
        if let Some(signature) = &self.signature {
            server = server.with_header("x-hub-signature-256", signature);
        }
        server
            .post_bytes(path, "application/json", self.body.clone())
            .await
    }
}

fn actor() -> Value {
    json!({"login": "octocat", "id": 583_231, "type": "User", "html_url": "https://github.com/octocat"})
}

/// GitHub's times: RFC 3339 in UTC, whole seconds.
fn text(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's own documentation on validating deliveries.
    #[test]
    fn the_signature_is_githubs() {
        let github = GitHub::new("o", "r", "It's a Secret to Everybody");
        assert_eq!(
            github.signature(b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
