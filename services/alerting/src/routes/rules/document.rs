//! Rules as a file: YAML in which services and environments have names.

use std::collections::HashMap;

use db::alert_rules::{AlertRule, Settings};
use db::scopes::NamedScope;
use domain::alerting::labels::Labels;
use domain::alerting::rule::{Condition, Description, RuleScope, RuleType, RunbookUrl, Times};
use domain::ids::{EnvironmentId, ServiceId};
use domain::name::Name;
use domain::severity::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::ApiError;

use super::input::{check, invalid_params, prefixed};

/// What is understood now.
const VERSION: u32 = 1;

/// A whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u32,
    pub(super) rules: Vec<Entry>,
}

/// One rule of a file; what is left out is as it is for a rule that is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: Name,
    #[serde(default, skip_serializing_if = "is_empty_text")]
    description: Description,
    #[serde(rename = "type")]
    kind: RuleType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    #[serde(default = "no_params", skip_serializing_if = "is_empty_map")]
    params: Value,
    severity: Severity,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    enabled: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    for_seconds: i32,
    #[serde(default, skip_serializing_if = "is_zero")]
    cooldown_seconds: i32,
    #[serde(default, skip_serializing_if = "is_zero")]
    keep_firing_for_seconds: i32,
    #[serde(default, skip_serializing_if = "is_unlabelled")]
    labels: Labels,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runbook_url: Option<RunbookUrl>,
}

fn is_empty_text(text: &Description) -> bool {
    text.as_str().is_empty()
}

fn no_params() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_empty_map(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

fn is_unlabelled(labels: &Labels) -> bool {
    labels.iter().next().is_none()
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let document: Self = serde_saphyr::from_str(text)
            .map_err(|error| ApiError::invalid("document", format!("is no file of rules: {error}")))?;
        if document.version != VERSION {
            return Err(ApiError::invalid(
                "document.version",
                format!("must be {VERSION}"),
            ));
        }
        Ok(document)
    }

    /// The organisation's rules as a file, by name.
    pub(super) fn of(rules: &[AlertRule], scopes: &[NamedScope]) -> Result<Self, ApiError> {
        let names = Names::of(scopes);
        Ok(Self {
            version: VERSION,
            rules: rules
                .iter()
                .map(|rule| Entry::of(rule, &names))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn print(&self) -> Result<String, ApiError> {
        serde_saphyr::to_string(self).map_err(ApiError::internal)
    }
}

/// Services and environments by id and by name.
pub(super) struct Names<'a> {
    services: HashMap<ServiceId, &'a str>,
    environments: HashMap<EnvironmentId, &'a str>,
    service_ids: HashMap<&'a str, ServiceId>,
    environment_ids: HashMap<(ServiceId, &'a str), EnvironmentId>,
}

impl<'a> Names<'a> {
    pub(super) fn of(scopes: &'a [NamedScope]) -> Self {
        let mut names = Self {
            services: HashMap::new(),
            environments: HashMap::new(),
            service_ids: HashMap::new(),
            environment_ids: HashMap::new(),
        };
        for scope in scopes {
            let (service, environment) = (scope.service.as_str(), scope.environment.as_str());
            names.services.insert(scope.service_id, service);
            names.environments.insert(scope.environment_id, environment);
            names.service_ids.insert(service, scope.service_id);
            names
                .environment_ids
                .insert((scope.service_id, environment), scope.environment_id);
        }
        names
    }
}

impl Entry {
    pub(super) fn of(rule: &AlertRule, names: &Names<'_>) -> Result<Self, ApiError> {
        let known = |name: Option<&&str>| name.map(|name| (*name).to_owned());
        Ok(Self {
            name: rule
                .name
                .parse()
                .map_err(|error: domain::name::InvalidName| ApiError::internal(error))?,
            description: super::stored_description(rule),
            kind: rule
                .kind
                .parse()
                .map_err(|error: domain::alerting::rule::UnknownRuleType| ApiError::internal(error))?,
            service: rule
                .scope
                .service_id
                .and_then(|id| known(names.services.get(&id))),
            environment: rule
                .scope
                .environment_id
                .and_then(|id| known(names.environments.get(&id))),
            // As it is written, so that what is left out and what is said of it are the same.
            params: rule.condition()?.params(),
            severity: rule.severity,
            enabled: rule.enabled,
            for_seconds: rule.times.for_seconds,
            cooldown_seconds: rule.times.cooldown_seconds,
            keep_firing_for_seconds: rule.times.keep_firing_for_seconds,
            labels: rule.labels.clone(),
            runbook_url: super::stored_runbook(rule),
        })
    }

    /// What the entry makes of a rule; `place` is where it stands in the file.
    pub(super) fn settings(&self, place: usize, names: &Names<'_>) -> Result<Settings<'_>, ApiError> {
        let here = |error| prefixed(error, &format!("rules[{place}]"));
        let condition = Condition::parse(self.kind, &self.params)
            .map_err(invalid_params)
            .map_err(here)?;
        let settings = Settings {
            scope: self.scope(names).map_err(here)?,
            name: &self.name,
            condition,
            severity: self.severity,
            enabled: self.enabled,
            times: Times {
                for_seconds: self.for_seconds,
                cooldown_seconds: self.cooldown_seconds,
                keep_firing_for_seconds: self.keep_firing_for_seconds,
            },
            labels: self.labels.clone(),
            runbook_url: self.runbook_url.clone(),
            description: self.description.clone(),
        };
        check(&settings).map_err(here)?;
        Ok(settings)
    }

    fn scope(&self, names: &Names<'_>) -> Result<RuleScope, ApiError> {
        let Some(service) = &self.service else {
            return match &self.environment {
                None => Ok(RuleScope::default()),
                Some(_) => Err(ApiError::invalid(
                    "environment",
                    "needs service: an environment belongs to one service",
                )),
            };
        };
        let service_id = *names.service_ids.get(service.as_str()).ok_or_else(|| {
            ApiError::invalid("service", format!("is {service:?}, and there is no such service"))
        })?;
        let environment_id = match &self.environment {
            None => None,
            Some(environment) => {
                let id = names.environment_ids.get(&(service_id, environment.as_str()));
                Some(*id.ok_or_else(|| {
                    let message = format!("is {environment:?}, and {service} has no such environment");
                    ApiError::invalid("environment", message)
                })?)
            }
        };
        Ok(RuleScope {
            service_id: Some(service_id),
            environment_id,
        })
    }

    /// With parameters as they are stored, so that two entries that mean the same are the same.
    pub(super) fn normal(&self) -> Value {
        let params = Condition::parse(self.kind, &self.params).map(|condition| condition.params());
        let normal = Self {
            params: params.unwrap_or_else(|_invalid| self.params.clone()),
            ..self.clone()
        };
        serde_json::to_value(normal).unwrap_or_default()
    }
}
