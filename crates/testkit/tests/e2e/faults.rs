//! What the platform stands on goes away and comes back; every part says so, keeps its promises, and recovers by itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use testkit::{Client, Fixture, PrivatePostgres, PrivateRabbit, Service, Stack, TestDb, eventually};
use tokio::time::Instant;

use crate::company::{Company, INGEST};
use crate::links;
use crate::load::{Load, Mix};
use crate::stored;
use crate::watch::Watch;

/// From the return of what was away to the first service; seconds in practice, the rest is for a busy machine.
const RECOVERS_WITHIN: Duration = Duration::from_secs(15);
/// A sweep that never comes: what alerting notices, it was told by an event.
const NO_SWEEP: u64 = 3_600;

async fn with_deployment_rule(stack: &Stack) -> Company {
    let company = Company::sign_up(&stack.gateway()).await;
    let rule = json!({"name": "deployments", "type": "deployment_failure", "params": {}, "severity": "high"});
    company.make("/api/alerts", rule).await;
    company
}

async fn report(stack: &Stack, company: &Company, status: &str) {
    let ci = stack.client(Service::Webhook).with_api_key(&company.api_key);
    ci.post("/api/v1/deployments", json!({"status": status}))
        .await
        .assert_status(201);
}

async fn incident_is(company: &Company, status: &str, within: Duration) {
    eventually(within, &format!("the incident to be {status}"), async || {
        let all = company.admin.get("/api/incidents").await.body;
        if all["data"][0]["status"] == status {
            Ok(())
        } else {
            Err(all)
        }
    })
    .await;
}

async fn everything_is_ready(stack: &Stack) {
    for process in stack.processes() {
        let reply = process.client().get("/readyz").await;
        assert_eq!(reply.status, 200, "{} at {}", reply.body, process.base());
    }
}

#[tokio::test]
async fn everything_starts_and_works_without_a_broker_and_tells_it_all_when_one_comes() {
    let broker = PrivateRabbit::start().await;
    broker.kill().await;
    let stack = Stack::build()
        .env_all("AMQP_URL", broker.amqp_url())
        .env_all("SWEEP_INTERVAL_SECONDS", NO_SWEEP)
        .start()
        .await;
    let company = with_deployment_rule(&stack).await;
    let line = json!({"message": "needle"});
    company
        .application(&stack)
        .post(INGEST, line)
        .await
        .assert_status(200);
    let found = company.admin.get("/api/logs/query?q=needle").await.data();
    assert_eq!(found.as_array().unwrap().len(), 1);
    report(&stack, &company, "failure").await;
    everything_is_ready(&stack).await;
    assert_eq!(
        company.admin.get("/api/incidents").await.data(),
        json!([]),
        "nobody could tell alerting"
    );

    broker.start_again().await;
    // An event that was sent before alerting's queue was there is sent again when its lease is over, 30 s later.
    incident_is(&company, "open", Duration::from_mins(1)).await;
    links::are_up(&stack).await;
    report(&stack, &company, "success").await;
    incident_is(&company, "resolved", Duration::from_secs(5)).await;
}

/// How long a line takes to be stored, in the middle of so many.
async fn median_of_ingest(application: &Client, lines: usize) -> Duration {
    let mut took = Vec::new();
    for _ in 0..lines {
        let begun = Instant::now();
        application
            .post(INGEST, json!({"level": "error", "message": "m"}))
            .await
            .assert_status(200);
        took.push(begun.elapsed());
    }
    took.sort();
    took[lines / 2]
}

#[tokio::test]
async fn a_broker_that_hangs_slows_ingest_down_by_nothing_and_makes_nobody_unready() {
    // The times are those of a busy machine: what waits for the broker would wait for seconds.
    const NOISE: Duration = Duration::from_millis(100);
    let broker = PrivateRabbit::start().await;
    let stack = Stack::build()
        .env_all("AMQP_URL", broker.amqp_url())
        .env_all("SWEEP_INTERVAL_SECONDS", NO_SWEEP)
        .start()
        .await;
    links::are_up(&stack).await;
    let company = with_deployment_rule(&stack).await;
    report(&stack, &company, "failure").await;
    incident_is(&company, "open", Duration::from_secs(5)).await;
    let application = company.application(&stack);
    let before = median_of_ingest(&application, 60).await;
    broker.pause();
    let during = median_of_ingest(&application, 200).await;
    everything_is_ready(&stack).await;
    println!("a line takes {before:?} with a broker, {during:?} while it hangs");
    assert!(
        during < 2 * before + NOISE,
        "a line takes {during:?} while the broker hangs, {before:?} before"
    );
    // A deployment is accepted as well; alerting is told once the broker is awake again.
    report(&stack, &company, "success").await;
    broker.resume();
    incident_is(&company, "resolved", Duration::from_secs(40)).await;
    everything_is_ready(&stack).await;
}

#[tokio::test]
async fn every_service_answers_503_while_postgres_restarts_and_recovers_by_itself() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::create_on(&server.url()).await;
    let stack = Stack::build()
        .on_database(db)
        .env_all("REQUIRE_DURABLE_POSTGRES", true)
        .start()
        .await;
    let company = Company::sign_up(&stack.gateway()).await;
    let watch = Watch::start(&stack, &company, &Service::ALL);
    watch.everything_is_served(RECOVERS_WITHIN).await;
    for _ in 0..2 {
        server.stop().await;
        watch.everything_is_put_off(RECOVERS_WITHIN).await;
        server.start_again().await;
        watch.everything_is_served(RECOVERS_WITHIN).await;
    }
    // Every backend at once, as an operator's failover would.
    let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE pid <> pg_backend_pid() AND datname = current_database()";
    stack.db.owner().await.query(end_all, &[]).await.unwrap();
    watch.everything_is_served(RECOVERS_WITHIN).await;
    watch.stop().await;
    everything_is_ready(&stack).await;
    for process in stack.processes() {
        assert!(process.is_running());
        assert!(!process.log().contains("panicked at"), "a panic was logged");
    }
}

/// What each service answers for, asked at the gateway.
const PARTS: [(Service, &str); 4] = [
    (Service::Identity, "/api/me"),
    (Service::Alerting, "/api/incidents"),
    (Service::Webhook, "/api/deployments"),
    (Service::Ingest, INGEST),
];

async fn ask(company: &Company, path: &str) -> testkit::Reply {
    if path == INGEST {
        company
            .admin
            .with_api_key(&company.api_key)
            .post(path, json!({"message": "m"}))
            .await
    } else {
        company.admin.get(path).await
    }
}

#[tokio::test]
async fn when_one_service_is_down_its_part_alone_is_503_at_the_gateway() {
    let stack = Stack::start().await;
    let company = Company::sign_up(&stack.gateway()).await;
    for (down, _) in PARTS {
        stack.process(down, 0).kill();
        for (service, path) in PARTS {
            let reply = ask(&company, path).await;
            if service == down {
                reply.assert_error(503, "UNAVAILABLE", &format!("{} is not available", down.as_str()));
                assert_ne!(reply.header("retry-after"), "");
            } else {
                assert_eq!(reply.status, 200, "{path} with {down:?} down: {}", reply.body);
            }
        }
        company.admin.get("/api/logs/query").await.assert_status(200);
        stack.process(down, 0).start().await;
        assert_eq!(
            ask(
                &company,
                PARTS.iter().find(|(service, _)| *service == down).unwrap().1
            )
            .await
            .status,
            200
        );
    }
    assert_eq!(
        stack.gateway().get("/").await.status,
        200,
        "the front page is there all the time"
    );
}

#[tokio::test]
async fn a_service_told_to_stop_under_load_keeps_what_it_accepted_and_ends_with_success() {
    let stack = Stack::start().await;
    let company = Company::sign_up(&stack.gateway()).await;
    let ingest = stack.process(Service::Ingest, 0);
    let load = Load::start(&[company.application(&stack)], 6, 3);
    for _ in 0..3 {
        load.acknowledges(20).await;
        let status = ingest.terminate().await;
        assert!(status.success(), "ingest ended with {status}");
        stored::assert_exactly_once(&stack.db, &load.books().entries()).await;
        ingest.start().await;
    }
    load.acknowledges(5).await;
    let status = ingest.terminate().await;
    assert!(status.success(), "ingest ended with {status}");
    let books = load.abandon().await;
    stored::assert_exactly_once(&stack.db, &books.entries()).await;

    for service in [
        Service::Alerting,
        Service::Webhook,
        Service::Identity,
        Service::Query,
    ] {
        let status = stack.process(service, 0).terminate().await;
        assert!(status.success(), "{service:?} ended with {status}");
    }
}

#[tokio::test]
async fn a_page_under_way_when_alerting_is_told_to_stop_is_finished_and_recorded() {
    let stack = Stack::start().await;
    let company = with_deployment_rule(&stack).await;
    let receiver = testkit::Receiver::slack().await;
    let config = json!({"webhook_url": receiver.url()});
    company
        .make(
            "/api/channels",
            json!({"type": "slack", "name": "slow", "config": config}),
        )
        .await;
    receiver.answer_next([testkit::Answer::Late(
        Duration::from_secs(2),
        Box::new(testkit::Answer::Usual),
    )]);
    report(&stack, &company, "failure").await;
    receiver.wait_for(1, Duration::from_secs(10)).await;
    let alerting = stack.process(Service::Alerting, 0);
    let status = alerting.terminate().await;
    assert!(status.success(), "alerting ended with {status}");
    let job = stack
        .db
        .owner()
        .await
        .query_one("SELECT state, attempts FROM notification_jobs", &[])
        .await
        .unwrap();
    assert_eq!(
        (job.get::<_, String>(0).as_str(), job.get::<_, i32>(1)),
        ("sent", 1)
    );
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_hanging_postgres_is_answered_with_503_in_time_and_life_goes_on_after_it() {
    let server = PrivatePostgres::start().await;
    let db = TestDb::create_on(&server.url()).await;
    let stack = Stack::build().on_database(db).start().await;
    let company = Company::sign_up(&stack.gateway()).await;
    // The others answer once their connections do: nothing of theirs is lost by it, as lines that wait would be.
    let watch = Watch::start(&stack, &company, &[Service::Ingest]);
    watch.everything_is_served(RECOVERS_WITHIN).await;
    server.pause();
    watch.everything_is_put_off(RECOVERS_WITHIN).await;
    for process in stack.processes() {
        process.client().get("/healthz").await.assert_status(200);
    }
    server.resume();
    watch.everything_is_served(RECOVERS_WITHIN).await;
    watch.stop().await;
    everything_is_ready(&stack).await;
    for (_, path) in PARTS {
        assert_eq!(ask(&company, path).await.status, 200, "{path} after the hang");
    }
}

/// Senders of four organisations that do not give up, with bodies of megabytes: more than ingest may hold.
#[tokio::test]
async fn a_silent_postgres_under_full_load_costs_bounded_memory_and_no_acknowledged_line() {
    const CONNECTIONS: usize = 200;
    const MIB: u64 = 1024 * 1024;
    let server = PrivatePostgres::start().await;
    let db = TestDb::create_on(&server.url()).await;
    let stack = Stack::build()
        .only([Service::Ingest])
        .on_database(db)
        .env(Service::Ingest, "REQUIRE_DURABLE_POSTGRES", true)
        .start()
        .await;
    let ingest = stack.process(Service::Ingest, 0);
    let mut applications = Vec::new();
    for _ in 0..4 {
        let org = Fixture::org(&stack.db).await;
        applications.push(ingest.client().with_api_key(org.api_key()));
    }
    let load = Load::go_on(&Arc::default(), &applications, CONNECTIONS, Mix::HEAVY, 7);
    load.acknowledges(40).await;
    server.pause();
    // What is on its way may still be answered; then every answer is a refusal.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let acknowledged = load.books().acknowledged();
    for _ in 0..3 {
        let put_off = load.books().put_off();
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(
            load.books().put_off() >= put_off + CONNECTIONS,
            "senders are refused and do not wait"
        );
    }
    assert_eq!(
        load.books().acknowledged(),
        acknowledged,
        "nothing can be stored now"
    );
    server.resume();
    tokio::time::timeout(RECOVERS_WITHIN, load.acknowledges(10))
        .await
        .expect("ingest recovers by itself");
    let books = load.finish().await;
    let peak = ingest.peak_memory().unwrap_or(0);
    println!(
        "{} MiB at most; {} batches acknowledged, {} refusals",
        peak / MIB,
        books.acknowledged(),
        books.put_off()
    );
    assert!(peak < 512 * MIB, "{} MiB", peak / MIB);
    assert_eq!(
        books.unanswered(),
        0,
        "ingest answers while its database is silent"
    );
    stored::assert_exactly_once(&stack.db, &books.entries()).await;
    assert!(books.entries().iter().all(|entry| entry.acknowledged));
}
