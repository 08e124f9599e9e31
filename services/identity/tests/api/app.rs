//! The service under test, and people who use it.

use domain::role::Role;
use identity::Config;
use secrecy::SecretString;
use serde_json::{Value, json};
use service_kit::{CommonConfig, Running};
use testkit::{Client, Fixture, Reply, TestDb, TokenSpec};
use tokio_postgres::types::ToSql;

/// A password that the policy accepts.
pub(crate) const PASSWORD: &str = "tangerine lighthouse 41";

pub(crate) struct TestApp {
    pub(crate) db: TestDb,
    /// Nobody in particular.
    pub(crate) client: Client,
    _running: Running,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        let db = TestDb::create().await;
        let url = db.url_for("sightline_identity");
        Self::start_on(db, &url).await
    }

    /// With a database address of the test's choice, such as a proxy's.
    pub(crate) async fn start_on(db: TestDb, database_url: &str) -> Self {
        let running = identity::start(config(database_url)).await.unwrap();
        let client = Client::new(format!("http://{}", running.addr));
        Self {
            db,
            client,
            _running: running,
        }
    }

    /// Signs somebody up.
    pub(crate) async fn sign_up(&self, email: &str, org_name: &str) -> Person {
        let body = json!({"email": email, "password": PASSWORD, "org_name": org_name});
        let reply = self.client.post("/api/auth/signup", body).await;
        reply.assert_status(201);
        Person::of(self, &reply)
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Reply {
        let body = json!({"email": email, "password": password});
        self.client.post("/api/auth/login", body).await
    }

    /// An organisation with one person per role, written straight into the tables.
    pub(crate) async fn org(&self) -> Fixture {
        Fixture::org(&self.db).await
    }

    pub(crate) fn as_role(&self, org: &Fixture, role: Role) -> Client {
        self.client.with_cookie(org.cookie(role))
    }

    /// By a personal access token of the member with this role, for all that they may do.
    pub(crate) async fn as_token_of(&self, org: &Fixture, role: Role) -> Client {
        let user_id = org.person(role).user_id;
        let (_id, raw) = org.insert_token(&self.db, user_id, &TokenSpec::default()).await;
        self.client.with_bearer(&raw)
    }

    /// Arranges rows as a superuser.
    pub(crate) async fn sql(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> u64 {
        self.db.owner().await.execute(sql, params).await.unwrap()
    }

    /// One number, as a superuser sees it.
    pub(crate) async fn count(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> i64 {
        self.db.owner().await.query_one(sql, params).await.unwrap().get(0)
    }
}

fn config(database_url: &str) -> Config {
    Config {
        common: CommonConfig {
            listen_addr: "127.0.0.1:0".parse().unwrap(),
            database_url: SecretString::from(database_url),
            database_pool_size: 8,
            internal_secret: SecretString::from("internal-secret-of-the-tests"),
            trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
            shutdown_seconds: 5,
        },
        sealing_keys: SecretString::from("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        public_url: "https://sightline.example".parse().unwrap(),
    }
}

/// Somebody who came in by the front door.
pub(crate) struct Person {
    /// Signed in.
    pub(crate) client: Client,
    pub(crate) user_id: String,
    pub(crate) org_id: String,
    pub(crate) session: String,
    pub(crate) device: String,
}

impl Person {
    /// The person whom a signup or login answered.
    pub(crate) fn of(app: &TestApp, reply: &Reply) -> Self {
        let data = reply.data();
        let session = reply.cookie("sightline_session").unwrap();
        Self {
            client: app.client.with_cookie(&session),
            user_id: text(&data["user"]["id"]),
            org_id: text(&data["org"]["id"]),
            session,
            device: reply.cookie("sightline_device").unwrap(),
        }
    }

    /// The id of this person's first service and those of its environments.
    pub(crate) async fn first_service(&self) -> (String, Vec<String>) {
        let services = self.client.get("/api/services").await.data();
        let id = text(&services[0]["id"]);
        let detail = self.client.get(&format!("/api/services/{id}")).await.data();
        let environments = detail["environments"].as_array().unwrap();
        (id, environments.iter().map(|one| text(&one["id"])).collect())
    }

    /// Makes a key, and returns the whole answer.
    pub(crate) async fn create_key(&self, name: &str) -> Value {
        let (service, environments) = self.first_service().await;
        let body = json!({"name": name, "environment_id": environments[0]});
        let reply = self
            .client
            .post(&format!("/api/services/{service}/keys"), body)
            .await;
        reply.assert_status(201);
        reply.data()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// The field of the first detail of a 400.
#[track_caller]
pub(crate) fn assert_invalid(reply: &Reply, field: &str) {
    reply.assert_error(400, "VALIDATION_ERROR", "");
    assert_eq!(reply.body["error"]["details"][0]["path"], field, "{}", reply.body);
}
