use domain::ids::ServiceId;
use domain::role::Role;
use domain::token::TokenHash;
use testkit::{Fixture, KeySpec, TestDb};

async fn exists(name: &str) -> bool {
    let witness = TestDb::create().await;
    let owner = witness.owner().await;
    owner
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name])
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn two_databases_know_nothing_of_one_another() {
    let (one, other) = tokio::join!(TestDb::create(), TestDb::create());
    Fixture::org(&one).await;
    let count = "SELECT count(*) FROM orgs";
    assert_eq!(
        one.owner()
            .await
            .query_one(count, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        1
    );
    assert_eq!(
        other
            .owner()
            .await
            .query_one(count, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );
}

#[tokio::test]
async fn a_database_has_the_schema_that_services_want_and_every_role_can_log_in() {
    let test = TestDb::create().await;
    for role in db::migrations::SERVICE_ROLES {
        test.db(role).check().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_is_gone_after_its_test_even_with_open_connections() {
    let test = TestDb::create().await;
    let name = test.name().to_owned();
    let _still_open = test.owner().await;
    drop(test);
    assert!(!exists(&name).await);
}

#[tokio::test]
async fn a_database_is_gone_after_a_panic() {
    let test = TestDb::create().await;
    let name = test.name().to_owned();
    let panicked = tokio::spawn(async move {
        let _held = test;
        panic!("this panic is the test");
    });
    panicked.await.unwrap_err();
    assert!(!exists(&name).await);
}

#[tokio::test]
async fn the_sessions_of_a_fixture_are_valid_and_belong_to_their_organisation() {
    let test = TestDb::create().await;
    let (a, b) = (Fixture::org(&test).await, Fixture::org(&test).await);
    let conn = test.db("sightline_query").conn("test").await.unwrap();
    for (fixture, role) in [(&a, Role::Admin), (&a, Role::Viewer), (&b, Role::Developer)] {
        let row = conn
            .query_one(
                "SELECT org_id, role FROM auth_session($1, interval '1 hour')",
                &[&TokenHash::of(fixture.cookie(role)).as_bytes()],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, domain::ids::OrgId>("org_id"), fixture.org_id);
        assert_eq!(row.get::<_, Role>("role"), role);
    }
}

#[tokio::test]
async fn keys_are_found_with_the_state_they_were_made_with() {
    let test = TestDb::create().await;
    let org = Fixture::org(&test).await;
    let ingest = test.db("sightline_ingest");
    let conn = ingest.conn("test").await.unwrap();
    let usual = db::auth::find_api_key(&conn, TokenHash::of(org.api_key()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (usual.id, usual.scope, usual.revoked, usual.expired),
        (org.api_key_id(), org.scope(), false, false)
    );
    let spec = KeySpec {
        environment_id: Some(org.staging),
        revoked: true,
        expires_in: Some(time::Duration::MINUTE * -1),
        rate_limit_per_minute: Some(7),
        ..KeySpec::default()
    };
    let (_, raw) = org.insert_key(&test, &spec).await;
    let odd = db::auth::find_api_key(&conn, TokenHash::of(&raw))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (odd.scope.environment_id, odd.revoked, odd.expired),
        (org.staging, true, true)
    );
    assert_eq!(odd.rate_limit_per_minute, Some(7));
}

#[tokio::test]
async fn row_level_security_holds_for_services_and_not_for_the_owner() {
    let test = TestDb::create().await;
    let (a, b) = (Fixture::org(&test).await, Fixture::org(&test).await);
    let identity = test.db("sightline_identity");
    let mut conn = identity.conn("test").await.unwrap();
    let tx = conn.tenant(a.org_id).await.unwrap();
    let visible: Vec<ServiceId> = tx
        .query("SELECT id FROM services", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(visible, [a.service_id]);
    let all = test
        .owner()
        .await
        .query("SELECT id FROM services", &[])
        .await
        .unwrap();
    assert_eq!(
        all.len(),
        2,
        "the owner sees {} and {}",
        a.service_id,
        b.service_id
    );
}
