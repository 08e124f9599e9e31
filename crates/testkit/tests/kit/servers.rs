use std::time::Duration;

use testkit::{PrivatePostgres, PrivateRabbit, TestDb, eventually};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_private_postgres_is_broken_and_mended_without_losing_a_commit() {
    let server = PrivatePostgres::start().await;
    let test = TestDb::create_on(&server.url()).await;
    let owner = test.owner().await;
    owner
        .batch_execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)")
        .await
        .unwrap();

    server.pause();
    tokio::time::timeout(Duration::from_millis(300), owner.batch_execute("SELECT 1"))
        .await
        .unwrap_err();
    server.resume();
    owner.batch_execute("INSERT INTO kept VALUES (2)").await.unwrap();

    server.kill().await;
    owner.batch_execute("SELECT 1").await.unwrap_err();
    server.start_again().await;
    let count = test
        .owner()
        .await
        .query_one("SELECT count(*) FROM kept", &[])
        .await
        .unwrap();
    assert_eq!(count.get::<_, i64>(0), 2);

    server.restart().await;
    test.owner().await.batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_private_rabbit_comes_and_goes_at_one_address() {
    let server = PrivateRabbit::start().await;
    let url: url::Url = server.amqp_url().parse().unwrap();
    let addr = (url.host_str().unwrap().to_owned(), url.port().unwrap());
    TcpStream::connect(&addr).await.unwrap();
    server.kill().await;
    TcpStream::connect(&addr).await.unwrap_err();
    server.start_again().await;
    eventually(SOON, "the broker to listen again", async || {
        TcpStream::connect(&addr).await.map(|_| ())
    })
    .await;
    assert!(server.ctl(&["list_queues"]).await.contains("Listing queues"));
}
