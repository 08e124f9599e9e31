//! One organisation's lines, and nobody else's: with row-level security, and without it.

use domain::level::Level;
use domain::role::Role;
use testkit::{Client, Fixture, TestDb, TokenSpec};

use crate::test_app::{TestApp, messages, now};

/// Two organisations with a line each.
async fn two_tenants(app: &TestApp) -> (Fixture, Fixture) {
    let (a, b) = (Fixture::org(&app.db).await, Fixture::org(&app.db).await);
    app.store(a.scope(), &[(now(), Level::Info, "of a")]).await;
    app.store(b.scope(), &[(now(), Level::Info, "of b")]).await;
    (a, b)
}

async fn sees(client: &Client, query: &str) -> Vec<String> {
    let data = client.get(&format!("/api/logs/query{query}")).await.data();
    messages(&data).into_iter().map(str::to_owned).collect()
}

async fn assert_separate(app: &TestApp) {
    let (a, b) = two_tenants(app).await;
    let mut clients = Vec::new();
    for role in Role::ALL {
        clients.push(app.anyone().with_cookie(a.cookie(role)));
        let person = a.person(role).user_id;
        let (_, token) = a.insert_token(&app.db, person, &TokenSpec::default()).await;
        clients.push(app.anyone().with_bearer(&token));
        clients.push(app.anyone().with_basic("grafana", &token));
    }
    for client in clients {
        assert_eq!(sees(&client, "").await, ["of a"]);
        assert_eq!(sees(&client, "?q=of").await, ["of a"]);
        assert_eq!(
            sees(&client, &format!("?service_id={}", a.service_id)).await,
            ["of a"]
        );
        for foreign in [
            format!("?service_id={}", b.service_id),
            format!("?environment_id={}", b.production),
            format!("?service_id={}&environment_id={}", a.service_id, b.production),
            format!("?service_id={}&environment_id={}", b.service_id, a.production),
        ] {
            let reply = client.get(&format!("/api/logs/query{foreign}")).await;
            reply.assert_error(404, "NOT_FOUND", "not found");
            let unknown = foreign.replace(&b.service_id.to_string(), &uuid::Uuid::new_v4().to_string());
            let unknown = unknown.replace(&b.production.to_string(), &uuid::Uuid::new_v4().to_string());
            let unknown = client.get(&format!("/api/logs/query{unknown}")).await;
            assert_eq!(
                unknown.body["error"], reply.body["error"],
                "foreign and unknown look the same"
            );
        }
    }
    let b = app.anyone().with_cookie(b.cookie(Role::Viewer));
    assert_eq!(sees(&b, "").await, ["of b"]);
}

#[tokio::test]
async fn nobody_sees_another_organisations_lines() {
    assert_separate(&TestApp::start().await).await;
}

#[tokio::test]
async fn nobody_does_even_where_row_level_security_does_not_apply() {
    let db = TestDb::create().await;
    let owner = db.owner_url();
    assert_separate(&TestApp::start_on(db, &[("--database-url", &owner)]).await).await;
}

#[tokio::test]
async fn a_cursor_of_another_organisation_shows_nothing_of_it() {
    let app = TestApp::start().await;
    let (a, b) = two_tenants(&app).await;
    app.store(b.scope(), &[(now(), Level::Info, "of b again")]).await;
    let b = app.anyone().with_cookie(b.cookie(Role::Viewer));
    let cursor = b.get("/api/logs/query?limit=1").await.next_cursor().unwrap();
    let a = app.anyone().with_cookie(a.cookie(Role::Viewer));
    let seen = sees(&a, &format!("?cursor={cursor}")).await;
    assert!(seen.iter().all(|message| message == "of a"), "{seen:?}");
}

#[tokio::test]
async fn only_members_search() {
    let app = TestApp::start().await;
    app.anyone()
        .get("/api/logs/query")
        .await
        .assert_error(401, "UNAUTHORIZED", "log in");
    app.anyone()
        .with_cookie("sls_nonsense")
        .get("/api/logs/query?limit=0")
        .await
        .assert_error(401, "UNAUTHORIZED", "log in");
    let org = Fixture::org(&app.db).await;
    app.anyone()
        .with_api_key(org.api_key())
        .get("/api/logs/query")
        .await
        .assert_status(401);
    let gone = org.person(Role::Viewer);
    let (_, token) = org
        .insert_token(&app.db, gone.user_id, &TokenSpec::default())
        .await;
    let sql = "DELETE FROM org_members WHERE user_id = $1";
    app.db.owner().await.execute(sql, &[&gone.user_id]).await.unwrap();
    app.anyone()
        .with_cookie(&gone.cookie)
        .get("/api/logs/query")
        .await
        .assert_status(403);
    app.anyone()
        .with_bearer(&token)
        .get("/api/logs/query")
        .await
        .assert_error(401, "UNAUTHORIZED", "left the organisation");
}
