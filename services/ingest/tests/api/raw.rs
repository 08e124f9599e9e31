//! Requests byte by byte, for what no well-behaved client does.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::test_app::{INGEST, Replica};

/// A connection on which a request's head was sent, and its body was not.
pub(crate) async fn begin(replica: &Replica, key: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(replica.running.addr).await.unwrap();
    let head = format!(
        "POST {INGEST} HTTP/1.1\r\nHost: ingest\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What comes back in the end: the status, and the body.
pub(crate) async fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    let reading = async {
        loop {
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).await.unwrap_or(0);
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(json) = serde_json::from_str(body)
            {
                return (head[9..12].parse().unwrap(), json);
            }
            assert!(read > 0, "the connection ended after {text:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .expect("an answer")
}

/// Waits until the server wants the body of a request that began with `Expect: 100-continue`.
pub(crate) async fn wanted(stream: &mut TcpStream) {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut interim = [0; CONTINUE.len()];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(interim, CONTINUE);
}
