//! An organisation as its first person sets it up: over the gateway, from a browser.

use serde_json::{Value, json};
use testkit::{Client, Service, Stack};

pub(crate) const INGEST: &str = "/api/v1/logs/ingest";

/// Signed up, with a key for the environment `production` of its service `default`.
pub(crate) struct Company {
    /// The first person, an admin, signed in at the gateway.
    pub(crate) admin: Client,
    pub(crate) service_id: String,
    pub(crate) environment_id: String,
    pub(crate) api_key: String,
}

impl Company {
    pub(crate) async fn sign_up(gateway: &Client) -> Self {
        let name = format!("Company {}", uuid::Uuid::new_v4().simple());
        let email = format!("{}@example.com", name.replace(' ', "-").to_lowercase());
        let signup = json!({"email": email, "password": "correct horse battery", "org_name": name});
        let reply = gateway.post("/api/auth/signup", signup).await;
        let session = reply.assert_status(201).cookie("sightline_session").unwrap();
        let admin = gateway.with_cookie(&session);
        let services = admin.get("/api/services").await.data();
        let service_id = text(&services[0]["id"]);
        let environments = admin
            .get(&format!("/api/services/{service_id}/environments"))
            .await
            .data();
        let environment_id = text(&named(&environments, "production")["id"]);
        let mut company = Self {
            admin,
            service_id,
            environment_id,
            api_key: String::new(),
        };
        company.api_key = text(&company.make_key(json!({})).await["key"]);
        company
    }

    /// A further key for `production`, with these settings beside the usual ones; the answer that shows it.
    pub(crate) async fn make_key(&self, settings: Value) -> Value {
        let mut wanted = json!({"name": "application", "environment_id": self.environment_id});
        wanted
            .as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let path = format!("/api/services/{}/keys", self.service_id);
        self.admin.post(&path, wanted).await.assert_status(201).data()
    }

    /// The organisation's application: a client of ingest with its key.
    pub(crate) fn application(&self, stack: &Stack) -> Client {
        stack.client(Service::Ingest).with_api_key(&self.api_key)
    }

    /// From now on each problem is an incident of its own.
    pub(crate) async fn make_no_storms(&self) {
        let settings = json!({"reopen_seconds": 600, "storm_threshold": null, "storm_window_seconds": 60});
        let kept = self.admin.put("/api/incidents/settings", settings).await;
        kept.assert_status(200);
    }

    /// Makes something over the gateway, and gives what was made.
    pub(crate) async fn make(&self, path: &str, wanted: Value) -> Value {
        self.admin.post(path, wanted).await.assert_status(201).data()
    }
}

/// The element of a list that has this name.
pub(crate) fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let found = list
        .as_array()
        .and_then(|list| list.iter().find(|item| item["name"] == name));
    found.unwrap_or_else(|| panic!("no {name} in {list}"))
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}
