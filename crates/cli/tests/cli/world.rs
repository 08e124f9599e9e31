//! A stack, an organisation, and the program run as its viewer.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Fixture, Service, Stack, TokenSpec};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) org: Fixture,
    pub(crate) token: String,
    home: TempDir,
}

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_of(&[Service::Ingest, Service::Query, Service::Identity]).await
    }

    /// The same, with alerting.
    pub(crate) async fn with_alerting() -> Self {
        Self::start_of(&[
            Service::Ingest,
            Service::Query,
            Service::Identity,
            Service::Alerting,
        ])
        .await
    }

    async fn start_of(services: &[Service]) -> Self {
        let stack = Stack::build().only(services.iter().copied()).start().await;
        let org = Fixture::org(&stack.db).await;
        let (_, token) = org
            .insert_token(&stack.db, org.viewer.user_id, &TokenSpec::default())
            .await;
        let home = tempfile::tempdir().unwrap();
        Self {
            stack,
            org,
            token,
            home,
        }
    }

    /// Logged in.
    pub(crate) async fn with_login() -> Self {
        let world = Self::start().await;
        let ran = world.run_with(&["login", &world.url()], &world.token).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        world
    }

    pub(crate) fn url(&self) -> String {
        self.stack.process(Service::Query, 0).base()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The program with its home here and the key of the organisation, and nothing else of our environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sightline"));
        command
            .env_clear()
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("TZ", "UTC")
            .env(
                "SIGHTLINE_INGEST_URL",
                self.stack.process(Service::Ingest, 0).base(),
            )
            .env("SIGHTLINE_API_KEY", self.org.api_key())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "").await
    }

    /// With this on its standard input.
    pub(crate) async fn run_with(&self, args: &[&str], input: &str) -> Ran {
        feed(self.command(args), input).await
    }

    /// Sends these lines, all of which must be stored.
    pub(crate) async fn send(&self, args: &[&str], input: &str) {
        let ran = self.run_with(&[&["send"], args].concat(), input).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    }
}

pub(crate) async fn feed(mut command: Command, input: &str) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let ((), output) = tokio::join!(
        async {
            // A program that has ended reads no more.
            let _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
        },
        child.wait_with_output()
    );
    output.unwrap().into()
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The lines of an NDJSON answer.
    pub(crate) fn json(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        let text = |line: &Value| line["message"].as_str().unwrap().to_owned();
        self.json().iter().map(text).collect()
    }
}
