//! A tenant with one of everything, each thing named with a canary that no stranger may ever see.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::role::Role;
use serde_json::{Value, json};
use testkit::{
    Client, Fixture, GitHub, KeySpec, Receiver, Service, Stack, TokenSpec, WorkflowRun, eventually,
};
use uuid::Uuid;

pub(super) struct World {
    pub(super) org: Fixture,
    /// Stands in every name and text of this tenant.
    pub(super) canary: String,
    pub(super) invite_token: String,
    /// An id of each kind, by the part of a path that stands before it.
    ids: BTreeMap<&'static str, String>,
    _receiver: Receiver,
}

/// Puts credentials on a client.
pub(super) type Dress = Box<dyn Fn(Client) -> Client>;

impl World {
    pub(super) async fn create(stack: &Stack) -> Self {
        let org = Fixture::org(&stack.db).await;
        let canary = format!("canary{}", Uuid::new_v4().simple());
        let receiver = Receiver::slack().await;
        let admin = Admin {
            stack,
            cookie: org.cookie(Role::Admin).to_owned(),
        };

        let service = admin
            .post(Service::Identity, "/api/services", json!({"name": canary}))
            .await;
        let service_id = text(&service["id"]);
        let path = format!("/api/services/{service_id}/environments");
        let environment = admin
            .post(Service::Identity, &path, json!({"name": format!("env-{canary}")}))
            .await;
        let environment_id = text(&environment["id"]);
        let path = format!("/api/services/{service_id}/keys");
        let key = json!({"name": canary, "environment_id": environment_id});
        let key = admin.post(Service::Identity, &path, key).await;
        let raw_key = text(&key["key"]);
        let invite = json!({"email": format!("{canary}@example.com"), "role": "viewer"});
        let invite = admin.post(Service::Identity, "/api/invites", invite).await;

        let token = admin
            .post(Service::Identity, "/api/tokens", json!({"name": canary}))
            .await;

        let view = json!({"name": canary, "q": canary, "shared": true});
        let view = admin.post(Service::Query, "/api/logs/views", view).await;

        let channel = json!({"type": "slack", "name": canary, "config": {"webhook_url": receiver.url()}});
        let channel = admin.post(Service::Alerting, "/api/channels", channel).await;
        let rule = json!({"name": canary, "type": "deployment_failure", "params": {}, "severity": "high"});
        let rule = admin.post(Service::Alerting, "/api/alerts", rule).await;
        let incident = json!({"title": canary, "severity": "high", "service_id": service_id});
        let incident = admin.post(Service::Alerting, "/api/incidents", incident).await;
        let notification = admin.first("/api/notifications").await;

        let never = json!({"labels": {"canary": canary}});
        let route = json!({"name": canary, "channel_ids": [channel["id"]], "matcher": never});
        let route = admin.post(Service::Alerting, "/api/routing/routes", route).await;
        let silence = json!({"reason": canary, "matcher": never, "ends_at": tomorrow()});
        let silence = admin.post(Service::Alerting, "/api/silences", silence).await;
        let schedule = json!({"time_zone": "UTC", "days": ["mon"], "start": "02:00", "duration_minutes": 60});
        let window = json!({"name": canary, "matcher": never, "schedule": schedule});
        let window = admin
            .post(Service::Alerting, "/api/maintenance-windows", window)
            .await;

        let path = format!("/api/services/{service_id}/github");
        let integration = json!({"repo_owner": "acme", "repo_name": "shop"});
        let integration = admin.put(Service::Webhook, &path, integration).await;
        let github = GitHub::new("acme", "shop", &text(&integration["secret"]));
        let mut run = WorkflowRun::completed(1, "success");
        run.commit_message = canary.clone();
        let path = format!("/api/v1/webhooks/github/{}", text(&integration["id"]));
        github
            .workflow_run(&run)
            .send(&stack.client(Service::Webhook), &path)
            .await
            .assert_status(202);
        let delivery = admin.first_of(Service::Webhook, "/api/webhooks/deliveries").await;
        let deployment = admin.first_of(Service::Webhook, "/api/deployments").await;

        let lines = json!({"logs": [{"message": canary, "level": "error", "trace_id": canary}]});
        let ingest = stack
            .client(Service::Ingest)
            .with_api_key(&raw_key)
            .with_header("Idempotency-Key", &canary);
        let receipt = ingest.post("/api/v1/logs/ingest", lines).await;
        let receipt = receipt.assert_status(200).data();
        let line = admin.first_of(Service::Query, "/api/logs/query").await;

        let ids = BTreeMap::from([
            ("services", service_id),
            ("environments", environment_id),
            ("keys", text(&key["id"])),
            ("members", org.viewer.user_id.to_string()),
            ("invites", text(&invite["id"])),
            ("sessions", org.viewer.session_id.to_string()),
            ("tokens", text(&token["id"])),
            ("views", text(&view["id"])),
            ("channels", text(&channel["id"])),
            ("alerts", text(&rule["id"])),
            ("incidents", text(&incident["id"])),
            ("notifications", text(&notification["id"])),
            ("routes", text(&route["id"])),
            ("silences", text(&silence["id"])),
            ("maintenance-windows", text(&window["id"])),
            ("github", text(&integration["id"])),
            ("deliveries", text(&delivery["id"])),
            ("deployments", text(&deployment["id"])),
            ("receipts", text(&receipt["receipt_id"])),
            ("lines", text(&line["id"])),
            ("heartbeats", "slh_of-nobody".to_owned()),
        ]);
        Self {
            org,
            canary,
            invite_token: text(&invite["token"]),
            ids,
            _receiver: receiver,
        }
    }

    /// This tenant's id of a kind.
    pub(super) fn id(&self, kind: &str) -> String {
        self.ids
            .get(kind)
            .unwrap_or_else(|| panic!("no id of {kind} is prepared: add one"))
            .clone()
    }

    /// Those that parameters take: of lines and heartbeats they do not.
    pub(super) fn ids(&self) -> impl Iterator<Item = &String> {
        self.ids
            .iter()
            .filter(|(kind, _)| !["lines", "heartbeats"].contains(*kind))
            .map(|(_, id)| id)
    }

    /// A token of the admin that may do what this role may.
    pub(super) async fn admins_token_as(&self, stack: &Stack, role: Role) -> String {
        let spec = TokenSpec {
            role,
            ..TokenSpec::default()
        };
        let admin = self.org.admin.user_id;
        self.org.insert_token(&stack.db, admin, &spec).await.1
    }

    /// People and programs that no route of this tenant may let in.
    pub(super) async fn strangers(&self, stack: &Stack) -> Vec<(String, Dress)> {
        let owner = stack.db.owner().await;
        let expired = self.org.insert_person(&stack.db, Role::Admin).await;
        let sql = "UPDATE sessions SET expires_at = now() WHERE id = $1";
        owner.execute(sql, &[&expired.session_id]).await.unwrap();
        let former = self.org.insert_person(&stack.db, Role::Admin).await;
        let sql = "DELETE FROM org_members WHERE user_id = $1";
        owner.execute(sql, &[&former.user_id]).await.unwrap();
        let revoked = self
            .org
            .insert_key(
                &stack.db,
                &KeySpec {
                    revoked: true,
                    ..KeySpec::default()
                },
            )
            .await
            .1;
        let minute_ago = Some(-time::Duration::MINUTE);
        let old = self
            .org
            .insert_key(
                &stack.db,
                &KeySpec {
                    expires_in: minute_ago,
                    ..KeySpec::default()
                },
            )
            .await
            .1;
        let person = self.org.admin.user_id;
        let (_, ended_token) = self
            .org
            .insert_token(
                &stack.db,
                person,
                &TokenSpec {
                    revoked: true,
                    ..TokenSpec::default()
                },
            )
            .await;
        let (_, old_token) = self
            .org
            .insert_token(
                &stack.db,
                person,
                &TokenSpec {
                    expires_in: minute_ago,
                    ..TokenSpec::default()
                },
            )
            .await;
        let (_, former_token) = {
            let former = self.org.insert_person(&stack.db, Role::Admin).await;
            let token = self
                .org
                .insert_token(&stack.db, former.user_id, &TokenSpec::default())
                .await;
            owner
                .execute("DELETE FROM org_members WHERE user_id = $1", &[&former.user_id])
                .await
                .unwrap();
            token
        };
        let forged_token = domain::personal_token::mint(|| 7);
        let forged = domain::token::mint("sls_", || 7);
        vec![
            ("nobody".into(), Box::new(|client| client)),
            (
                "an expired session".into(),
                Box::new(move |client: Client| client.with_cookie(&expired.cookie)),
            ),
            (
                "a forged session".into(),
                Box::new(move |client: Client| client.with_cookie(&forged)),
            ),
            (
                "a former member".into(),
                Box::new(move |client: Client| client.with_cookie(&former.cookie)),
            ),
            (
                "a revoked key".into(),
                Box::new(move |client: Client| client.with_api_key(&revoked)),
            ),
            (
                "an expired key".into(),
                Box::new(move |client: Client| client.with_api_key(&old)),
            ),
            (
                "a revoked token".into(),
                Box::new(move |client: Client| client.with_bearer(&ended_token)),
            ),
            (
                "an expired token".into(),
                Box::new(move |client: Client| client.with_basic("grafana", &old_token)),
            ),
            (
                "a former member's token".into(),
                Box::new(move |client: Client| client.with_bearer(&former_token)),
            ),
            (
                "a forged token".into(),
                Box::new(move |client: Client| client.with_bearer(&forged_token)),
            ),
            (
                "a wrong secret".into(),
                Box::new(|client: Client| client.with_internal_secret("wrong-secret-wrong")),
            ),
        ]
    }

    /// Everything this tenant has, as text, for noticing a change. Times of use are left out, and so are the tokens that
    /// the test itself gives to callers.
    pub(super) async fn rows(&self, stack: &Stack) -> Vec<String> {
        let owner = stack.db.owner().await;
        // What workers still do by themselves must be over.
        let settled =
            "SELECT count(*) FROM notification_jobs WHERE org_id = $1 AND state IN ('pending', 'claimed')";
        eventually(
            Duration::from_secs(20),
            "the notifications to settle",
            async || {
                let waiting: i64 = owner
                    .query_one(settled, &[&self.org.org_id])
                    .await
                    .unwrap()
                    .get(0);
                if waiting == 0 {
                    Ok(())
                } else {
                    Err(format!("{waiting} are waiting"))
                }
            },
        )
        .await;
        let mut rows = Vec::new();
        for table in [
            "org_members",
            "invites",
            "services",
            "environments",
            "api_keys",
            "personal_access_tokens",
            "saved_views",
            "audit_logs",
            "logs",
            "service_github_integrations",
            "webhook_deliveries",
            "deployments",
            "alert_rules",
            "incidents",
            "incident_events",
            "notification_channels",
            "notification_jobs",
            "notification_routes",
            "silences",
            "maintenance_windows",
        ] {
            let sql = format!(
                "SELECT (to_jsonb(t) - 'last_used_at' - 'last_evaluated_at' - 'evaluated_to')::text FROM {table} t
                 WHERE org_id = $1 AND coalesce(to_jsonb(t)->>'name', '') NOT LIKE 'token %' ORDER BY 1"
            );
            let found = owner.query(&sql, &[&self.org.org_id]).await.unwrap();
            rows.extend(
                found
                    .iter()
                    .map(|row| format!("{table} {}", row.get::<_, String>(0))),
            );
        }
        rows
    }
}

/// When things of this test end.
pub(super) fn tomorrow() -> String {
    let tomorrow = time::OffsetDateTime::now_utc() + time::Duration::DAY;
    tomorrow
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap()
}

/// The tenant's admin, who prepares things.
struct Admin<'a> {
    stack: &'a Stack,
    cookie: String,
}

impl Admin<'_> {
    fn client(&self, service: Service) -> Client {
        self.stack.client(service).with_cookie(&self.cookie)
    }

    async fn post(&self, service: Service, path: &str, body: Value) -> Value {
        let reply = self.client(service).post(path, body).await;
        assert!(reply.is_success(), "POST {path}: {} {}", reply.status, reply.body);
        reply.data()
    }

    async fn put(&self, service: Service, path: &str, body: Value) -> Value {
        let reply = self.client(service).put(path, body).await;
        assert!(reply.is_success(), "PUT {path}: {} {}", reply.status, reply.body);
        reply.data()
    }

    async fn first(&self, path: &str) -> Value {
        self.first_of(Service::Alerting, path).await
    }

    async fn first_of(&self, service: Service, path: &str) -> Value {
        let reply = self.client(service).get(path).await;
        reply.assert_status(200).body["data"][0].clone()
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}
