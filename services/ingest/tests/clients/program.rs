//! Getting and running the programs of others, with an ingest for them to talk to.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use testkit::{Fixture, Service, Stack, StackBuilder};
use tokio::process::Command;

/// The first run downloads some 70 MB.
const INSTALL: Duration = Duration::from_mins(3);
/// Sending a few hundred lines takes a second or two.
const SEND: Duration = Duration::from_mins(1);

/// Whether somebody said that this machine cannot have the clients.
pub(crate) fn left_out() -> bool {
    std::env::var_os("TEST_WITHOUT_CLIENTS").is_some_and(|value| value == "yes")
}

/// The real ingest, and an organisation with a key.
pub(crate) struct Target {
    pub(crate) stack: Stack,
    pub(crate) org: Fixture,
}

impl Target {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let usual = Stack::build().only([Service::Ingest]);
        let with =
            |stack: StackBuilder, (name, value): &(&str, &str)| stack.env(Service::Ingest, name, value);
        let stack = settings.iter().fold(usual, with).start().await;
        let org = Fixture::org(&stack.db).await;
        Self { stack, org }
    }

    pub(crate) fn base(&self) -> String {
        self.stack.process(Service::Ingest, 0).base()
    }

    /// Where a port was opened that ingest chose itself: what its log says after these words.
    pub(crate) fn address_after(&self, words: &str) -> String {
        let log = self.stack.process(Service::Ingest, 0).log();
        let rest = log
            .split(words)
            .nth(1)
            .unwrap_or_else(|| panic!("no {words:?} in\n{log}"));
        rest.chars()
            .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
            .collect()
    }
}

/// Gets a kind of client if it is not here yet, and tells where its program is.
pub(crate) async fn get(kind: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local/clients.sh");
    let output = run(Command::new(script).arg(kind), INSTALL).await;
    PathBuf::from(output.trim())
}

/// Runs a script of this folder with a kind of client until it ends.
pub(crate) async fn send(kind: &str, script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut command = Command::new(get(kind).await);
    run(command.arg(folder.join(script)).args(arguments), SEND).await;
}

/// The command's output. It must end in time, with success, and without a complaint.
async fn run(command: &mut Command, within: Duration) -> String {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let output = tokio::time::timeout(within, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{command:?} did not end within {within:?}"))
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{stderr}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}
