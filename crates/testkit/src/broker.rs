//! A private virtual host per test on the test broker.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::{install_crypto, remains};

const PREFIX: &str = "sl-test";

/// A virtual host of its own, removed with everything in it when this value is dropped.
pub struct TestBroker {
    amqp: Url,
    api: Url,
    vhost: String,
}

impl TestBroker {
    /// Makes a virtual host on the broker that `TEST_AMQP_URL` and `TEST_RABBITMQ_API` name.
    pub async fn create() -> Self {
        let variable = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!(
                    "{name} is not set: these tests need a RabbitMQ. Run `make test`, or start the test servers once \
                     with `deploy/local/test.sh up` and then `eval \"$(deploy/local/test.sh env)\"`"
                )
            })
        };
        Self::create_on(&variable("TEST_AMQP_URL"), &variable("TEST_RABBITMQ_API")).await
    }

    /// The same on a broker of the caller's choice: its AMQP address without a virtual host, and its management API.
    pub async fn create_on(amqp_url: &str, api_url: &str) -> Self {
        let amqp = Url::parse(amqp_url).expect("the broker's address is a URL");
        let api = Url::parse(api_url).expect("the management API's address is a URL");
        sweep(&api).await;
        let vhost = remains::unique_name(PREFIX);
        call(&api, Method::PUT, &format!("vhosts/{vhost}"), Some(json!({})))
            .await
            .expect("the broker makes a vhost");
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        let permissions = format!("permissions/{vhost}/{}", amqp.username());
        call(&api, Method::PUT, &permissions, Some(everything))
            .await
            .expect("the broker grants permissions");
        Self { amqp, api, vhost }
    }

    /// The address to connect to, virtual host included.
    pub fn amqp_url(&self) -> String {
        let mut url = self.amqp.clone();
        url.set_path(&self.vhost);
        url.to_string()
    }

    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// The queues that exist on this virtual host.
    pub async fn queue_names(&self) -> Vec<String> {
        let queues = call(&self.api, Method::GET, &format!("queues/{}", self.vhost), None)
            .await
            .unwrap();
        queues
            .as_array()
            .unwrap()
            .iter()
            .map(|queue| queue["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Closes every client connection to this virtual host, as an operator or a restart would. Returns how many.
    pub async fn close_connections(&self) -> usize {
        let connections = call(
            &self.api,
            Method::GET,
            &format!("vhosts/{}/connections", self.vhost),
            None,
        )
        .await;
        let connections = connections.unwrap();
        let names = connections
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["name"].as_str().unwrap().to_owned());
        let mut closed = 0;
        for name in names {
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let path = format!("connections/{}", name.replace('+', "%20"));
            closed += usize::from(call(&self.api, Method::DELETE, &path, None).await.is_ok());
        }
        closed
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        let (api, vhost) = (self.api.clone(), self.vhost.clone());
        remains::finish(format!("removing vhost {vhost}"), async move {
            call(&api, Method::DELETE, &format!("vhosts/{vhost}"), None)
                .await
                .map(|_| ())
        });
    }
}

/// Removes the vhosts that killed runs left.
async fn sweep(api: &Url) {
    let vhosts = call(api, Method::GET, "vhosts?columns=name", None)
        .await
        .expect("the broker lists its vhosts");
    for vhost in vhosts.as_array().unwrap() {
        let name = vhost["name"].as_str().unwrap();
        if remains::is_stale(PREFIX, name) {
            let _ = call(api, Method::DELETE, &format!("vhosts/{name}"), None).await;
        }
    }
}

/// One call of the management API. A vhost that is gone already is no error.
async fn call(api: &Url, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
    install_crypto();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(15))
        .build()
        .map_err(|e| e.to_string())?;
    let mut url = api.clone();
    url.set_username("").unwrap();
    url.set_password(None).unwrap();
    let url = format!("{}/api/{path}", url.as_str().trim_end_matches('/'));
    let mut request = client
        .request(method.clone(), &url)
        .basic_auth(api.username(), api.password());
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request
        .send()
        .await
        .map_err(|e| format!("{url}: {e}: is the broker up? deploy/local/test.sh up"))?;
    let status = response.status();
    let text = response.text().await.map_err(|e| e.to_string())?;
    if status.is_success() || (method == Method::DELETE && status == StatusCode::NOT_FOUND) {
        return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
    }
    Err(format!("{method} {url} answered {status}: {text}"))
}
