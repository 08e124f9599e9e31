//! The statements of deployments, GitHub integrations and webhook deliveries, as the role that runs them.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the error")]

use std::time::Duration;

use db::deployments::{self, DeploymentKey, Filter};
use db::github_integrations::{self, Integration, Settings};
use db::webhook_deliveries::{self, NewDelivery, Outcome};
use db::{Db, environments};
use domain::deployment::{DeploymentStatus, Progress};
use domain::deployment_report::{Description, Provider, Standing};
use domain::github::DeliveryStatus;
use domain::ids::{IntegrationId, OrgId};
use domain::page::PageLimit;
use serde_json::json;
use testkit::{Fixture, TestDb};
use time::OffsetDateTime;
use time::macros::datetime;

const ROLE: &str = "sightline_webhook";
const AT: OffsetDateTime = datetime!(2026-03-01 10:00 UTC);

fn standing(org: &Fixture, status: DeploymentStatus) -> Standing {
    Standing {
        progress: Progress {
            attempt: 1,
            status,
            at: AT,
        },
        environment_id: org.production,
        started_at: Some(AT),
        finished_at: None,
        description: Description {
            version: Some("v1".into()),
            ..Description::default()
        },
    }
}

fn key(org: &Fixture) -> DeploymentKey<'static> {
    DeploymentKey {
        service_id: org.service_id,
        provider: Provider::Api,
        external_id: "build-7",
    }
}

fn settings() -> Settings {
    Settings {
        repo_owner: "acme".parse().unwrap(),
        repo_name: "shop".parse().unwrap(),
        environment_mapping: serde_json::from_value(json!({"main": "production", "lint": null})).unwrap(),
    }
}

async fn connect(db: &Db, org: &Fixture) -> Integration {
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let id = IntegrationId::generate();
    let made = github_integrations::create(&tx, id, org.service_id, &settings(), b"sealed").await;
    tx.commit().await.unwrap();
    made.unwrap().unwrap()
}

fn outcome(status: DeliveryStatus) -> Outcome {
    Outcome {
        status,
        detail: "because".into(),
        deployment_id: None,
    }
}

async fn deliver(db: &Db, org_id: OrgId, integration: &Integration, delivery_id: &str) -> bool {
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org_id).await.unwrap();
    let new = NewDelivery {
        integration_id: integration.id,
        provider: Provider::Github,
        delivery_id,
        event: "ping",
        payload_hash: &[7; 32],
        payload: &json!({"action": "x"}),
    };
    let added = webhook_deliveries::add(&tx, new, &outcome(DeliveryStatus::Ignored)).await;
    tx.commit().await.unwrap();
    added.unwrap().is_some()
}

#[tokio::test]
async fn a_deployment_is_inserted_once_and_found_as_it_is_stored() {
    let test = TestDb::create().await;
    let (db, org) = (test.db(ROLE), Fixture::org(&test).await);
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let first = standing(&org, DeploymentStatus::Pending);
    let (made, inserted) = deployments::insert_or_lock(&tx, key(&org), &first).await.unwrap();
    assert!(inserted);
    assert_eq!(made.standing, first);
    let other = standing(&org, DeploymentStatus::Failure);
    let (found, inserted) = deployments::insert_or_lock(&tx, key(&org), &other).await.unwrap();
    assert!(!inserted);
    assert_eq!(found, made);
    let updated = deployments::update(&tx, made.id, &other).await.unwrap();
    assert_eq!(updated.standing, other);
    assert_eq!(deployments::find(&tx, made.id).await.unwrap(), Some(updated));
}

#[tokio::test]
async fn an_environment_of_another_service_is_refused_by_the_foreign_key() {
    let test = TestDb::create().await;
    let (db, org) = (test.db(ROLE), Fixture::org(&test).await);
    let (_, [other_production, _]) = org.insert_service(&test, "other").await;
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let misplaced = Standing {
        environment_id: other_production,
        ..standing(&org, DeploymentStatus::Pending)
    };
    let refused = deployments::insert_or_lock(&tx, key(&org), &misplaced).await;
    assert!(refused.unwrap_err().violates_foreign_key());
}

#[tokio::test]
async fn the_history_holds_each_report_once_in_the_order_of_its_stages() {
    let test = TestDb::create().await;
    let (db, org) = (test.db(ROLE), Fixture::org(&test).await);
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let first = standing(&org, DeploymentStatus::Pending);
    let (made, _) = deployments::insert_or_lock(&tx, key(&org), &first).await.unwrap();
    let stages = [
        DeploymentStatus::Success,
        DeploymentStatus::Pending,
        DeploymentStatus::InProgress,
    ];
    for status in stages.into_iter().chain(stages) {
        let progress = Progress {
            status,
            ..first.progress
        };
        deployments::add_history(&tx, made.id, progress, true)
            .await
            .unwrap();
    }
    let history = deployments::history(&tx, made.id).await.unwrap();
    let statuses: Vec<DeploymentStatus> = history.iter().map(|row| row.progress.status).collect();
    let expected = [
        DeploymentStatus::Pending,
        DeploymentStatus::InProgress,
        DeploymentStatus::Success,
    ];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_service_has_one_integration_and_its_secret_is_found_without_a_tenant() {
    let test = TestDb::create().await;
    let (db, org) = (test.db(ROLE), Fixture::org(&test).await);
    let made = connect(&db, &org).await;
    assert_eq!(made.settings, settings());
    let mut conn = db.conn("test").await.unwrap();
    let found = github_integrations::find_secret(&conn, made.id).await.unwrap();
    assert_eq!(found, Some((org.org_id, b"sealed".to_vec())));
    assert_eq!(
        github_integrations::find_secret(&conn, IntegrationId::generate())
            .await
            .unwrap(),
        None
    );

    let tx = conn.tenant(org.org_id).await.unwrap();
    let id = IntegrationId::generate();
    let second = github_integrations::create(&tx, id, org.service_id, &settings(), b"other").await;
    assert_eq!(second.unwrap(), None);
    github_integrations::replace_secret(&tx, made.id, b"new")
        .await
        .unwrap();
    let renamed = Settings {
        repo_name: "store".parse().unwrap(),
        ..settings()
    };
    let updated = github_integrations::update(&tx, made.id, &renamed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(updated.settings, renamed);
    assert_eq!(
        github_integrations::lock_of_service(&tx, org.service_id)
            .await
            .unwrap(),
        Some(updated)
    );
    tx.commit().await.unwrap();
    let found = github_integrations::find_secret(&conn, made.id).await.unwrap();
    assert_eq!(found, Some((org.org_id, b"new".to_vec())));
}

#[tokio::test]
async fn a_delivery_id_is_recorded_once_per_integration() {
    let test = TestDb::create().await;
    let (db, ours, theirs) = (
        test.db(ROLE),
        Fixture::org(&test).await,
        Fixture::org(&test).await,
    );
    let (our_hook, their_hook) = (connect(&db, &ours).await, connect(&db, &theirs).await);
    assert!(deliver(&db, ours.org_id, &our_hook, "guid").await);
    assert!(!deliver(&db, ours.org_id, &our_hook, "guid").await);
    assert!(deliver(&db, theirs.org_id, &their_hook, "guid").await);
}

#[tokio::test]
async fn a_delivery_that_is_applied_again_keeps_the_deployment_it_led_to() {
    let test = TestDb::create().await;
    let (db, org) = (test.db(ROLE), Fixture::org(&test).await);
    let hook = connect(&db, &org).await;
    deliver(&db, org.org_id, &hook, "guid").await;
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let listed = webhook_deliveries::list(&tx, None, None, PageLimit::DEFAULT)
        .await
        .unwrap();
    let (locked, payload) = webhook_deliveries::lock(&tx, listed[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&locked, payload), (&listed[0], json!({"action": "x"})));
    let first = standing(&org, DeploymentStatus::Failure);
    let (deployment, _) = deployments::insert_or_lock(&tx, key(&org), &first).await.unwrap();
    let applied = Outcome {
        deployment_id: Some(deployment.id),
        ..outcome(DeliveryStatus::Applied)
    };
    let settled = webhook_deliveries::settle_again(&tx, locked, &applied)
        .await
        .unwrap();
    let settled = webhook_deliveries::settle_again(&tx, settled, &outcome(DeliveryStatus::Ignored))
        .await
        .unwrap();
    assert_eq!(settled.attempts, 3);
    assert_eq!(settled.outcome.deployment_id, Some(deployment.id));
    let narrowed =
        webhook_deliveries::list(&tx, Some(DeliveryStatus::Applied), None, PageLimit::DEFAULT).await;
    assert_eq!(narrowed.unwrap(), []);
}

#[tokio::test]
async fn old_deliveries_of_all_organisations_expire() {
    let test = TestDb::create().await;
    let (db, ours, theirs) = (
        test.db(ROLE),
        Fixture::org(&test).await,
        Fixture::org(&test).await,
    );
    for org in [&ours, &theirs] {
        let hook = connect(&db, org).await;
        deliver(&db, org.org_id, &hook, "old").await;
        deliver(&db, org.org_id, &hook, "new").await;
    }
    let owner = test.owner().await;
    let age =
        "UPDATE webhook_deliveries SET created_at = now() - interval '2 hours' WHERE delivery_id = 'old'";
    owner.execute(age, &[]).await.unwrap();
    let conn = db.conn("test").await.unwrap();
    let hour = Duration::from_hours(1);
    assert_eq!(webhook_deliveries::expire_all_orgs(&conn, hour).await.unwrap(), 2);
    assert_eq!(webhook_deliveries::expire_all_orgs(&conn, hour).await.unwrap(), 0);
    let left = owner
        .query("SELECT delivery_id FROM webhook_deliveries", &[])
        .await
        .unwrap();
    assert!(left.len() == 2 && left.iter().all(|row| row.get::<_, &str>(0) == "new"));
}

#[tokio::test]
async fn another_organisations_ids_find_nothing() {
    let test = TestDb::create().await;
    let (db, ours, theirs) = (
        test.db(ROLE),
        Fixture::org(&test).await,
        Fixture::org(&test).await,
    );
    let hook = connect(&db, &ours).await;
    deliver(&db, ours.org_id, &hook, "guid").await;
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(ours.org_id).await.unwrap();
    let first = standing(&ours, DeploymentStatus::Failure);
    let (deployment, _) = deployments::insert_or_lock(&tx, key(&ours), &first)
        .await
        .unwrap();
    deployments::add_history(&tx, deployment.id, first.progress, true)
        .await
        .unwrap();
    let delivery = webhook_deliveries::list(&tx, None, None, PageLimit::DEFAULT)
        .await
        .unwrap()
        .remove(0);
    tx.commit().await.unwrap();

    let tx = conn.tenant(theirs.org_id).await.unwrap();
    assert_eq!(deployments::find(&tx, deployment.id).await.unwrap(), None);
    assert_eq!(deployments::history(&tx, deployment.id).await.unwrap(), []);
    let filter = Filter {
        service_id: Some(ours.service_id),
        ..Filter::default()
    };
    for filter in [Filter::default(), filter] {
        assert_eq!(
            deployments::list(&tx, filter, None, PageLimit::DEFAULT)
                .await
                .unwrap(),
            []
        );
    }
    assert_eq!(github_integrations::find(&tx, hook.id).await.unwrap(), None);
    assert_eq!(
        github_integrations::of_service(&tx, ours.service_id)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        github_integrations::update(&tx, hook.id, &settings())
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        github_integrations::delete(&tx, ours.service_id).await.unwrap(),
        None
    );
    github_integrations::replace_secret(&tx, hook.id, b"stolen")
        .await
        .unwrap();
    assert_eq!(webhook_deliveries::lock(&tx, delivery.id).await.unwrap(), None);
    assert_eq!(
        webhook_deliveries::list(&tx, None, None, PageLimit::DEFAULT)
            .await
            .unwrap(),
        []
    );
    assert_eq!(environments::names(&tx, ours.service_id).await.unwrap(), []);
    // Ours from within another tenant: the foreign key holds the tenant on both sides. Last, since it ends the
    // transaction.
    let borrowed = deployments::insert_or_lock(&tx, key(&ours), &first).await;
    assert!(borrowed.unwrap_err().violates_foreign_key());
    drop(tx);

    let found = github_integrations::find_secret(&conn, hook.id).await.unwrap();
    assert_eq!(found, Some((ours.org_id, b"sealed".to_vec())));
}
