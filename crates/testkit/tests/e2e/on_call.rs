//! Who is told: one channel of each kind, and the receivers that they lead to.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Received, Receiver, eventually};

use crate::company::{Company, text};

/// From the transition to the request at a receiver; the contract's bound for the transition itself is the incident's.
const SOON: Duration = Duration::from_secs(5);

pub(crate) struct OnCall {
    pub(crate) slack: Receiver,
    pub(crate) discord: Receiver,
    pub(crate) webhook: Receiver,
}

/// What a page tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Opened,
    Resolved,
}

impl Told {
    pub(crate) fn of(page: &Received) -> Self {
        let text = page.text();
        let says = |words: [&str; 2]| words.iter().any(|words| text.contains(words));
        match (
            says(["Incident opened", "incident.opened"]),
            says(["Incident resolved", "incident.resolved"]),
        ) {
            (true, false) => Self::Opened,
            (false, true) => Self::Resolved,
            _ => panic!("neither opened nor resolved: {text}"),
        }
    }
}

impl OnCall {
    /// Makes the three channels over the gateway.
    pub(crate) async fn connect(company: &Company) -> Self {
        let on_call = Self {
            slack: Receiver::slack().await,
            discord: Receiver::discord().await,
            webhook: Receiver::standard_webhooks(None).await,
        };
        for (kind, receiver) in [("slack", &on_call.slack), ("discord", &on_call.discord)] {
            let config = json!({"webhook_url": receiver.url()});
            company
                .make(
                    "/api/channels",
                    json!({"type": kind, "name": kind, "config": config}),
                )
                .await;
        }
        let config = json!({"url": on_call.webhook.url()});
        let made = company.make(
            "/api/channels",
            json!({"type": "webhook", "name": "hook", "config": config}),
        );
        on_call.webhook.set_secret(&text(&made.await["secret"]));
        on_call
    }

    pub(crate) fn receivers(&self) -> [&Receiver; 3] {
        [&self.slack, &self.discord, &self.webhook]
    }

    /// Waits until each receiver was told `count` times, and gives the last page of each.
    pub(crate) async fn each_is_told(&self, count: usize) -> Vec<Received> {
        let mut last = Vec::new();
        for receiver in self.receivers() {
            last.push(receiver.wait_for(count, SOON).await[count - 1].clone());
        }
        last
    }

    /// Each receiver was told exactly this, in this order, and would have taken it if it were the real one.
    #[track_caller]
    pub(crate) fn assert_each_was_told(&self, expected: &[Told]) {
        for receiver in self.receivers() {
            receiver.assert_no_faults();
            let told: Vec<Told> = receiver.received().iter().map(Told::of).collect();
            assert_eq!(told, expected, "at {}", receiver.url());
        }
    }
}

/// Waits until nothing is left to send: every notification of the organisation is sent. Gives all of them.
pub(crate) async fn all_is_sent(company: &Company, within: Duration) -> Vec<Value> {
    eventually(within, "every notification to be sent", async || {
        let jobs = company.admin.get("/api/notifications?limit=1000").await.data();
        let jobs = jobs.as_array().unwrap().clone();
        let waiting: Vec<_> = jobs.iter().filter(|job| job["state"] != "sent").collect();
        if waiting.is_empty() {
            Ok(jobs)
        } else {
            Err(json!(waiting))
        }
    })
    .await
}
