//! A running service, and the people and repositories around it.

use domain::ids::{IntegrationId, OrgId, ServiceId};
use domain::role::Role;
use secrecy::SecretString;
use serde_json::{Value, json};
use service_kit::{CommonConfig, Running};
use testkit::{Client, Delivery, Fixture, GitHub, Reply, TestDb};
use webhook::Config;

/// Nobody listens there.
const NO_BROKER: &str = "amqp://127.0.0.1:9";
const PUBLIC_URL: &str = "https://sightline.example";

/// One service on a database of its own, with one organisation in it.
pub(crate) struct TestApp {
    pub(crate) anyone: Client,
    pub(crate) org: Fixture,
    pub(crate) db: TestDb,
    _running: Running,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_config| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let db = TestDb::create().await;
        let mut config = config(db.url_for("sightline_webhook"));
        change(&mut config);
        let running = webhook::start(config).await.unwrap();
        Self {
            anyone: Client::new(format!("http://{}", running.addr)),
            org: Fixture::org(&db).await,
            db,
            _running: running,
        }
    }

    pub(crate) fn member(&self, role: Role) -> Client {
        self.member_of(&self.org, role)
    }

    pub(crate) fn member_of(&self, org: &Fixture, role: Role) -> Client {
        self.anyone.with_cookie(org.cookie(role))
    }

    pub(crate) fn ci(&self) -> Client {
        self.anyone.with_api_key(self.org.api_key())
    }

    /// Connects the organisation's service to `acme/shop`.
    pub(crate) async fn connect(&self, mapping: Value) -> Hook {
        self.connect_service(&self.org, self.org.service_id, mapping)
            .await
    }

    pub(crate) async fn connect_service(&self, org: &Fixture, service_id: ServiceId, mapping: Value) -> Hook {
        let wanted = json!({"repo_owner": "acme", "repo_name": "shop", "environment_mapping": mapping});
        let path = format!("/api/services/{service_id}/github");
        let reply = self.member_of(org, Role::Developer).put(&path, wanted).await;
        let data = reply.assert_status(201).data();
        Hook::new(&data)
    }

    /// The first column of a query by the superuser, as text.
    pub(crate) async fn column(&self, sql: &str) -> Vec<String> {
        let owner = self.db.owner().await;
        let rows = owner.query(sql, &[]).await.unwrap();
        rows.iter()
            .map(|row| row.get::<_, Option<String>>(0).unwrap_or_default())
            .collect()
    }

    pub(crate) async fn count(&self, table: &str) -> usize {
        self.column(&format!("SELECT 'row' FROM {table}")).await.len()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.db.owner().await.batch_execute(sql).await.unwrap();
    }

    /// The statuses that events in the outbox tell, oldest first.
    pub(crate) async fn announced(&self) -> Vec<String> {
        let sql = "SELECT envelope->'event'->>'status' FROM outbox WHERE routing_key = 'deployment.changed'
                   ORDER BY created_at, id";
        self.column(sql).await
    }

    /// All deployments of the organisation, newest first.
    pub(crate) async fn deployments(&self) -> Value {
        self.member(Role::Viewer).get("/api/deployments").await.data()
    }

    /// The only deployment of the organisation, with its history.
    pub(crate) async fn deployment(&self) -> Value {
        let all = self.deployments().await;
        assert_eq!(all.as_array().unwrap().len(), 1, "one deployment expected: {all}");
        self.deployment_of(&all[0]["id"]).await
    }

    pub(crate) async fn deployment_of(&self, id: &Value) -> Value {
        let path = format!("/api/deployments/{}", id.as_str().unwrap());
        self.member(Role::Viewer).get(&path).await.data()
    }

    /// Nothing of a delivery is stored.
    pub(crate) async fn assert_nothing_stored(&self) {
        for table in [
            "webhook_deliveries",
            "deployments",
            "deployment_status_history",
            "outbox",
        ] {
            assert_eq!(self.count(table).await, 0, "{table}");
        }
    }
}

/// The configuration of a service on this database, without a broker.
pub(crate) fn config(database_url: String) -> Config {
    Config {
        common: CommonConfig {
            listen_addr: "127.0.0.1:0".parse().unwrap(),
            database_url: database_url.into(),
            database_pool_size: 10,
            internal_secret: SecretString::from("internal-secret-of-the-tests"),
            trusted_proxies: Vec::new(),
            shutdown_seconds: 1,
        },
        amqp_url: SecretString::from(NO_BROKER),
        sealing_keys: SecretString::from(testkit::SEALING_KEYS),
        public_url: PUBLIC_URL.parse().unwrap(),
        max_body_bytes: 25 * 1024 * 1024,
        max_inflight_bytes: 128 * 1024 * 1024,
        delivery_retention_days: 30,
    }
}

/// An integration, and GitHub on its other side.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: IntegrationId,
    /// Where deliveries go.
    pub(crate) path: String,
    pub(crate) github: GitHub,
}

impl Hook {
    pub(crate) fn new(integration: &Value) -> Self {
        let text = |field: &str| integration[field].as_str().unwrap().to_owned();
        let path = text("webhook_url").strip_prefix(PUBLIC_URL).unwrap().to_owned();
        Self {
            id: text("id").parse().unwrap(),
            path,
            github: GitHub::new(&text("repo_owner"), &text("repo_name"), &text("secret")),
        }
    }

    pub(crate) async fn send(&self, app: &TestApp, delivery: &Delivery) -> Reply {
        delivery.send(&app.anyone, &self.path).await
    }

    /// Sends a delivery that must be accepted, and gives `(status, detail)`.
    pub(crate) async fn told(&self, app: &TestApp, delivery: &Delivery) -> (String, String) {
        let reply = self.send(app, delivery).await;
        let data = reply.assert_status(202).data();
        let text = |field: &str| data[field].as_str().unwrap().to_owned();
        (text("status"), text("detail"))
    }
}

/// Adds a tenant to a database that has one.
pub(crate) async fn another_org(app: &TestApp) -> Fixture {
    Fixture::org(&app.db).await
}

/// An `org_id` as SQL.
pub(crate) fn quoted(org_id: OrgId) -> String {
    format!("'{org_id}'")
}
