//! What a holder of an API key reports about a deployment, checked field by field.

use domain::deployment::{DeploymentStatus, Progress};
use domain::deployment_report::{Description, Report, as_stored, is_web_address, limits, many_lines};
use domain::ids::EnvironmentId;
use domain::name::Name;
use serde::Deserialize;
use service_kit::ApiError;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

/// How far a reporter's clock may be ahead of ours.
const MAX_AHEAD: Duration = Duration::minutes(10);
const MAX_ATTEMPT: i32 = 1_000_000;

/// A report. Send one for every status; reports with the same `external_id` are about the same deployment, and may
/// arrive in any order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRequest {
    /// What you call the deployment, such as the number of a CI run; unique within the service. Made when absent, and
    /// then every report is a deployment of its own.
    #[schema(min_length = 1, max_length = 255)]
    external_id: Option<String>,
    pub(crate) status: DeploymentStatus,
    /// An environment of the key's service, by name; the key's own when absent.
    pub(crate) environment: Option<Name>,
    /// What is deployed, or by which job.
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 200)]
    version: Option<String>,
    #[schema(max_length = 64)]
    commit_sha: Option<String>,
    /// Cut after 2,000 characters.
    commit_message: Option<String>,
    /// Branch or tag.
    #[serde(rename = "ref")]
    #[schema(max_length = 255)]
    git_ref: Option<String>,
    /// Who or what started it.
    #[schema(max_length = 200)]
    actor: Option<String>,
    /// Where to read more; http or https.
    #[schema(max_length = 2000)]
    url: Option<String>,
    /// When this attempt began to run; `at` when absent and the status is in_progress.
    #[serde(default, with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    /// When this attempt ended; `at` when absent and the status is a final one.
    #[serde(default, with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// When the status was reached; now when absent. Orders reports of the same attempt.
    #[serde(default, with = "time::serde::rfc3339::option")]
    at: Option<OffsetDateTime>,
    /// Counts up when the same deployment is tried again; 1 when absent. A later attempt replaces what an earlier one
    /// reported.
    #[schema(minimum = 1, maximum = 1_000_000)]
    attempt: Option<i32>,
}

impl ReportRequest {
    /// What the caller calls the deployment, or a new id.
    pub(crate) fn external_id(&self) -> Result<String, ApiError> {
        let given = line("external_id", self.external_id.as_deref(), limits::EXTERNAL_ID)?;
        match (given, &self.external_id) {
            (Some(id), _) => Ok(id),
            (None, Some(_)) => Err(ApiError::invalid(
                "external_id",
                "must not be blank; leave it out to get one",
            )),
            (None, None) => Ok(Uuid::new_v4().to_string()),
        }
    }

    pub(crate) fn report(
        &self,
        environment_id: EnvironmentId,
        now: OffsetDateTime,
    ) -> Result<Report, ApiError> {
        let at = moment("at", self.at, now)?.map_or_else(|| as_stored(now), Some);
        let at = at.ok_or_else(|| ApiError::internal("the clock is outside the years that can be stored"))?;
        let status = self.status;
        let (started_at, finished_at) = self.times(at, now)?;
        Ok(Report {
            progress: Progress {
                attempt: self.attempt()?,
                status,
                at,
            },
            environment_id,
            started_at,
            finished_at,
            description: self.description()?,
        })
    }

    fn attempt(&self) -> Result<i32, ApiError> {
        let attempt = self.attempt.unwrap_or(1);
        if (1..=MAX_ATTEMPT).contains(&attempt) {
            Ok(attempt)
        } else {
            Err(ApiError::invalid(
                "attempt",
                format!("must be between 1 and {MAX_ATTEMPT}"),
            ))
        }
    }

    fn times(
        &self,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(Option<OffsetDateTime>, Option<OffsetDateTime>), ApiError> {
        let started_at = moment("started_at", self.started_at, now)?;
        let finished_at = moment("finished_at", self.finished_at, now)?;
        if finished_at.is_some() && !self.status.is_finished() {
            let message = format!(
                "must be absent: a deployment that is {} has not ended",
                self.status
            );
            return Err(ApiError::invalid("finished_at", message));
        }
        if started_at
            .zip(finished_at)
            .is_some_and(|(started, finished)| finished < started)
        {
            return Err(ApiError::invalid("finished_at", "must not be before started_at"));
        }
        let running = self.status == DeploymentStatus::InProgress;
        Ok((
            started_at.or(running.then_some(at)),
            finished_at.or(self.status.is_finished().then_some(at)),
        ))
    }

    fn description(&self) -> Result<Description, ApiError> {
        Ok(Description {
            name: line("name", self.name.as_deref(), limits::NAME)?,
            commit_sha: line("commit_sha", self.commit_sha.as_deref(), limits::COMMIT_SHA)?,
            commit_message: self
                .commit_message
                .as_deref()
                .and_then(|message| many_lines(message, limits::COMMIT_MESSAGE)),
            git_ref: line("ref", self.git_ref.as_deref(), limits::REF)?,
            version: line("version", self.version.as_deref(), limits::VERSION)?,
            actor: line("actor", self.actor.as_deref(), limits::ACTOR)?,
            url: self.url()?,
        })
    }

    fn url(&self) -> Result<Option<String>, ApiError> {
        match self.url.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(url) if is_web_address(url) => Ok(Some(url.to_owned())),
            Some(_) => {
                let message = format!(
                    "must be an http or https address of at most {} characters",
                    limits::URL
                );
                Err(ApiError::invalid("url", message))
            }
        }
    }
}

/// A trimmed one-line text; blank counts as absent.
fn line(field: &'static str, text: Option<&str>, max_chars: usize) -> Result<Option<String>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            field,
            "must not contain line breaks or other control characters",
        ));
    }
    if text.chars().count() > max_chars {
        return Err(ApiError::invalid(
            field,
            format!("must be at most {max_chars} characters"),
        ));
    }
    Ok(Some(text.to_owned()))
}

fn moment(
    field: &'static str,
    at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, ApiError> {
    let Some(at) = at else { return Ok(None) };
    if at > now + MAX_AHEAD {
        return Err(ApiError::invalid(
            field,
            "is in the future; check the clock of the machine that sends it",
        ));
    }
    let stored =
        as_stored(at).ok_or_else(|| ApiError::invalid(field, "must be between the years 0 and 9999"))?;
    Ok(Some(stored))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn request(mut json: Value) -> ReportRequest {
        json.as_object_mut()
            .unwrap()
            .entry("status")
            .or_insert(json!("success"));
        serde_json::from_value(json).unwrap()
    }

    fn report(json: Value) -> Result<Report, ApiError> {
        request(json).report(EnvironmentId::generate(), NOW)
    }

    #[test]
    fn a_bare_status_means_now_and_the_first_attempt() {
        let report = report(json!({"status": "success"})).unwrap();
        assert_eq!((report.progress.attempt, report.progress.at), (1, NOW));
        assert_eq!((report.started_at, report.finished_at), (None, Some(NOW)));
        assert_eq!(report.description, Description::default());
    }

    #[rstest::rstest]
    #[case("pending", false, false)]
    #[case("in_progress", true, false)]
    #[case("failure", false, true)]
    #[case("cancelled", false, true)]
    #[case("superseded", false, true)]
    fn the_status_implies_when_it_started_or_ended(
        #[case] status: &str,
        #[case] started: bool,
        #[case] finished: bool,
    ) {
        let report = report(json!({"status": status})).unwrap();
        assert_eq!(report.started_at.is_some(), started);
        assert_eq!(report.finished_at.is_some(), finished);
    }

    #[rstest::rstest]
    #[case("name", json!({"name": "x".repeat(201)}), "at most 200 characters")]
    #[case("version", json!({"version": "a\0b"}), "control characters")]
    #[case("ref", json!({"ref": "a\nb"}), "control characters")]
    #[case("url", json!({"url": "javascript:alert(1)"}), "http or https")]
    #[case("url", json!({"url": "ftp://a/b"}), "http or https")]
    #[case("attempt", json!({"attempt": 0}), "between 1 and")]
    #[case("attempt", json!({"attempt": 1_000_001}), "between 1 and")]
    #[case("at", json!({"at": "2026-03-01T12:11:00Z"}), "in the future")]
    #[case("started_at", json!({"started_at": "9999-12-31T23:59:59-10:00"}), "in the future")]
    #[case("finished_at", json!({"status": "in_progress", "finished_at": "2026-03-01T11:00:00Z"}), "has not ended")]
    #[case("finished_at", json!({"started_at": "2026-03-01T11:00:00Z", "finished_at": "2026-03-01T10:00:00Z"}), "before")]
    fn a_bad_field_is_refused_by_name(#[case] field: &str, #[case] json: Value, #[case] part: &str) {
        match report(json).unwrap_err() {
            ApiError::Validation { details, .. } => {
                assert_eq!(details[0].path, field);
                assert!(details[0].message.contains(part), "{}", details[0].message);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn blank_texts_count_as_absent_and_commit_messages_are_cut() {
        let report =
            report(json!({"version": "  ", "url": "", "commit_message": "m\0".repeat(3_000)})).unwrap();
        assert_eq!(report.description.version, None);
        assert_eq!(report.description.url, None);
        assert_eq!(
            report.description.commit_message.unwrap().len(),
            limits::COMMIT_MESSAGE
        );
    }

    #[test]
    fn an_external_id_is_made_when_absent_and_never_blank() {
        assert_eq!(
            request(json!({"external_id": " 42 "})).external_id().unwrap(),
            "42"
        );
        assert!(request(json!({"external_id": " "})).external_id().is_err());
        let made = request(json!({})).external_id().unwrap();
        assert_ne!(made, request(json!({})).external_id().unwrap());
    }
}
