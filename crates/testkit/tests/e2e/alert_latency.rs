//! From the 2xx of the line that trips a rule to the request at the receiver.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, PrivateRabbit, Received, Receiver, Service, Stack};
use time::OffsetDateTime;

use crate::company::{Company, INGEST, text};
use crate::size;

/// Pages that are measured.
fn samples() -> usize {
    size::of(8, 20)
}

/// Environments that are quiet until their line comes, each with a client of its key.
async fn environments(stack: &Stack, company: &Company, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..count {
        let path = format!("/api/services/{}/environments", company.service_id);
        let environment = company.make(&path, json!({"name": format!("e{number}")})).await;
        let wanted = json!({"name": format!("k{number}"), "environment_id": environment["id"]});
        let key = company
            .make(&format!("/api/services/{}/keys", company.service_id), wanted)
            .await;
        clients.push(stack.client(Service::Ingest).with_api_key(&text(&key["key"])));
    }
    clients
}

/// How lines are sent.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// Each when the page for the one before it has come.
    OneByOne,
    /// At this interval, whatever has come.
    Every(Duration),
}

/// Sends a line to each environment and measures each page.
async fn pages(stack: &Stack, condition: Value, pace: Pace, within: Duration) -> Vec<Duration> {
    let company = Company::sign_up(&stack.gateway()).await;
    // Each page is measured, however many problems there are within a minute.
    company.make_no_storms().await;
    let receiver = Receiver::standard_webhooks(None).await;
    let channel = json!({"type": "webhook", "name": "hook", "config": {"url": receiver.url()}});
    receiver.set_secret(&text(&company.make("/api/channels", channel).await["secret"]));
    let mut rule = json!({"name": "any error", "severity": "high", "service_id": company.service_id});
    let condition = condition.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(condition);
    company.make("/api/alerts", rule).await;
    let mut accepted = Vec::new();
    for (number, application) in environments(stack, &company, samples()).await.iter().enumerate() {
        let line = json!({"logs": [{"level": "error", "message": "out of memory"}]});
        application.post(INGEST, line).await.assert_status(200);
        accepted.push(OffsetDateTime::now_utc());
        match pace {
            Pace::OneByOne => drop(receiver.wait_for(number + 1, within).await),
            Pace::Every(interval) => tokio::time::sleep(interval).await,
        }
    }
    let received = receiver.wait_for(samples(), within).await;
    let page_of = |number: usize| {
        let name = format!("e{number}");
        let is_its =
            |page: &&Received| page.json()["data"]["incident"]["environment"]["name"] == name.as_str();
        received.iter().find(is_its).unwrap().at
    };
    let mut took: Vec<Duration> = accepted
        .iter()
        .enumerate()
        .map(|(number, accepted)| {
            (page_of(number) - *accepted)
                .max(time::Duration::ZERO)
                .unsigned_abs()
        })
        .collect();
    took.sort_unstable();
    took
}

fn any_error() -> Value {
    json!({"type": "error_count", "params": {"threshold": 1, "window_seconds": 600}})
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len()) - 1]
}

#[tokio::test]
async fn a_page_goes_out_within_a_second_of_the_line_that_caused_it() {
    // What the sweep finds is not what is measured.
    let stack = Stack::build()
        .env(Service::Alerting, "SWEEP_INTERVAL_SECONDS", 3_600)
        .start()
        .await;
    let took = pages(&stack, any_error(), Pace::OneByOne, Duration::from_secs(15)).await;
    let (median, p95) = (quantile(&took, 0.5), quantile(&took, 0.95));
    println!("from the 2xx to the receiver: p50 {median:?}, p95 {p95:?}");
    assert!(p95 <= Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn an_error_that_was_never_seen_is_told_while_it_is_a_loose_line() {
    let stack = Stack::build()
        .env(Service::Alerting, "SWEEP_INTERVAL_SECONDS", 3_600)
        .start()
        .await;
    let new = json!({"type": "new_pattern", "params": {"min_count": 1, "window_minutes": 60}});
    // Patterns are looked at once a second.
    let pace = Pace::Every(Duration::from_millis(1_500));
    let took = pages(&stack, new, pace, Duration::from_secs(30)).await;
    let (median, p95) = (quantile(&took, 0.5), quantile(&took, 0.95));
    println!("from the 2xx of a new error to the receiver: p50 {median:?}, p95 {p95:?}");
    assert!(p95 <= Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn without_a_broker_a_page_goes_out_within_twenty_seconds() {
    let broker = PrivateRabbit::start().await;
    broker.kill().await;
    let stack = Stack::build()
        .env_all("AMQP_URL", broker.amqp_url())
        // As it is by default.
        .env(Service::Alerting, "SWEEP_INTERVAL_SECONDS", 15)
        .start()
        .await;
    // So that they fall anywhere between two sweeps.
    let pace = Pace::Every(Duration::from_millis(2_300));
    let took = pages(&stack, any_error(), pace, Duration::from_secs(40)).await;
    let (median, p95) = (quantile(&took, 0.5), quantile(&took, 0.95));
    println!("from the 2xx to the receiver without a broker: p50 {median:?}, p95 {p95:?}");
    assert!(p95 <= Duration::from_secs(20), "{took:?}");
}
