//! Lines of OpenTelemetry that name the service and environment that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use domain::api_key::KeyScope;
use domain::ids::EnvironmentId;
use domain::page::PageLimit;
use serde_json::{Value, json};
use testkit::{Client, Fixture, KeySpec, Reply, TestDb};
use tokio::task::JoinSet;

use crate::test_app::{TestApp, moment};

const LOGS: &str = "/v1/logs";
pub(crate) const ROUTE: [KeyScope; 2] = [KeyScope::LogsWrite, KeyScope::LogsRoute];
pub(crate) const CREATE: [KeyScope; 3] = [KeyScope::LogsWrite, KeyScope::LogsRoute, KeyScope::LogsCreate];

pub(crate) fn with(scopes: &[KeyScope]) -> KeySpec {
    KeySpec {
        scopes: scopes.to_vec(),
        ..KeySpec::default()
    }
}

async fn sender(app: &TestApp, spec: &KeySpec) -> Client {
    let (_, raw) = app.org.insert_key(&app.db, spec).await;
    app.replica.client().with_api_key(&raw)
}

/// A resource with these attributes and a record of each text.
fn resource(attributes: &[(&str, &str)], texts: &[&str]) -> Value {
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    let records: Vec<Value> = texts
        .iter()
        .map(|text| json!({"body": {"stringValue": text}, "timeUnixNano": moment(1).0.to_string()}))
        .collect();
    json!({"resource": {"attributes": attributes}, "scopeLogs": [{"logRecords": records}]})
}

fn of(service: &str, texts: &[&str]) -> Value {
    resource(&[("service.name", service)], texts)
}

fn of_both(service: &str, environment: &str, texts: &[&str]) -> Value {
    let attributes = [
        ("service.name", service),
        ("deployment.environment.name", environment),
    ];
    resource(&attributes, texts)
}

async fn export(client: &Client, resources: &[Value]) -> Reply {
    client.post(LOGS, json!({ "resourceLogs": resources })).await
}

#[track_caller]
fn assert_stored(reply: &Reply) {
    assert_eq!(reply.assert_status(200).body, json!({}));
}

/// That everything was stored, and the sender told this.
#[track_caller]
fn assert_warned(reply: &Reply, warning: &str) {
    let expected = json!({"partialSuccess": {"rejectedLogRecords": "0",
        "errorMessage": format!("stored with the API key's own service and environment: {warning}")}});
    assert_eq!(reply.assert_status(200).body, expected);
}

/// Where each line lies: `service/environment`, of the organisation's first unless it is another's.
pub(crate) async fn places(db: &TestDb) -> BTreeSet<(String, String)> {
    let sql = "SELECT e.id, s.name || '/' || e.name FROM services s
               JOIN environments e ON e.org_id = s.org_id AND e.service_id = s.id";
    let rows = db.owner().await.query(sql, &[]).await.unwrap();
    let names: BTreeMap<EnvironmentId, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let lines = testkit::stored::lines(db).await;
    let count = lines.len();
    let places: BTreeSet<_> = lines
        .into_iter()
        .map(|line| {
            let place = names.get(&line.scope.environment_id);
            (line.message, place.cloned().unwrap_or_default())
        })
        .collect();
    assert_eq!(places.len(), count, "a line is there twice");
    places
}

fn placed(lines: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    lines
        .iter()
        .map(|(message, place)| ((*message).to_owned(), (*place).to_owned()))
        .collect()
}

/// The names of the organisation's services, as identity lists them.
async fn services(app: &TestApp, org: &Fixture) -> Vec<String> {
    let db = app.db.db("sightline_identity");
    let mut conn = db.conn("test").await.unwrap();
    let tx = conn.tenant(org.org_id).await.unwrap();
    let services = db::services::list(&tx, None, PageLimit::DEFAULT).await.unwrap();
    services.into_iter().map(|service| service.name).collect()
}

#[tokio::test]
async fn lines_of_one_request_go_to_the_services_and_environments_that_they_name() {
    let app = TestApp::start().await;
    app.org.insert_service(&app.db, "shop").await;
    let sender = sender(&app, &with(&ROUTE)).await;
    let reply = export(
        &sender,
        &[
            of("shop", &["a"]),
            of_both("shop", "staging", &["b"]),
            resource(&[("deployment.environment", "staging")], &["c"]),
            resource(&[("service.version", "1")], &["d"]),
            of("unknown_service:java", &["e"]),
            of("shop", &["f"]),
        ],
    )
    .await;
    assert_stored(&reply);
    let expected = [
        ("a", "shop/production"),
        ("b", "shop/staging"),
        ("c", "default/staging"),
        ("d", "default/production"),
        ("e", "default/production"),
        ("f", "shop/production"),
    ];
    assert_eq!(places(&app.db).await, placed(&expected));
    let lines = testkit::stored::lines(&app.db).await;
    let routed = lines.iter().find(|line| line.message == "b").unwrap();
    let meta = json!({"service.name": "shop", "deployment.environment.name": "staging"});
    assert_eq!(
        routed.meta,
        Some(meta),
        "what a line says of itself stays with it"
    );
}

#[tokio::test]
async fn without_the_scope_names_are_metadata_and_nothing_else() {
    let app = TestApp::start().await;
    app.org.insert_service(&app.db, "shop").await;
    assert_stored(
        &export(
            &app.sender(),
            &[of_both("shop", "staging", &["a"]), of(" ", &["b"])],
        )
        .await,
    );
    let expected = [("a", "default/production"), ("b", "default/production")];
    assert_eq!(places(&app.db).await, placed(&expected));
    assert_eq!(services(&app, &app.org).await, ["default", "shop"]);
}

#[tokio::test]
async fn what_a_key_may_not_make_stays_with_it_and_its_sender_is_told() {
    let app = TestApp::start().await;
    let sender = sender(&app, &with(&ROUTE)).await;
    let reply = export(
        &sender,
        &[of("shop", &["a", "b"]), of_both("default", "qa", &["c"])],
    )
    .await;
    assert_warned(
        &reply,
        "2 lines of service \"shop\" (there is none, and the API key may not make it); 1 line of environment \"qa\" of \
         service \"default\" (there is none, and the API key may not make it)",
    );
    let here = "default/production";
    assert_eq!(
        places(&app.db).await,
        placed(&[("a", here), ("b", here), ("c", here)])
    );
    assert_eq!(services(&app, &app.org).await, ["default"]);
}

#[tokio::test]
async fn what_is_no_name_stays_and_is_told_beside_what_is_refused() {
    let app = TestApp::start().await;
    let sender = sender(&app, &with(&CREATE)).await;
    let reply = export(&sender, &[of("two\nlines", &["a", " "]), of("shop", &["b"])]).await;
    let expected = json!({"partialSuccess": {"rejectedLogRecords": "1", "errorMessage":
        "line 1: message must not be blank; stored with the API key's own service and environment: 1 line (the name of \
         the service must not contain line breaks or other control characters)"}});
    assert_eq!(reply.assert_status(200).body, expected);
    assert_eq!(
        places(&app.db).await,
        placed(&[("a", "default/production"), ("b", "shop/production")])
    );
}

#[tokio::test]
async fn what_is_named_first_is_made_and_listed() {
    let app = TestApp::start().await;
    let sender = sender(&app, &with(&CREATE)).await;
    for text in ["a", "b"] {
        assert_stored(&export(&sender, &[of_both("shop", "qa", &[text]), of("cart", &[])]).await);
    }
    assert_eq!(
        places(&app.db).await,
        placed(&[("a", "shop/qa"), ("b", "shop/qa")])
    );
    assert_eq!(
        services(&app, &app.org).await,
        ["default", "shop"],
        "a resource without records names nothing"
    );
}

#[tokio::test]
async fn replicas_that_see_a_name_at_once_make_it_once() {
    let app = TestApp::start().await;
    let other = app.another(&[]).await;
    let first = sender(&app, &with(&CREATE)).await;
    let senders = [first.clone(), first.at(&other.base)];
    let mut sending = JoinSet::new();
    for n in 0..8_usize {
        let sender = senders[n % 2].clone();
        sending.spawn(async move { export(&sender, &[of("shop", &[&format!("line {n}")])]).await });
    }
    for reply in sending.join_all().await {
        assert_stored(&reply);
    }
    let places = places(&app.db).await;
    assert_eq!(places.len(), 8);
    assert!(
        places.iter().all(|(_, place)| place == "shop/production"),
        "{places:?}"
    );
    assert_eq!(services(&app, &app.org).await, ["default", "shop"]);
}

#[tokio::test]
async fn a_service_of_the_same_name_in_another_organisation_gets_nothing() {
    let app = TestApp::start().await;
    let other = Fixture::org(&app.db).await;
    other.insert_service(&app.db, "shop").await;
    other.insert_service(&app.db, "cart").await;
    let sender = sender(&app, &with(&CREATE)).await;
    assert_stored(&export(&sender, &[of("shop", &["a"]), of("default", &["b"])]).await);
    let lines = testkit::stored::lines(&app.db).await;
    assert!(lines.iter().all(|line| line.scope.org_id == app.org.org_id));
    assert_eq!(lines.len(), 2);
    assert_eq!(services(&app, &other).await, ["default", "shop", "cart"]);
}

#[tokio::test]
async fn a_service_that_was_deleted_gets_nothing_more_within_a_second() {
    let app = TestApp::start().await;
    let (shop, _) = app.org.insert_service(&app.db, "shop").await;
    let sender = sender(&app, &with(&ROUTE)).await;
    assert_stored(&export(&sender, &[of("shop", &["before"])]).await);
    let delete = "DELETE FROM services WHERE id = $1";
    app.db.owner().await.execute(delete, &[&shop]).await.unwrap();
    let deleted = Instant::now();
    for n in 0.. {
        let asked = deleted.elapsed();
        let text = format!("after {n}");
        let reply = export(&sender, &[of("shop", &[&text])]).await;
        if reply.body != json!({}) {
            assert_warned(
                &reply,
                "1 line of service \"shop\" (there is none, and the API key may not make it)",
            );
            break;
        }
        assert!(asked < Duration::from_secs(1), "still routed after {asked:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_stored_once_wherever_its_lines_went() {
    let app = TestApp::start().await;
    let sender = sender(&app, &with(&CREATE))
        .await
        .with_header("Idempotency-Key", "batch 1");
    let resources = [of("shop", &["a"]), resource(&[], &["b"])];
    for _ in 0..2 {
        assert_stored(&export(&sender, &resources).await);
    }
    let expected = [("a", "shop/production"), ("b", "default/production")];
    assert_eq!(places(&app.db).await, placed(&expected));
}

#[tokio::test]
async fn a_request_of_which_one_service_cannot_be_stored_is_not_stored_at_all() {
    let app = TestApp::start().await;
    app.db
        .owner()
        .await
        .batch_execute("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK (message <> 'poison')")
        .await
        .unwrap();
    let sender = sender(&app, &with(&CREATE)).await;
    let many: Vec<String> = (0..40).map(|n| format!("many {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let reply = export(
        &sender,
        &[resource(&[], &["a"]), of("shop", &["poison"]), of("cart", &many)],
    )
    .await;
    reply.assert_status(400);
    assert_eq!(app.total().await, 0);
    assert_stored(&export(&sender, &[resource(&[], &["a"]), of("cart", &many)]).await);
    assert_eq!(app.total().await, 41);
}

#[tokio::test]
async fn lines_are_held_to_the_retention_of_the_service_that_they_go_to() {
    let app = TestApp::start().await;
    app.org.insert_service(&app.db, "shop").await;
    let shorten = "UPDATE services SET retention_days = 7 WHERE name = 'shop'";
    app.db.owner().await.execute(shorten, &[]).await.unwrap();
    let sender = sender(&app, &with(&ROUTE)).await;
    let ten_days = 10 * 24 * 3600 * 1_000_000_000_i64;
    let old = |mut resource: Value| {
        let at = (moment(1).0 - ten_days).to_string();
        resource["scopeLogs"][0]["logRecords"][0]["timeUnixNano"] = at.into();
        resource
    };
    let resources = [
        old(resource(&[], &["a"])),
        old(of("shop", &["b"])),
        old(resource(&[], &["c"])),
    ];
    let reply = export(&sender, &resources).await;
    let partial = &reply.assert_status(200).body["partialSuccess"];
    assert_eq!(partial["rejectedLogRecords"], "1");
    assert!(
        partial["errorMessage"]
            .as_str()
            .unwrap()
            .starts_with("line 1: timestamp")
    );
    let here = "default/production";
    assert_eq!(places(&app.db).await, placed(&[("a", here), ("c", here)]));
}

#[tokio::test]
async fn lines_count_once_against_the_limit_of_their_key() {
    let app = TestApp::start().await;
    let spec = KeySpec {
        rate_limit_per_minute: Some(4),
        ..with(&CREATE)
    };
    let sender = sender(&app, &spec).await;
    let four = [
        of("a", &["1"]),
        of("b", &["2"]),
        of("c", &["3"]),
        resource(&[], &["4"]),
    ];
    assert_stored(&export(&sender, &four).await);
    let refused = export(&sender, &[of("d", &["5"])]).await;
    refused.assert_status(429);
    assert_eq!(
        services(&app, &app.org).await,
        ["default", "a", "b", "c"],
        "what is refused makes nothing"
    );
}

#[tokio::test]
async fn one_request_names_so_many_services_and_no_more() {
    let app = TestApp::start().await;
    let sender = sender(&app, &with(&CREATE)).await;
    let resources: Vec<Value> = (0..103)
        .map(|n| of(&format!("service {n}"), &[&format!("line {n}")]))
        .collect();
    assert_warned(
        &export(&sender, &resources).await,
        "3 lines (a request may name 100 services and environments; send smaller requests)",
    );
    let places = places(&app.db).await;
    let stayed = places.iter().filter(|(_, place)| place == "default/production");
    assert_eq!((places.len(), stayed.count()), (103, 3));
}
