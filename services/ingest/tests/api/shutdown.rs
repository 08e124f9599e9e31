//! Stopping: what was accepted is answered.

use std::time::Duration;

use testkit::eventually;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::raw::{answer, begin, wanted};
use crate::test_app::{TestApp, logs};

#[tokio::test]
async fn a_stop_answers_and_stores_every_request_that_was_accepted() {
    let TestApp { db, org, replica } = TestApp::start().await;
    let mut accepted = Vec::new();
    for n in 0..20 {
        let body = logs(&[&format!("request {n:02}")]).to_string();
        let headers = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
        let mut stream = begin(&replica, org.api_key(), &headers).await;
        wanted(&mut stream).await;
        accepted.push((stream, body));
    }
    let addr = replica.running.addr;
    let stopping = tokio::spawn(replica.running.stop());
    eventually(
        Duration::from_secs(10),
        "the door to close",
        async || match TcpStream::connect(addr).await {
            Ok(_) => Err("open"),
            Err(_) => Ok(()),
        },
    )
    .await;
    for (mut stream, body) in accepted {
        stream.write_all(body.as_bytes()).await.unwrap();
        let (status, body) = answer(stream).await;
        assert_eq!((status, &body["data"]["accepted"]), (200, &1.into()), "{body}");
    }
    tokio::time::timeout(Duration::from_secs(20), stopping)
        .await
        .expect("it stops")
        .unwrap()
        .unwrap();
    assert_eq!(testkit::stored::messages(&db).await.len(), 20);
}
