//! The migrate program's promise: safe when several start at once, harmless when started again.

use db::migrations;
use testkit::TestDb;
use tokio_postgres::NoTls;

/// An empty database beside the test's own, dropped at the end.
async fn with_empty_database(test: impl AsyncFnOnce(&str)) {
    let db = TestDb::create().await;
    let owner = db.owner().await;
    let name = format!("{}_empty", db.name());
    owner
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await
        .unwrap();
    let url = db.owner_url().replace(db.name(), &name);
    test(&url).await;
    owner
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}

#[tokio::test]
async fn five_that_start_at_once_on_an_empty_database_all_succeed() {
    with_empty_database(async |url| {
        let runs = (0..5).map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { migrations::run(&url, Some(testkit::ROLE_PASSWORD)).await })
        });
        let mut applied = Vec::new();
        for run in runs.collect::<Vec<_>>() {
            applied.push(run.await.unwrap().expect("every run succeeds").len());
        }
        applied.sort_unstable();
        // Numbers are given out ahead, so there may be fewer of them than the newest one says.
        let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations"))
            .unwrap()
            .count();
        assert_eq!(
            applied,
            [0, 0, 0, 0, all],
            "one did the work, the others found nothing to do"
        );
    })
    .await;
}

#[tokio::test]
async fn a_service_refuses_a_schema_that_is_older_than_itself() {
    let db = TestDb::create().await;
    let service = db.db("sightline_query");
    service.check().await.expect("the schema is current");
    let newest = "DELETE FROM refinery_schema_history WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    db.owner().await.execute(newest, &[]).await.unwrap();
    let refusal = service
        .check()
        .await
        .expect_err("the schema is too old now")
        .to_string();
    assert!(refusal.contains("run the migrate program"), "{refusal}");
}

#[tokio::test]
async fn a_server_that_may_forget_commits_is_recognised() {
    let db = TestDb::create().await;
    let owner = db.owner().await;
    let set = format!(
        "ALTER ROLE sightline_query IN DATABASE {} SET synchronous_commit = ",
        db.name()
    );
    owner.batch_execute(&format!("{set} off")).await.unwrap();
    assert!(db.db("sightline_query").check_durable().await.is_err());
    let (client, connection) = tokio_postgres::connect(&db.owner_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let fsync: String = client.query_one("SHOW fsync", &[]).await.unwrap().get(0);
    owner.batch_execute(&format!("{set} on")).await.unwrap();
    // The test server itself runs without fsync for speed, and is recognised for it.
    assert_eq!(
        db.db("sightline_query").check_durable().await.is_ok(),
        fsync == "on"
    );
}
