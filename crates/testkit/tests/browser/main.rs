//! The dashboard in a real Chromium, against the five real services. What is done and looked for stands in
//! `services/query/dashboard/tests/browser`.
//!
//! `TEST_WITHOUT_BROWSER=yes` leaves these tests out, for a machine that cannot have Chromium.

#![expect(clippy::unwrap_used, reason = "a test's helper fails by panicking")]
#![expect(clippy::print_stdout, reason = "what is measured is to be seen")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::{Service, Stack};
use tokio::process::Command;

#[tokio::test]
async fn somebody_new_gets_to_the_first_line() {
    run(&Stack::start().await, &["--test", "tests/browser/first_line.mjs"]).await;
}

#[tokio::test]
async fn every_page_is_accessible_and_fits() {
    run(&Stack::start().await, &["--test", "tests/browser/pages.mjs"]).await;
}

#[tokio::test]
async fn the_first_page_is_light_and_dialogs_are_accessible() {
    run(&Stack::start().await, &["--test", "tests/browser/parts.mjs"]).await;
}

#[tokio::test]
async fn hostile_text_only_shows() {
    run(&Stack::start().await, &["--test", "tests/browser/hostile.mjs"]).await;
}

#[tokio::test]
async fn a_page_leads_to_the_cause() {
    run(&Stack::start().await, &["--test", "tests/browser/on_call.mjs"]).await;
}

#[tokio::test]
async fn the_log_explorer_helps_follows_and_shares() {
    run(&Stack::start().await, &["--test", "tests/browser/explorer.mjs"]).await;
}

#[tokio::test]
async fn patterns_changes_and_exports_lead_to_lines() {
    run(&Stack::start().await, &["--test", "tests/browser/patterns.mjs"]).await;
}

#[tokio::test]
async fn people_decide_who_is_told_and_see_why() {
    run(&Stack::start().await, &["--test", "tests/browser/told.mjs"]).await;
}

/// Following lines for a minute: FOLLOW_SECONDS=60.
#[tokio::test]
async fn long_lists_stay_smooth_and_small() {
    run(&Stack::start().await, &["--test", "tests/browser/long_lists.mjs"]).await;
}

#[tokio::test]
async fn one_service_down_leaves_the_other_pages() {
    const TEST: [&str; 2] = ["--test", "tests/browser/one_down.mjs"];
    let stack = Stack::start().await;
    let folder = tempfile::tempdir().unwrap();
    let state = ("STATE", folder.path().join("state.json").display().to_string());
    run_with(&stack, &TEST, std::slice::from_ref(&state)).await;
    for service in Service::ALL {
        // Without the gateway there are no pages.
        if service == Service::Query {
            continue;
        }
        stack.process(service, 0).kill();
        let down = ("DOWN", service.as_str().to_owned());
        run_with(&stack, &TEST, &[state.clone(), down]).await;
        stack.process(service, 0).start().await;
    }
}

#[tokio::test]
async fn the_rules_of_the_dashboard_hold() {
    node(&["node_modules/vitest/vitest.mjs", "run", "tests/unit"], &[]).await;
}

#[tokio::test]
async fn the_committed_types_match_the_documents() {
    run(&Stack::start().await, &["scripts/types.mjs", "--check"]).await;
}

/// Runs Node.js in the dashboard's folder, with the addresses of the stack.
async fn run(stack: &Stack, arguments: &[&str]) {
    run_with(stack, arguments, &[]).await;
}

/// The same, with further variables.
async fn run_with(stack: &Stack, arguments: &[&str], more: &[(&str, String)]) {
    let present = Service::ALL.into_iter().filter(|service| stack.has(*service));
    let address = |service| (variable(service), stack.process(service, 0).base());
    let environment: Vec<_> = present.map(address).chain(more.iter().cloned()).collect();
    node(arguments, &environment).await;
}

fn variable(service: Service) -> &'static str {
    match service {
        Service::Query => "GATEWAY_URL",
        Service::Ingest => "INGEST_URL",
        Service::Identity => "IDENTITY_URL",
        Service::Alerting => "ALERTING_URL",
        Service::Webhook => "WEBHOOK_URL",
    }
}

/// Runs Node.js in the dashboard's folder; what it says is shown where it fails, and with `--no-capture`.
async fn node(arguments: &[&str], environment: &[(&str, String)]) {
    if std::env::var_os("TEST_WITHOUT_BROWSER").is_some_and(|value| value == "yes") {
        return;
    }
    let script = root().join("deploy/local/dashboard.sh");
    let mut node = Command::new(&script);
    node.arg("node").args(arguments).stdin(Stdio::null());
    for (name, value) in environment {
        node.env(name, value);
    }
    if arguments.contains(&"--test") {
        node.env("CHROMIUM", chromium(&script).await);
    }
    let output = node.kill_on_drop(true).output().await.unwrap();
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    println!("{}", said.concat());
    assert!(
        output.status.success(),
        "{arguments:?} ended with {}",
        output.status
    );
}

async fn chromium(script: &Path) -> String {
    let output = Command::new(script).arg("chromium").output().await.unwrap();
    assert!(
        output.status.success(),
        "{}\nor leave these tests out: TEST_WITHOUT_BROWSER=yes make test",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
