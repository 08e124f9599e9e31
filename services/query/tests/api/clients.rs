//! Programs of others that read what the gateway answers.
//!
//! `TEST_WITHOUT_CLIENTS=yes` leaves out what needs them, for a machine that cannot have them. `deploy/local/clients` pins
//! them.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

/// Getting the program takes most of it, the first time.
const PATIENCE: Duration = Duration::from_mins(4);

pub(crate) fn are_left_out() -> bool {
    std::env::var_os("TEST_WITHOUT_CLIENTS").is_some_and(|value| value == "yes")
}

/// What to run; it is installed if it is not yet.
pub(crate) async fn program(name: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local/clients.sh");
    run(Command::new(script).arg(name)).await.trim().to_owned()
}

/// The command's output. It must end in time and with success.
pub(crate) async fn run(command: &mut Command) -> String {
    let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output())
        .await
        .unwrap()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{stderr}");
    String::from_utf8(output.stdout).unwrap()
}
