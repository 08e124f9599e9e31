//! Rules from a file, and into one.

use std::collections::{BTreeSet, HashMap, HashSet};

use actix_web::{HttpResponse, get, post, web};
use db::alert_rules::{self, AlertRule};
use db::audit_logs::Actor;
use db::{TenantTx, scopes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::access::{Developer, Viewer};
use service_kit::body::JsonBody;
use service_kit::{ApiError, Data, ErrorBody, Kit};
use utoipa::ToSchema;

use super::document::{Document, Entry, Names};
use super::written;
use crate::app::State;
use crate::quotas;

/// Every rule of the organisation as a YAML file that `apply` takes, by name. Addresses of heartbeats are not in it.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["viewer"])),
    responses((status = 200, content_type = "application/yaml", body = String,
        example = "version: 1\nrules:\n- name: checkout errors\n  type: error_count\n  service: checkout\n  params:\n    \
            threshold: 20\n    window_seconds: 300\n  severity: high\n"))
)]
#[get("/api/alerts/export")]
pub(crate) async fn export(caller: Viewer, kit: web::Data<Kit>) -> Result<HttpResponse, ApiError> {
    let mut conn = kit.db.conn("alerting.export").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rules = alert_rules::all(&tx).await?;
    let scopes = scopes::list(&tx).await?;
    let text = Document::of(&rules, &scopes)?.print()?;
    Ok(HttpResponse::Ok()
        .content_type("application/yaml; charset=utf-8")
        .body(text))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApplyRequest {
    /// YAML: `version: 1` and `rules`, each with the fields of a rule, and service and environment by name.
    document: String,
    /// Shows what would change, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Deletes rules that the file does not name.
    #[serde(default)]
    prune: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Create,
    Change,
    Delete,
    Unchanged,
    /// It is not in the file, and stays.
    Unknown,
}

/// A field that differs.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceView {
    path: String,
    /// Null: it is not set.
    #[schema(value_type = Option<Object>)]
    in_force: Value,
    #[schema(value_type = Option<Object>)]
    wanted: Value,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChangeView {
    name: String,
    action: Action,
    differences: Vec<DifferenceView>,
    /// Of a heartbeat that was made: what its job calls, shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedView {
    /// False for a dry run.
    applied: bool,
    /// Whether what is in force differs from the file; rules that the file does not know are no drift unless `prune` is set.
    drift: bool,
    /// By name.
    changes: Vec<ChangeView>,
}

/// Makes the organisation's rules as a file says, by name: all of them or, where one is wrong, none. Applied again, it changes
/// nothing.
#[utoipa::path(
    tag = "rules",
    security(("session" = ["developer"])),
    request_body(content = ApplyRequest, example = json!({"dry_run": true,
        "document": "version: 1\nrules:\n  - name: checkout errors\n    type: error_count\n    service: checkout\n    severity: high\n    \
            params: {threshold: 20, window_seconds: 300}\n"})),
    responses(
        (status = 200, body = Data<AppliedView>),
        (status = 400, description = "the file is wrong; the path says where", body = ErrorBody),
        (status = 409, description = "more rules than an organisation may have", body = ErrorBody),
    )
)]
#[post("/api/alerts/apply")]
pub(crate) async fn apply(
    caller: Developer,
    kit: web::Data<Kit>,
    state: web::Data<State>,
    JsonBody(body): JsonBody<ApplyRequest>,
) -> Result<HttpResponse, ApiError> {
    let document = Document::parse(&body.document)?;
    refuse_twins(&document)?;
    let mut conn = kit.db.conn("alerting.apply").await?;
    let tx = conn.tenant(caller.org_id).await?;
    let rules = alert_rules::all_for_update(&tx).await?;
    let scopes = scopes::list(&tx).await?;
    let names = Names::of(&scopes);
    let mut changes = Vec::new();
    for rule in &rules {
        if !document
            .rules
            .iter()
            .any(|entry| entry.name.as_str() == rule.name)
        {
            changes.push(Planned::left_over(rule, body.prune));
        }
    }
    let in_force: HashMap<&str, &AlertRule> = rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    for (place, entry) in document.rules.iter().enumerate() {
        // Also of a dry run, and of what does not change: a file that cannot be applied says so.
        entry.settings(place, &names)?;
        changes.push(Planned::of(
            place,
            entry,
            in_force.get(entry.name.as_str()).copied(),
            &names,
        )?);
    }
    changes.sort_by(|one, other| one.view.name.cmp(&other.view.name));
    let drift = changes.iter().any(Planned::is_drift);
    let apply = Apply {
        tx: &tx,
        actor: &caller.actor,
        state: &state,
        document: &document,
        names: &names,
    };
    if !body.dry_run {
        let made = changes
            .iter()
            .filter(|change| change.view.action == Action::Create)
            .count();
        let gone = changes
            .iter()
            .filter(|change| change.view.action == Action::Delete)
            .count();
        if made > 0 {
            quotas::admit_rule((rules.len() + made - gone) as i64 - 1)?;
        }
        // Names are unique: what goes makes room first.
        for change in changes
            .iter_mut()
            .filter(|change| change.view.action == Action::Delete)
        {
            apply.one(change).await?;
        }
        for change in changes
            .iter_mut()
            .filter(|change| change.view.action != Action::Delete)
        {
            apply.one(change).await?;
        }
        tx.commit().await?;
        // Their events bring their evaluation.
        state.wake();
    }
    let data = AppliedView {
        applied: !body.dry_run,
        drift,
        changes: changes.into_iter().map(|change| change.view).collect(),
    };
    Ok(HttpResponse::Ok().json(Data { data }))
}

fn refuse_twins(document: &Document) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    for (place, entry) in document.rules.iter().enumerate() {
        if !names.insert(entry.name.as_str()) {
            return Err(ApiError::invalid(
                format!("rules[{place}].name"),
                format!("is {:?} a second time; names are unique", entry.name.as_str()),
            ));
        }
    }
    Ok(())
}

/// What becomes of one rule.
struct Planned {
    view: ChangeView,
    /// Its place in the file.
    place: Option<usize>,
    rule: Option<AlertRule>,
}

impl Planned {
    fn left_over(rule: &AlertRule, prune: bool) -> Self {
        Self {
            view: ChangeView {
                name: rule.name.clone(),
                action: if prune { Action::Delete } else { Action::Unknown },
                differences: Vec::new(),
                heartbeat_url: None,
            },
            place: None,
            rule: Some(rule.clone()),
        }
    }

    fn of(
        place: usize,
        entry: &Entry,
        rule: Option<&AlertRule>,
        names: &Names<'_>,
    ) -> Result<Self, ApiError> {
        let wanted = entry.normal();
        let (action, differences) = match rule {
            None => (Action::Create, Vec::new()),
            Some(rule) => {
                let differences = differences(&Entry::of(rule, names)?.normal(), &wanted);
                if differences.is_empty() {
                    (Action::Unchanged, differences)
                } else {
                    (Action::Change, differences)
                }
            }
        };
        Ok(Self {
            view: ChangeView {
                name: entry.name.as_str().to_owned(),
                action,
                differences,
                heartbeat_url: None,
            },
            place: Some(place),
            rule: rule.cloned(),
        })
    }

    fn is_drift(&self) -> bool {
        matches!(self.view.action, Action::Create | Action::Change | Action::Delete)
    }
}

struct Apply<'a> {
    tx: &'a TenantTx<'a>,
    actor: &'a Actor,
    state: &'a State,
    document: &'a Document,
    names: &'a Names<'a>,
}

impl Apply<'_> {
    async fn one(&self, planned: &mut Planned) -> Result<(), ApiError> {
        let entry = planned
            .place
            .and_then(|place| Some((place, self.document.rules.get(place)?)));
        match (planned.view.action, entry, planned.rule.take()) {
            (Action::Create, Some((place, entry)), _) => {
                let settings = entry.settings(place, self.names)?;
                let (_, url) = written::create(self.tx, self.actor, self.state, &settings).await?;
                planned.view.heartbeat_url = url;
            }
            (Action::Change, Some((place, entry)), Some(rule)) => {
                let settings = entry.settings(place, self.names)?;
                written::change(self.tx, self.actor, rule, &settings).await?;
            }
            (Action::Delete, _, Some(rule)) => written::delete(self.tx, self.actor, rule).await?,
            _ => {}
        }
        Ok(())
    }
}

/// Fields of two objects that differ, with those of objects within them.
fn differences(in_force: &Value, wanted: &Value) -> Vec<DifferenceView> {
    let mut found = Vec::new();
    collect("", in_force, wanted, &mut found);
    found
}

fn collect(path: &str, in_force: &Value, wanted: &Value, found: &mut Vec<DifferenceView>) {
    if in_force == wanted {
        return;
    }
    match (in_force, wanted) {
        (Value::Object(one), Value::Object(other)) => {
            let fields: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for field in fields {
                let below = if path.is_empty() {
                    field.clone()
                } else {
                    format!("{path}.{field}")
                };
                let of = |map: &serde_json::Map<String, Value>| map.get(field).cloned().unwrap_or_default();
                collect(&below, &of(one), &of(other), found);
            }
        }
        _ => found.push(DifferenceView {
            path: path.to_owned(),
            in_force: in_force.clone(),
            wanted: wanted.clone(),
        }),
    }
}
