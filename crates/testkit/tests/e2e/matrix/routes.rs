//! What the documents say about each route, and what this test knows about it beside them: whose ids its path takes, and
//! a body that it accepts.

use std::fmt;

use domain::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Service;

use super::world::World;

/// The credentials that a route asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// A session; with the least role in the active organisation, or of anybody who is signed in.
    Session(Option<Role>),
    ApiKey(String),
    Internal,
    Signature,
}

impl Needs {
    /// What is needed, and whether a personal access token does in place of a session.
    fn parse(operation: &Value, name: &str) -> (Self, bool) {
        let Some(security) = operation["security"].as_array() else {
            return (Self::Nothing, false);
        };
        match security.as_slice() {
            [scheme] => (Self::parse_scheme(scheme, name), false),
            [session, token] if session["session"].is_array() && session["session"] == token["token"] => {
                (Self::parse_scheme(session, name), true)
            }
            other => panic!("{name}: this test knows no way in like {other:?}"),
        }
    }

    fn parse_scheme(scheme: &Value, name: &str) -> Self {
        let (scheme, scopes) = scheme
            .as_object()
            .and_then(|map| map.iter().next())
            .expect("a scheme");
        let scope = scopes
            .as_array()
            .and_then(|scopes| scopes.first())
            .and_then(Value::as_str);
        match (scheme.as_str(), scope) {
            ("session", None) => Self::Session(None),
            ("session", Some(role)) => Self::Session(Some(role.parse().expect("a role"))),
            ("api_key", Some(scope)) => Self::ApiKey(scope.to_owned()),
            ("internal", None) => Self::Internal,
            ("signature", None) => Self::Signature,
            other => panic!("{name}: this test does not know the security {other:?}"),
        }
    }

    /// The least role whose session gets in.
    pub(super) fn role(&self) -> Option<Role> {
        match self {
            Self::Session(role) => Some(role.unwrap_or(Role::Viewer)),
            Self::Nothing | Self::ApiKey(_) | Self::Internal | Self::Signature => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) service: Service,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) needs: Needs,
    /// Whether a personal access token does in place of a session.
    pub(super) takes_tokens: bool,
    /// Query parameters that take an id.
    pub(super) query_ids: Vec<String>,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every operation of a document.
pub(super) fn operations(service: Service, document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let name = format!("{method} {path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query_ids = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str())
                .filter(|name| name.ends_with("_id") && *name != "last_event_id")
                .map(str::to_owned)
                .collect();
            let (needs, takes_tokens) = Needs::parse(operation, &name);
            operations.push(Operation {
                service,
                method,
                path: path.clone(),
                needs,
                takes_tokens,
                query_ids,
            });
        }
    }
    operations
}

impl Operation {
    pub(super) fn has_path_ids(&self) -> bool {
        let is_id = |part: &str| part.starts_with('{') && !is_a_name(part);
        self.path.split('/').any(is_id)
    }

    /// The path with this tenant's ids.
    pub(super) fn path_with(&self, world: &World) -> String {
        self.fill(|kind| world.id(kind))
    }

    pub(super) fn path_with_random_ids(&self) -> String {
        self.fill(|_kind| super::random_id())
    }

    pub(super) fn path_with_text(&self, text: &str) -> String {
        self.fill(|_kind| text.to_owned())
    }

    /// Puts an id in place of each `{…}`; its kind is the part of the path before it. Names are nobody's. What Loki's
    /// routes cannot do without stands behind.
    fn fill(&self, id: impl Fn(&str) -> String) -> String {
        let parts: Vec<&str> = self.path.split('/').collect();
        let filled: Vec<String> = parts
            .iter()
            .enumerate()
            .map(|(i, part)| {
                if is_a_name(part) {
                    let is_label = parts[i - 1] == "label";
                    if is_label { "service_name" } else { "any" }.to_owned()
                } else if part.starts_with('{') {
                    id(parts[i - 1])
                } else {
                    (*part).to_owned()
                }
            })
            .collect();
        let path = filled.join("/");
        // What these cannot do without.
        match path.as_str() {
            "/loki/api/v1/query" => {
                format!("{path}?query=sum+by+(service_name)+(count_over_time(%7B%7D[1h]))")
            }
            "/loki/api/v1/query_range" | "/loki/api/v1/tail" => format!("{path}?query=%7B%7D"),
            "/api/logs/context" => format!("{path}?id={}", id("lines")),
            "/api/logs/stats" => format!("{path}?q=%7C+stats+count()"),
            "/api/explain" => format!(
                "{path}?service_id={}&environment_id={}",
                id("services"),
                id("environments")
            ),
            _ => path,
        }
    }

    /// A path with one more parameter, or with another value of it.
    pub(super) fn and(path: &str, parameter: &str, value: &str) -> String {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let same = format!("{parameter}=");
        let others = query
            .split('&')
            .filter(|part| !part.is_empty() && !part.starts_with(&same));
        let all: Vec<String> = others
            .map(str::to_owned)
            .chain([format!("{same}{value}")])
            .collect();
        format!("{path}?{}", all.join("&"))
    }

    /// A body that the route accepts from a member of this tenant.
    pub(super) fn body(&self, world: &World) -> Option<Value> {
        let name = format!("rename-{}", super::random_id());
        let service_id = world.id("services");
        let environment_id = world.id("environments");
        match self.to_string().as_str() {
            // Reads, deletes, and what takes no body.
            name if ["GET ", "HEAD ", "DELETE "]
                .iter()
                .any(|method| name.starts_with(method)) =>
            {
                None
            }
            "POST /api/auth/logout"
            | "POST /api/keys/{id}/rotate"
            | "POST /api/channels/{id}/test"
            | "POST /api/alerts/{id}/heartbeat"
            | "POST /api/v1/heartbeats/{token}"
            | "POST /api/channels/{id}/resume"
            | "POST /api/channels/{id}/rotate-secret"
            | "POST /api/acknowledge/{token}"
            | "POST /api/notifications/{id}/retry"
            | "POST /api/webhooks/deliveries/{id}/replay"
            | "POST /api/v1/internal/logs/cleanup" => None,

            "POST /api/auth/signup" => Some(json!({"email": format!("{name}@example.com"), "org_name": "o",
                "password": "correct horse battery staple"})),
            "POST /api/auth/login" => {
                Some(json!({"email": "nobody@example.com", "password": "correct horse"}))
            }
            "PUT /api/orgs/active" => Some(json!({"org_id": world.org.org_id})),
            "PATCH /api/members/{user_id}" => Some(json!({"role": "viewer"})),
            "POST /api/invites" => Some(json!({"email": format!("{name}@example.com"), "role": "viewer"})),
            "POST /api/invites/accept" => Some(json!({"token": world.invite_token})),
            "POST /api/orgs"
            | "POST /api/tokens"
            | "POST /api/services"
            | "POST /api/services/{id}/environments"
            | "POST /api/logs/views"
            | "PATCH /api/logs/views/{id}"
            | "PATCH /api/channels/{id}" => Some(json!({"name": name})),
            "PATCH /api/services/{id}" => Some(json!({"description": name})),
            "POST /api/services/{id}/keys" => Some(json!({"name": name, "environment_id": environment_id})),
            "PUT /api/services/{id}/github" => Some(json!({"repo_owner": "acme", "repo_name": "shop"})),
            "POST /api/alerts" => Some(json!({"name": name, "type": "error_count", "severity": "high",
                "params": {"threshold": 5, "window_seconds": 60},
                "service_id": service_id, "environment_id": environment_id})),
            "PATCH /api/alerts/{id}" => Some(json!({"severity": "low"})),
            "POST /api/alerts/backtest" | "POST /api/alerts/preview" => {
                let days = if self.path.ends_with("backtest") {
                    json!({"days": 1})
                } else {
                    json!({})
                };
                let mut body = json!({"draft": {"type": "error_count", "service_id": service_id,
                    "params": {"threshold": 5, "window_seconds": 60}}});
                body.as_object_mut()?.extend(days.as_object()?.clone());
                Some(body)
            }
            "POST /api/alerts/apply" => Some(json!({"dry_run": true, "document": "version: 1\nrules: []\n"})),
            "POST /api/incidents" => {
                Some(json!({"title": name, "severity": "high", "service_id": service_id}))
            }
            "PATCH /api/incidents/{id}" => Some(json!({"status": "acknowledged"})),
            "POST /api/incidents/{id}/notes" => Some(json!({"text": name})),
            "POST /api/incidents/{id}/merge" => Some(json!({"into": world.id("incidents")})),
            "PUT /api/incidents/settings" => {
                Some(json!({"reopen_seconds": 600, "storm_threshold": 10, "storm_window_seconds": 60}))
            }
            "POST /api/channels" => Some(json!({"type": "slack", "name": name,
                "config": {"webhook_url": "http://127.0.0.1:9/services/x"}})),
            "POST /api/routing/routes" => Some(json!({"name": name, "channel_ids": [world.id("channels")],
                "matcher": {"labels": {"never": "there"}}})),
            "PATCH /api/routing/routes/{id}" | "PATCH /api/maintenance-windows/{id}" => {
                Some(json!({"name": name}))
            }
            "PUT /api/routing/order" => Some(json!({"ids": [world.id("routes")]})),
            "POST /api/routing/preview" => Some(json!({"severity": "high", "service_id": service_id,
                "environment_id": environment_id, "rule_id": world.id("alerts")})),
            "POST /api/silences" => Some(json!({"reason": name, "matcher": {"labels": {"never": "there"}},
                "ends_at": super::world::tomorrow()})),
            "POST /api/maintenance-windows" => {
                Some(json!({"name": name, "matcher": {"labels": {"never": "there"}},
                "schedule": {"time_zone": "UTC", "days": ["mon"], "start": "02:00", "duration_minutes": 60}}))
            }
            "POST /api/notifications/retry" => Some(json!({"channel_id": world.id("channels")})),
            "POST /api/v1/alertmanager" => Some(json!({"version": "4", "alerts": []})),
            "POST /api/v1/logs/ingest" => Some(json!({"logs": [{"message": name}]})),
            "POST /v1/logs" => Some(json!({"resourceLogs": [{"scopeLogs": [{"logRecords":
                [{"body": {"stringValue": name}}]}]}]})),
            "POST /loki/api/v1/push" => Some(json!({"streams": [{"stream": {}, "values": [["0", name]]}]})),
            name if name.starts_with("POST /loki/api/v1/") => None,
            // Pairs of lines, which no single JSON value is; who is refused is refused before that.
            "POST /_bulk" | "PUT /_bulk" | "POST /{index}/_bulk" | "PUT /{index}/_bulk" => Some(json!({})),
            name if name.starts_with("PUT /_") => Some(json!({})),
            name if name.starts_with("POST /services/collector") => Some(json!({"event": name})),
            "POST /api/v2/logs" | "POST /v1/input" => Some(json!([{"message": name}])),
            "POST /api/v1/deployments" => Some(json!({"status": "success"})),
            "POST /api/v1/webhooks/github/{integration_id}" => Some(json!({"zen": name})),
            "POST /api/v1/rules/evaluate" => Some(json!({})),
            unknown => panic!("{unknown} is new: add a body for it, so that this test covers it"),
        }
    }

    /// The status for a key that is not good. Splunk has one of its own, and 401 only where there is no key.
    pub(super) fn refusal_of_a_bad_key(&self) -> u16 {
        if self.path.starts_with("/services/collector") {
            403
        } else {
            401
        }
    }

    /// Whether the route refuses for a reason of its own: the prepared rows are somebody else's, or in another state.
    pub(super) fn may_conflict(&self, status: u16) -> bool {
        let name = self.to_string();
        match status {
            // Who calls is no websocket.
            400 => name == "GET /loki/api/v1/tail",
            // The invite or view is another person's; a member without the admin role may remove only himself.
            403 => matches!(
                name.as_str(),
                "POST /api/invites/accept"
                    | "DELETE /api/members/{user_id}"
                    | "PATCH /api/logs/views/{id}"
                    | "DELETE /api/logs/views/{id}"
            ),
            // The session or token is another person's.
            404 => matches!(
                name.as_str(),
                "DELETE /api/sessions/{id}" | "DELETE /api/tokens/{id}"
            ),
            // Not dead, no heartbeat, no webhook, more routes by now; an incident is not merged into itself.
            409 => matches!(
                name.as_str(),
                "POST /api/notifications/{id}/retry"
                    | "POST /api/incidents/{id}/merge"
                    | "POST /api/alerts/{id}/heartbeat"
                    | "POST /api/channels/{id}/rotate-secret"
                    | "PUT /api/routing/order"
            ),
            _ => false,
        }
    }
}

/// Whether a part of a path is a name rather than an id: of an index, of a label; or a secret of its own.
fn is_a_name(part: &str) -> bool {
    matches!(part, "{index}" | "{name}" | "{token}")
}

/// The bodies that differ from `mine` in one field, which has the other tenant's id instead.
pub(super) fn bodies_with_one_foreign_id(mine: Option<&Value>, foreign: Option<&Value>) -> Vec<Value> {
    let (Some(mine), Some(foreign)) = (
        mine.and_then(Value::as_object),
        foreign.and_then(Value::as_object),
    ) else {
        return Vec::new();
    };
    let ids = foreign.iter().filter(|(field, _)| field.ends_with("_id"));
    ids.map(|(field, id)| {
        let mut body = mine.clone();
        body.insert(field.clone(), id.clone());
        Value::Object(body)
    })
    .collect()
}
