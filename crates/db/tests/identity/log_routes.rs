//! Names in log lines, found and made for ingest's role, which can read none of these tables.

use std::collections::BTreeSet;

use db::log_routes::{self, LogRoute, Made};
use db::{Connection, Db};
use domain::api_key::KeyScope;
use domain::destination::Destination;
use domain::ids::ApiKeyId;
use domain::scope::Scope;
use serde_json::Value;
use testkit::{Fixture, KeySpec, TestDb};
use tokio::task::JoinSet;

struct Routes {
    db: TestDb,
    org: Fixture,
    ingest: Db,
}

impl Routes {
    async fn start() -> Self {
        let db = TestDb::create().await;
        let org = Fixture::org(&db).await;
        let ingest = db.db("sightline_ingest");
        Self { db, org, ingest }
    }

    async fn key(&self, scopes: &[KeyScope]) -> ApiKeyId {
        self.org.insert_key(&self.db, &with(scopes)).await.0
    }

    async fn conn(&self) -> Connection {
        self.ingest.conn("test").await.unwrap()
    }

    async fn find(&self, key: ApiKeyId, wanted: &[Destination]) -> Vec<Option<LogRoute>> {
        log_routes::find(&self.conn().await, self.org.org_id, key, wanted)
            .await
            .unwrap()
    }

    async fn make(&self, key: ApiKeyId, wanted: &Destination) -> Made {
        log_routes::make(&self.conn().await, self.org.org_id, key, wanted, Some("r-1"))
            .await
            .unwrap()
    }

    /// Several makers, each on a connection of its own.
    async fn make_at_once(&self, key: ApiKeyId, wanted: impl Fn(usize) -> Destination) -> Vec<Made> {
        let mut makers = JoinSet::new();
        for maker in 0..MAKERS {
            let (db, org_id, wanted) = (self.ingest.clone(), self.org.org_id, wanted(maker));
            makers.spawn(async move {
                let conn = db.conn("test").await.unwrap();
                log_routes::make(&conn, org_id, key, &wanted, None).await.unwrap()
            });
        }
        makers.join_all().await
    }

    /// Services by name, each with its environments in order.
    async fn services(&self) -> Vec<(String, Vec<String>)> {
        let sql = "SELECT s.name, array_agg(e.name ORDER BY e.created_at) FROM services s
                   JOIN environments e ON e.org_id = s.org_id AND e.service_id = s.id
                   WHERE s.org_id = $1 GROUP BY s.name ORDER BY s.name";
        let rows = self
            .db
            .owner()
            .await
            .query(sql, &[&self.org.org_id])
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    async fn fill(&self, sql: &str) {
        self.db
            .owner()
            .await
            .execute(sql, &[&self.org.org_id])
            .await
            .unwrap();
    }
}

fn with(scopes: &[KeyScope]) -> KeySpec {
    KeySpec {
        scopes: scopes.to_vec(),
        ..KeySpec::default()
    }
}

/// As many as the pool has connections.
const MAKERS: usize = 10;

const ROUTE: [KeyScope; 2] = [KeyScope::LogsWrite, KeyScope::LogsRoute];
const CREATE: [KeyScope; 3] = [KeyScope::LogsWrite, KeyScope::LogsRoute, KeyScope::LogsCreate];

fn to(service: Option<&str>, environment: Option<&str>) -> Destination {
    Destination::of(service, environment).unwrap().unwrap()
}

fn named(services: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    services
        .iter()
        .map(|(name, environments)| ((*name).to_owned(), owned(environments)))
        .collect()
}

#[tokio::test]
async fn names_are_found_and_what_is_not_named_is_the_keys_own() {
    let routes = Routes::start().await;
    let key = routes.key(&ROUTE).await;
    let (shop, [production, staging]) = routes.org.insert_service(&routes.db, "shop").await;
    routes
        .fill("UPDATE services SET retention_days = 7 WHERE org_id = $1 AND name = 'shop'")
        .await;
    let wanted = [
        to(Some("nobody"), None),
        to(Some("shop"), None),
        to(Some("shop"), Some("staging")),
        to(None, Some("staging")),
        to(Some("shop"), Some("qa")),
        to(Some("Shop"), None),
    ];
    let route = |service_id, environment_id, days| {
        let scope = Scope {
            org_id: routes.org.org_id,
            service_id,
            environment_id,
        };
        Some(LogRoute {
            scope,
            retention: time::Duration::days(days),
        })
    };
    let expected = [
        None,
        route(shop, production, 7),
        route(shop, staging, 7),
        route(routes.org.service_id, routes.org.staging, 30),
        None,
        None,
    ];
    assert_eq!(routes.find(key, &wanted).await, expected);
}

#[tokio::test]
async fn a_key_without_the_scope_finds_and_makes_nothing() {
    let routes = Routes::start().await;
    let before = routes.services().await;
    let other = Fixture::org(&routes.db).await;
    let (foreign, _) = other.insert_key(&routes.db, &with(&CREATE)).await;
    let spec = KeySpec {
        revoked: true,
        ..with(&CREATE)
    };
    let (revoked, _) = routes.org.insert_key(&routes.db, &spec).await;
    let here = to(None, Some("staging"));
    for key in [routes.org.api_key_id(), foreign, revoked, ApiKeyId::generate()] {
        assert_eq!(routes.find(key, std::slice::from_ref(&here)).await, [None]);
        assert_eq!(routes.make(key, &to(Some("shop"), None)).await, Made::Nothing);
    }
    let finder = routes.key(&ROUTE).await;
    assert_eq!(routes.make(finder, &to(Some("shop"), None)).await, Made::Nothing);
    assert_eq!(routes.services().await, before);
}

#[tokio::test]
async fn a_service_is_made_with_its_environments_and_an_entry_in_the_audit_log() {
    let routes = Routes::start().await;
    let key = routes.key(&CREATE).await;
    let mut found = Vec::new();
    for wanted in [
        to(Some("shop"), Some("qa")),
        to(Some("shop"), None),
        to(Some("cart"), None),
        to(None, Some("qa")),
    ] {
        let Made::Route(route) = routes.make(key, &wanted).await else {
            panic!("{wanted} was not made");
        };
        assert_eq!(
            routes.find(key, std::slice::from_ref(&wanted)).await,
            [Some(route)]
        );
        found.push(route.scope);
    }
    assert_eq!(found[0].service_id, found[1].service_id);
    assert_ne!(found[0].environment_id, found[1].environment_id);
    let usual = ["production", "staging"];
    let and_qa = ["production", "staging", "qa"];
    let expected = named(&[("cart", &usual), ("default", &and_qa), ("shop", &and_qa)]);
    assert_eq!(routes.services().await, expected);

    let sql =
        "SELECT action, target_type, target_id, after, request_id, actor_user_id IS NULL FROM audit_logs
               WHERE org_id = $1 ORDER BY at, action DESC";
    let rows = routes
        .db
        .owner()
        .await
        .query(sql, &[&routes.org.org_id])
        .await
        .unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    let expected = [
        "service.create",
        "environment.create",
        "service.create",
        "environment.create",
    ];
    assert_eq!(actions, expected);
    let first = &rows[0];
    let after: Value = first.get("after");
    assert_eq!(first.get::<_, uuid::Uuid>("target_id"), found[0].service_id.0);
    assert_eq!(
        (&after["name"], &after["retention_days"], &after["api_key_id"]),
        (&"shop".into(), &30.into(), &key.to_string().into())
    );
    assert_eq!(first.get::<_, Option<&str>>("request_id"), Some("r-1"));
}

#[tokio::test]
async fn of_many_that_make_the_same_at_once_all_get_the_one_that_is_made() {
    let routes = Routes::start().await;
    let key = routes.key(&CREATE).await;
    let environment = |maker| Some(if maker % 2 == 0 { "qa" } else { "production" });
    let made = routes
        .make_at_once(key, |maker| to(Some("shop"), environment(maker)))
        .await;
    let scopes: BTreeSet<Scope> = made
        .into_iter()
        .map(|made| match made {
            Made::Route(route) => route.scope,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(scopes.len(), 2, "{scopes:?}");
    let expected = named(&[
        ("default", &["production", "staging"]),
        ("shop", &["production", "staging", "qa"]),
    ]);
    assert_eq!(routes.services().await, expected);
}

#[tokio::test]
async fn names_in_lines_cannot_flood_an_organisation() {
    let routes = Routes::start().await;
    let key = routes.key(&CREATE).await;
    routes
        .fill(
            "INSERT INTO services (org_id, id, name)
               SELECT $1, gen_random_uuid(), 'filler ' || n FROM generate_series(1, 998) n",
        )
        .await;
    let made = routes
        .make_at_once(key, |maker| to(Some(&format!("service {maker}")), None))
        .await;
    let refused = made.iter().filter(|made| **made == Made::TooManyServices).count();
    assert_eq!(refused, MAKERS - 1, "{made:?}");
    // What is there takes new environments all the same.
    assert!(matches!(
        routes.make(key, &to(Some("default"), Some("qa"))).await,
        Made::Route(_)
    ));
    routes
        .fill(
            "INSERT INTO environments (org_id, id, service_id, name)
               SELECT s.org_id, gen_random_uuid(), s.id, 'filler ' || n FROM services s, generate_series(1, 46) n
               WHERE s.org_id = $1 AND s.name = 'default'",
        )
        .await;
    let made = routes
        .make_at_once(key, |maker| to(None, Some(&format!("environment {maker}"))))
        .await;
    let refused = made
        .iter()
        .filter(|made| **made == Made::TooManyEnvironments)
        .count();
    assert_eq!(refused, MAKERS - 1, "{made:?}");
    assert!(matches!(
        routes.make(key, &to(None, Some("qa"))).await,
        Made::Route(_)
    ));
}

#[tokio::test]
async fn a_name_of_another_organisation_is_not_touched() {
    let routes = Routes::start().await;
    let other = Fixture::org(&routes.db).await;
    let (theirs, _) = other.insert_service(&routes.db, "shop").await;
    let key = routes.key(&CREATE).await;
    assert_eq!(routes.find(key, &[to(Some("shop"), None)]).await, [None]);
    let Made::Route(route) = routes.make(key, &to(Some("shop"), None)).await else {
        panic!("it was not made");
    };
    assert_eq!(route.scope.org_id, routes.org.org_id);
    assert_ne!(route.scope.service_id, theirs);
    // The key of one with the organisation of the other.
    let conn = routes.conn().await;
    let wanted = [to(Some("shop"), None)];
    let found = log_routes::find(&conn, other.org_id, key, &wanted).await.unwrap();
    let made = log_routes::make(&conn, other.org_id, key, &to(Some("x"), None), None).await;
    assert_eq!((found, made.unwrap()), (vec![None], Made::Nothing));
}
