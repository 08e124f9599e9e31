//! Syslog over TCP and UDP, as rsyslog, syslog-ng and network gear send it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::test_app::{Replica, TestApp, described, moment};

/// An ingest that takes syslog.
struct Syslog {
    app: TestApp,
    addr: SocketAddr,
}

/// An address that is free for TCP and UDP.
pub(crate) fn free_addr() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

impl Syslog {
    async fn start(with_key: bool, settings: &[(&str, &str)]) -> Self {
        let mut app = TestApp::start().await;
        let addr = free_addr();
        let (text, key) = (addr.to_string(), app.org.api_key().to_owned());
        let mut all = vec![
            ("--syslog-tcp-addr", text.as_str()),
            ("--syslog-udp-addr", text.as_str()),
        ];
        if with_key {
            all.push(("--syslog-api-key", key.as_str()));
        }
        all.extend(settings);
        app.replica = Replica::start(&app.db.url_for("sightline_ingest"), &all).await;
        Self { app, addr }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn wait_for(&self, lines: usize) -> Vec<Value> {
        eventually(Duration::from_secs(10), "the lines to be stored", async || {
            let stored = self.app.stored().await;
            if stored.len() == lines {
                Ok(stored)
            } else {
                Err(described(&stored))
            }
        })
        .await
    }
}

fn message(n: i64, text: &str) -> String {
    format!("<11>1 {} h-1 app 42 ID [meta@1 k=\"v\"] {text}", moment(n).1)
}

fn expected(n: i64, text: &str) -> Value {
    json!({"ts": moment(n).1, "level": 4, "message": text, "trace_id": null, "meta": {"host": "h-1", "app": "app",
        "procid": 42, "msgid": "ID", "facility": "user", "meta@1": {"k": "v"}}})
}

#[tokio::test]
async fn messages_come_by_line_and_by_count() {
    let syslog = Syslog::start(true, &[]).await;
    let mut stream = syslog.connect().await;
    let counted = message(2, "two\nlines");
    let text = format!(
        "{}\n{} {counted}{}\n",
        message(1, "one"),
        counted.len(),
        message(3, "three")
    );
    let (begin, end) = text.split_at(text.len() / 2);
    stream.write_all(begin.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream.write_all(end.as_bytes()).await.unwrap();
    let lines = syslog.wait_for(3).await;
    assert_eq!(
        lines,
        [
            expected(1, "one"),
            expected(2, "two\nlines"),
            expected(3, "three")
        ]
    );
    // The last line of a connection needs no end.
    stream.write_all(message(4, "four").as_bytes()).await.unwrap();
    drop(stream);
    assert_eq!(syslog.wait_for(4).await[3], expected(4, "four"));
}

#[tokio::test]
async fn datagrams_are_stored() {
    let syslog = Syslog::start(true, &[]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for n in 1..=3 {
        let text = message(n, &n.to_string());
        socket.send_to(text.as_bytes(), syslog.addr).await.unwrap();
    }
    socket
        .send_to(b"<14>no more than this \xFF\0\n", syslog.addr)
        .await
        .unwrap();
    let lines = syslog.wait_for(4).await;
    assert_eq!(lines[..3], [expected(1, "1"), expected(2, "2"), expected(3, "3")]);
    assert_eq!(lines[3]["level"], 2);
}

#[tokio::test]
async fn a_key_in_the_structured_data_is_used_and_not_stored() {
    let syslog = Syslog::start(false, &[]).await;
    let key = syslog.app.org.api_key();
    let text = format!("<14>1 - h - - - [sightline@1 token=\"{key}\"] with its own key\n");
    let mut stream = syslog.connect().await;
    stream.write_all(text.as_bytes()).await.unwrap();
    let line = syslog.wait_for(1).await.remove(0);
    assert_eq!(
        (&line["message"], &line["meta"]),
        (
            &json!("with its own key"),
            &json!({"host": "h", "facility": "user"})
        )
    );
}

#[tokio::test]
async fn a_sender_without_a_key_is_cut_off() {
    let syslog = Syslog::start(false, &[]).await;
    for text in [
        "<14>no key\n".to_owned(),
        format!("<14>1 - - - - - [sightline@1 token=\"{}\"] m\n", "slk_x"),
    ] {
        let mut stream = syslog.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0])).await;
        assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
    }
    assert_eq!(syslog.app.total().await, 0);
}

#[tokio::test]
async fn garbage_and_long_lines_cost_only_themselves() {
    let syslog = Syslog::start(true, &[]).await;
    let mut stream = syslog.connect().await;
    let mut bytes = vec![b'x'; 200_000];
    bytes.extend(b"\n\0\0\n\xFF\xFE<<<1>>>[[\n999999 <1>");
    bytes.extend(vec![b'y'; 999_996]);
    bytes.extend(message(1, "after").as_bytes());
    bytes.push(b'\n');
    stream.write_all(&bytes).await.unwrap();
    let lines = syslog.wait_for(2).await;
    assert!(lines.contains(&expected(1, "after")), "{lines:?}");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_held() {
    let syslog = Syslog::start(true, &[("--syslog-max-connections", "1")]).await;
    let mut first = syslog.connect().await;
    first.write_all(b"<14>first\n").await.unwrap();
    syslog.wait_for(1).await;
    let mut second = syslog.connect().await;
    let closed = tokio::time::timeout(Duration::from_secs(5), second.read(&mut [0])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
    first.write_all(b"<14>still here\n").await.unwrap();
    syslog.wait_for(2).await;
}

#[tokio::test]
async fn a_sender_over_its_limit_waits_and_nothing_is_lost() {
    let syslog = Syslog::start(true, &[("--max-queued-bytes", "20000")]).await;
    let mut stream = syslog.connect().await;
    let text = "x".repeat(4_000);
    let lines: String = (0..30).map(|n| message(n, &text) + "\n").collect();
    stream.write_all(lines.as_bytes()).await.unwrap();
    syslog.wait_for(30).await;
}

#[tokio::test]
async fn what_has_arrived_is_stored_when_the_service_stops() {
    let Syslog { app, addr } = Syslog::start(true, &[]).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"<14>before the end\n").await.unwrap();
    eventually(Duration::from_secs(5), "the line", async || {
        let total = app.total().await;
        if total == 1 { Ok(()) } else { Err(total) }
    })
    .await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), app.replica.running.stop()).await;
    stopped.expect("an open connection holds nothing up").unwrap();
}

/// A certificate for this machine, made for this test, in files.
struct Certificate {
    folder: tempfile::TempDir,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Certificate {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let der = made.cert.der().clone();
        Self { folder, der }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn connect(&self, addr: SocketAddr) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(addr).await.unwrap();
        let name = "localhost".try_into().unwrap();
        tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn messages_come_encrypted() {
    let certificate = Certificate::new();
    let addr = free_addr();
    let (text, cert, key) = (
        addr.to_string(),
        certificate.path("cert.pem"),
        certificate.path("key.pem"),
    );
    let settings = [
        ("--syslog-tls-addr", text.as_str()),
        ("--syslog-tls-cert", cert.as_str()),
        ("--syslog-tls-key", key.as_str()),
    ];
    let syslog = Syslog::start(true, &settings).await;
    let mut plain = TcpStream::connect(addr).await.unwrap();
    plain
        .write_all(b"<14>not encrypted, and so never read\n")
        .await
        .unwrap();
    let mut stream = certificate.connect(addr).await;
    let counted = message(1, "encrypted");
    let frame = format!("{} {counted}", counted.len());
    stream.write_all(frame.as_bytes()).await.unwrap();
    assert_eq!(syslog.wait_for(1).await, [expected(1, "encrypted")]);
}
