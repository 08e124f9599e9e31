//! The links of the services to the broker, as their metrics tell.

use std::time::Duration;

use testkit::{Process, Stack, eventually};

/// Connecting and declaring takes a moment, which no service's readiness waits for.
const WITHIN: Duration = Duration::from_secs(30);

/// Waits until every link of every service is usable: an event that is sent from now on reaches whom it is for.
pub(crate) async fn are_up(stack: &Stack) {
    for process in stack.processes() {
        eventually(WITHIN, &format!("the links of {}", process.base()), async || {
            let links = links(process).await;
            if links.iter().all(|link| link.ends_with(" 1")) {
                Ok(())
            } else {
                Err(links.join("\n"))
            }
        })
        .await;
    }
}

async fn links(process: &Process) -> Vec<String> {
    let metrics = process.client().get("/metrics").await.body;
    let lines = metrics.as_str().unwrap_or_default().lines();
    lines
        .filter(|line| line.starts_with("bus_connected{"))
        .map(str::to_owned)
        .collect()
}
