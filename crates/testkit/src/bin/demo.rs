//! The demo of `make run`: makes a demo organisation through the public API, shows what to type, and plays the
//! Slack-shaped receiver that its pages go to. Running it again finds what an earlier run made.

#![expect(clippy::print_stdout, reason = "what it prints is its purpose")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use domain::ids::OrgId;
use rand::RngExt as _;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{Client, Received, Receiver, Reply};
use time::macros::format_description;

const EMAIL: &str = "demo@sightline.local";
const ORG_NAME: &str = "Demo";
const KEY_NAME: &str = "Demo application";
const CHANNEL_NAME: &str = "Demo receiver";
/// What the demo's two rules are called, in the order in which they are made.
const RULE_NAMES: [&str; 2] = ["Error burst", "Failed deployment"];
const GATEWAY_WAIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(200);

#[derive(Parser)]
struct Config {
    /// Where the gateway and the dashboard are.
    #[arg(long, env = "GATEWAY_URL")]
    gateway_url: String,
    /// Where logs are sent to.
    #[arg(long, env = "INGEST_URL")]
    ingest_url: String,
    /// Where the demo's receiver of pages listens.
    #[arg(long, env = "LISTEN_ADDR")]
    listen_addr: SocketAddr,
    /// A file that keeps the demo's password and key from one run to the next.
    #[arg(long, env = "DEMO_STATE")]
    demo_state: PathBuf,
}

/// What must outlive a run, since the platform shows it only once or never.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    password: String,
    api_key_id: String,
    api_key: String,
    channel_id: String,
    channel_url: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let receiver = Receiver::slack_at(config.listen_addr).await;
    let anonymous = Client::new(&config.gateway_url);
    wait_for_gateway(&anonymous).await?;

    let mut state = load(&config)?;
    let session = sign_in(&anonymous, &state.password).await?;
    save(&config, &state)?;
    let client = anonymous.with_cookie(&session);
    activate_demo_org(&client).await?;
    ensure_key(&client, &mut state).await?;
    save(&config, &state)?;
    ensure_rules(&client).await?;
    ensure_channel(&client, &mut state, &receiver.url()).await?;
    save(&config, &state)?;

    print_invitation(&config, &state, &session);
    print_pages(&receiver).await
}

async fn wait_for_gateway(client: &Client) -> anyhow::Result<()> {
    let asking = async {
        // Anything but "unavailable" means that identity answers behind the gateway.
        while !client
            .try_call(Method::GET, "/api/me", None)
            .await
            .is_ok_and(|reply| reply.status < 500)
        {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(GATEWAY_WAIT, asking).await.with_context(|| {
        format!(
            "the gateway at {} does not answer; is the platform up?",
            client.base()
        )
    })
}

/// Logs in, or signs up where the demo's account does not exist yet. Returns the session cookie's value.
async fn sign_in(client: &Client, password: &str) -> anyhow::Result<String> {
    let login = json!({"email": EMAIL, "password": password});
    let reply = client
        .try_call(Method::POST, "/api/auth/login", Some(login))
        .await?;
    if let Some(session) = reply.cookie("sightline_session") {
        return Ok(session);
    }
    let signup = json!({"email": EMAIL, "password": password, "name": "Demo", "org_name": ORG_NAME});
    let reply = client
        .try_call(Method::POST, "/api/auth/signup", Some(signup))
        .await?;
    if reply.status == 409 {
        bail!(
            "{EMAIL} exists with another password than the one in the demo's state file; \
             delete the local data with: deploy/local/run.sh reset"
        );
    }
    success("signing up", &reply)?;
    reply
        .cookie("sightline_session")
        .context("the sign-up set no session cookie")
}

/// A person may have come to other organisations since; the demo works in its own.
async fn activate_demo_org(client: &Client) -> anyhow::Result<()> {
    let orgs = ask(client, Method::GET, "/api/orgs", None).await?;
    let demo = named(&orgs, ORG_NAME)
        .context("the demo's organisation was renamed or left; reset the local data")?;
    let org_id: OrgId = id_of(&demo)?.parse()?;
    ask(
        client,
        Method::PUT,
        "/api/orgs/active",
        Some(json!({"org_id": org_id})),
    )
    .await?;
    Ok(())
}

async fn ensure_key(client: &Client, state: &mut State) -> anyhow::Result<()> {
    let services = ask(client, Method::GET, "/api/services", None).await?;
    let service = named(&services, "default").context("the service `default` was renamed or deleted")?;
    let path = format!("/api/services/{}", id_of(&service)?);
    let keys = ask(client, Method::GET, &format!("{path}/keys"), None).await?;
    let is_live = |key: &Value| key["id"] == state.api_key_id.as_str() && key["status"] == "live";
    if keys.as_array().is_some_and(|keys| keys.iter().any(is_live)) {
        return Ok(());
    }
    let environments = ask(client, Method::GET, &format!("{path}/environments"), None).await?;
    let production = named(&environments, "production").context("the environment `production` is gone")?;
    let wanted = json!({"name": KEY_NAME, "environment_id": id_of(&production)?});
    let made = ask(client, Method::POST, &format!("{path}/keys"), Some(wanted)).await?;
    state.api_key_id = id_of(&made)?;
    state.api_key = made["key"].as_str().context("the new key was not shown")?.into();
    Ok(())
}

async fn ensure_rules(client: &Client) -> anyhow::Result<()> {
    let rules = ask(client, Method::GET, "/api/alerts", None).await?;
    let definitions = [
        json!({"name": RULE_NAMES[0], "type": "error_count", "severity": "high",
            "params": {"threshold": 5, "window_seconds": 60}}),
        json!({"name": RULE_NAMES[1], "type": "deployment_failure", "severity": "critical", "params": {}}),
    ];
    for (name, definition) in RULE_NAMES.iter().zip(definitions) {
        if named(&rules, name).is_none() {
            ask(client, Method::POST, "/api/alerts", Some(definition)).await?;
        }
    }
    Ok(())
}

/// The platform does not show a channel's address, so the state file tells whether it is still the receiver's.
async fn ensure_channel(client: &Client, state: &mut State, url: &str) -> anyhow::Result<()> {
    let channels = ask(client, Method::GET, "/api/channels", None).await?;
    let config = json!({"webhook_url": url});
    match named(&channels, CHANNEL_NAME) {
        None => {
            let channel = json!({"type": "slack", "name": CHANNEL_NAME, "config": config});
            let made = ask(client, Method::POST, "/api/channels", Some(channel)).await?;
            state.channel_id = id_of(&made)?;
        }
        Some(channel) if state.channel_url != url => {
            state.channel_id = id_of(&channel)?;
            let path = format!("/api/channels/{}", state.channel_id);
            ask(client, Method::PATCH, &path, Some(json!({"config": config}))).await?;
        }
        Some(_) => {}
    }
    url.clone_into(&mut state.channel_url);
    Ok(())
}

fn print_invitation(config: &Config, state: &State, session: &str) {
    let (gateway, ingest) = (
        config.gateway_url.trim_end_matches('/'),
        config.ingest_url.trim_end_matches('/'),
    );
    let (key, password, receiver) = (&state.api_key, &state.password, config.listen_addr);
    println!(
        r#"
Dashboard   {gateway}
Login       {EMAIL}   {password}

Send a log line:

  curl -sS {ingest}/api/v1/logs/ingest -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{{"level":"info","message":"hello from my terminal"}}'

Find it:

  curl -sS '{gateway}/api/logs/query?q=hello' -H 'Cookie: sightline_session={session}'

From the command line, with a token of the dashboard: cargo run -p sightline-cli -- login {gateway}

Trip the rule "{rule}" (5 errors in a minute):

  seq 20 | sed 's/.*/{{"level":"error","message":"payment &: card declined"}}/' | curl -sS {ingest}/api/v1/logs/ingest -H 'X-API-Key: {key}' -H 'Content-Type: application/x-ndjson' --data-binary @-

Pages that the receiver at {receiver} gets are shown here:
"#,
        rule = RULE_NAMES[0],
    );
}

async fn print_pages(receiver: &Receiver) -> anyhow::Result<()> {
    let mut seen = 0;
    loop {
        for page in receiver.received_after(seen) {
            println!("{}", one_line(&page));
            seen += 1;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A page on one line: when, how urgent, what, and where to look.
fn one_line(page: &Received) -> String {
    let at = page
        .at
        .format(format_description!("[hour]:[minute]:[second]"))
        .unwrap_or_default();
    let text = page.text();
    let severity = text
        .lines()
        .skip_while(|line| *line != "*Severity*")
        .nth(1)
        .unwrap_or("-");
    let headline = page.json()["text"]
        .as_str()
        .unwrap_or("(a page without text)")
        .replace('\n', " ");
    // Slack's form of a link is <address|words>.
    let link = text
        .split('<')
        .find_map(|rest| rest.starts_with("http").then(|| rest.split('|').next()))
        .flatten()
        .unwrap_or_default();
    let fault = page
        .fault
        .as_ref()
        .map(|fault| format!("   [Slack would refuse this: {fault}]"))
        .unwrap_or_default();
    format!(
        "{at} UTC   {severity:<8}   {}   {link}{fault}",
        unescape(&headline)
    )
}

/// Slack's escapes, for a terminal.
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Calls the API; a failure names the call and carries what the platform said.
async fn ask(client: &Client, method: Method, path: &str, json: Option<Value>) -> anyhow::Result<Value> {
    let what = format!("{method} {path}");
    let reply = client
        .try_call(method, path, json)
        .await
        .with_context(|| what.clone())?;
    success(&what, &reply)?;
    Ok(reply.body["data"].clone())
}

fn success(what: &str, reply: &Reply) -> anyhow::Result<()> {
    if !reply.is_success() {
        bail!(
            "{what} answered {}: {}",
            reply.status,
            reply.body["error"]["message"]
        );
    }
    Ok(())
}

fn named(list: &Value, name: &str) -> Option<Value> {
    list.as_array()?.iter().find(|item| item["name"] == name).cloned()
}

fn id_of(item: &Value) -> anyhow::Result<String> {
    let id = item["id"].as_str().or_else(|| item["org_id"].as_str());
    Ok(id.with_context(|| format!("no id in {item}"))?.to_owned())
}

fn load(config: &Config) -> anyhow::Result<State> {
    let mut state = match std::fs::read(&config.demo_state) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged; delete it", config.demo_state.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
        Err(error) => return Err(error).with_context(|| config.demo_state.display().to_string()),
    };
    if state.password.is_empty() {
        let mut rng = rand::rng();
        state.password = (0..20)
            .map(|_| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[rng.random_range(0..32)]))
            .collect();
    }
    Ok(state)
}

/// Holds a password and a key, so nobody else may read it.
fn save(config: &Config, state: &State) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = &config.demo_state;
    let new = path.with_extension("new");
    let write = || {
        let _ = std::fs::remove_file(&new);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(state)?)?;
        std::fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
