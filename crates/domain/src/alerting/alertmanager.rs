//! What an Alertmanager of Prometheus sends (webhook version 4,
//! prometheus.io/docs/alerting/latest/configuration/#webhook_config), and what it means for us.
//!
//! It repeats itself by design: a group is sent again whenever it changes and at intervals, and retried when the answer was
//! lost. An alert is one episode of one problem by its fingerprint and the time at which it began.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::OffsetDateTime;

use crate::alerting::labels::Labels;
use crate::severity::Severity;

/// Alerts that one request may bring; Alertmanager's `max_alerts` bounds its own side.
pub const MAX_ALERTS: usize = 1_000;
const MAX_FINGERPRINT: usize = 64;
const MAX_TITLE: usize = 200;
const MAX_SUMMARY: usize = 4_000;
const MAX_LINK: usize = 2_048;

/// A request. Fields that are not used are not read, so that newer versions are taken.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
pub struct Payload {
    /// `4`.
    pub version: String,
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    Firing,
    Resolved,
}

#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    pub status: AlertStatus,
    /// Names the problem, within that Alertmanager.
    pub fingerprint: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    #[serde(default, rename = "generatorURL")]
    pub generator_url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    #[error("must be 4: this is the webhook of Alertmanager 0.16 and later")]
    Version,
    #[error("must be at most {MAX_ALERTS} alerts; set max_alerts in the receiver's webhook_config")]
    TooMany,
    #[error("must be 1 to {MAX_FINGERPRINT} letters and digits")]
    Fingerprint(usize),
}

impl InvalidPayload {
    pub fn path(self) -> String {
        match self {
            Self::Version => "version".to_owned(),
            Self::TooMany => "alerts".to_owned(),
            Self::Fingerprint(index) => format!("alerts[{index}].fingerprint"),
        }
    }
}

impl Payload {
    pub fn check(&self) -> Result<(), InvalidPayload> {
        if self.version != "4" {
            return Err(InvalidPayload::Version);
        }
        if self.alerts.len() > MAX_ALERTS {
            return Err(InvalidPayload::TooMany);
        }
        let bad = self
            .alerts
            .iter()
            .position(|alert| !is_fingerprint(&alert.fingerprint));
        bad.map_or(Ok(()), |index| Err(InvalidPayload::Fingerprint(index)))
    }
}

fn is_fingerprint(text: &str) -> bool {
    (1..=MAX_FINGERPRINT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Alert {
    /// What it is called: its annotation `summary` would be a sentence, its name is short and the same for ever.
    pub fn title(&self) -> String {
        let name = self.labels.get("alertname").map_or("Alert", String::as_str);
        let place = ["job", "instance"]
            .iter()
            .filter_map(|label| self.labels.get(*label))
            .cloned()
            .collect::<Vec<_>>()
            .join(" / ");
        let title = if place.is_empty() {
            name.to_owned()
        } else {
            format!("{name}: {place}")
        };
        clean(&title, MAX_TITLE).replace('\n', " ")
    }

    pub fn summary(&self) -> String {
        let of = |name: &str| self.annotations.get(name).map(String::as_str).unwrap_or_default();
        let text = [of("summary"), of("description"), of("message")]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n");
        clean(&text, MAX_SUMMARY)
    }

    /// What to do about it, where that is a web address.
    pub fn runbook(&self) -> Option<String> {
        web_address(self.annotations.get("runbook_url")?)
    }

    /// Where Prometheus shows the expression.
    pub fn origin(&self) -> Option<String> {
        web_address(&self.generator_url)
    }

    /// By the label `severity`, in the words that people use; medium where there is none that is known.
    pub fn severity(&self) -> Severity {
        let word = self.labels.get("severity").map(|word| word.to_ascii_lowercase());
        match word.as_deref() {
            Some("critical" | "page" | "emergency" | "fatal") => Severity::Critical,
            Some("high" | "error" | "major") => Severity::High,
            Some("low" | "info" | "none" | "notice" | "debug") => Severity::Low,
            Some(_) | None => Severity::Medium,
        }
    }

    pub fn labels(&self) -> Labels {
        Labels::from_outside(self.labels.clone())
    }
}

fn web_address(text: &str) -> Option<String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    let is_clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_clean && text.len() <= MAX_LINK).then(|| text.to_owned())
}

fn clean(text: &str, max: usize) -> String {
    let kept = text.chars().filter(|c| !c.is_control() || *c == '\n');
    kept.take(max).collect::<String>().trim().to_owned()
}

/// The newest episode of an alert that we know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    pub starts_at: OffsetDateTime,
    pub is_over: bool,
}

/// What an alert of a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Said before, or about an episode that a newer one followed.
    Nothing,
    /// A new episode: an incident opens.
    Begins,
    /// The episode is over: its incident resolves.
    Ends,
    /// A new episode that was over before we heard of it: nobody need be told.
    Passed,
}

/// Decides what a report changes, given the newest episode before it. Reports may come twice, late and in any order.
pub fn change(known: Option<Episode>, status: AlertStatus, starts_at: OffsetDateTime) -> Change {
    let is_new = known.is_none_or(|known| starts_at > known.starts_at);
    let is_known = known.is_some_and(|known| starts_at == known.starts_at);
    match status {
        AlertStatus::Firing if is_new => Change::Begins,
        AlertStatus::Resolved if is_known && known.is_some_and(|known| !known.is_over) => Change::Ends,
        // A newer episode than the one that is open, and over: so is the open one.
        AlertStatus::Resolved if is_new && known.is_some_and(|known| !known.is_over) => Change::Ends,
        AlertStatus::Resolved if is_new => Change::Passed,
        AlertStatus::Firing | AlertStatus::Resolved => Change::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From Alertmanager's documentation and a real 0.27.
    const REAL: &str = r#"{"receiver":"sightline","status":"firing","alerts":[{"status":"firing","labels":{"alertname":
        "HighErrorRate","instance":"shop-1:9090","job":"shop","severity":"page"},"annotations":{"summary":"High error rate",
        "description":"12 % of requests fail","runbook_url":"https://runbooks.example/errors"},"startsAt":
        "2026-11-29T20:00:00.123456789Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090/graph?g0.expr=x",
        "fingerprint":"c6c0d5b4a0f1e2d3"}],"groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{},
        "commonAnnotations":{},"externalURL":"http://alertmanager:9093","version":"4","groupKey":"{}:{alertname=\"x\"}",
        "truncatedAlerts":0}"#;

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(second).unwrap()
    }

    #[test]
    fn a_real_request_is_read() {
        let payload: Payload = serde_json::from_str(REAL).unwrap();
        assert_eq!(payload.check(), Ok(()));
        let alert = &payload.alerts[0];
        assert_eq!(alert.title(), "HighErrorRate: shop / shop-1:9090");
        assert_eq!(alert.summary(), "High error rate\n12 % of requests fail");
        assert_eq!(alert.severity(), Severity::Critical);
        assert_eq!(
            alert.runbook().as_deref(),
            Some("https://runbooks.example/errors")
        );
        assert_eq!(alert.labels().get("job"), Some("shop"));
    }

    #[test]
    fn a_bad_request_is_refused_by_its_field() {
        let mut payload: Payload = serde_json::from_str(REAL).unwrap();
        payload.alerts[0].fingerprint = "../x".into();
        assert_eq!(payload.check().unwrap_err().path(), "alerts[0].fingerprint");
        payload.version = "3".into();
        assert_eq!(payload.check().unwrap_err().path(), "version");
    }

    #[test]
    fn links_lead_to_the_web_only() {
        let mut alert = serde_json::from_str::<Payload>(REAL).unwrap().alerts.remove(0);
        alert
            .annotations
            .insert("runbook_url".into(), "javascript:alert(1)".into());
        alert.generator_url = "https://a b/".into();
        assert_eq!((alert.runbook(), alert.origin()), (None, None));
    }

    #[rstest::rstest]
    #[case(None, AlertStatus::Firing, 5, Change::Begins)]
    #[case(None, AlertStatus::Resolved, 5, Change::Passed)]
    #[case(Some((5, false)), AlertStatus::Firing, 5, Change::Nothing)]
    #[case(Some((5, true)), AlertStatus::Firing, 5, Change::Nothing)]
    #[case(Some((5, true)), AlertStatus::Firing, 6, Change::Begins)]
    #[case(Some((5, false)), AlertStatus::Resolved, 5, Change::Ends)]
    #[case(Some((5, true)), AlertStatus::Resolved, 5, Change::Nothing)]
    #[case(Some((5, false)), AlertStatus::Resolved, 4, Change::Nothing)]
    #[case(Some((5, true)), AlertStatus::Resolved, 6, Change::Passed)]
    fn a_report_changes(
        #[case] known: Option<(i64, bool)>,
        #[case] status: AlertStatus,
        #[case] starts_at: i64,
        #[case] expected: Change,
    ) {
        let known = known.map(|(starts_at, is_over)| Episode {
            starts_at: at(starts_at),
            is_over,
        });
        assert_eq!(change(known, status, at(starts_at)), expected);
    }

    /// What is known after a report.
    fn after(known: Option<Episode>, status: AlertStatus, starts_at: OffsetDateTime) -> Option<Episode> {
        match change(known, status, starts_at) {
            Change::Nothing => known,
            Change::Begins => Some(Episode {
                starts_at,
                is_over: false,
            }),
            Change::Ends | Change::Passed => Some(Episode {
                starts_at,
                is_over: true,
            }),
        }
    }

    proptest! {
        /// However often and in whatever order its reports come, an episode begins once at most and the last state is right.
        #[test]
        fn repeats_and_disorder_change_nothing(
            order in prop::collection::vec((0..4_i64, prop::bool::ANY), 1..40),
        ) {
            let mut known = None;
            let mut begun = Vec::new();
            let all = (0..4_i64).flat_map(|episode| [(episode, true), (episode, false)]);
            // Disorder first; then the truth once in order, which ends all.
            for (episode, firing) in order.into_iter().chain(all) {
                let status = if firing { AlertStatus::Firing } else { AlertStatus::Resolved };
                if change(known, status, at(episode)) == Change::Begins {
                    prop_assert!(!begun.contains(&episode), "{} began twice", episode);
                    begun.push(episode);
                }
                known = after(known, status, at(episode));
            }
            prop_assert_eq!(known, Some(Episode { starts_at: at(3), is_over: true }));
        }
    }
}
