//! `GET /loki/api/v1/tail`, with a client of websockets.

use std::time::Duration;

use domain::level::Level;
use domain::role::Role;
use futures_util::StreamExt as _;
use serde_json::Value;
use testkit::TokenSpec;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::loki::Shop;
use crate::test_app::{TestApp, now};

const A_WHILE: Duration = Duration::from_secs(20);

struct Tail(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Tail {
    /// The status of the refusal if there is one.
    async fn open(app: &TestApp, query: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let base = app.base.replace("http://", "ws://");
        let url = format!("{base}/loki/api/v1/tail?query={query}&limit=2");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn frame(&mut self) -> Value {
        loop {
            let message = timeout(A_WHILE, self.0.next()).await.unwrap().unwrap().unwrap();
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The texts of this many lines, as they come.
    async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let frame = self.frame().await;
            assert_eq!(frame["dropped_entries"], Value::Null);
            texts.extend(entries(&frame).map(|entry| entry[1].as_str().unwrap().to_owned()));
        }
        texts
    }
}

fn entries(frame: &Value) -> impl Iterator<Item = &Value> {
    let streams = frame["streams"].as_array().unwrap().iter();
    streams.flat_map(|stream| stream["values"].as_array().unwrap())
}

#[tokio::test]
async fn lines_from_before_come_first_and_new_ones_as_they_are_stored() {
    let shop = Shop::open().await;
    let person = shop.org.person(Role::Viewer).user_id;
    let (db, all) = (&shop.app.db, TokenSpec::default());
    let bearer = format!("Bearer {}", shop.org.insert_token(db, person, &all).await.1);
    let (stranger, _) = shop.app.org().await;
    let query = r#"{level=~"warn|info"} |= "cart" | logfmt | ms > 10"#;
    let mut tail = Tail::open(&shop.app, query, &[("authorization", &bearer)])
        .await
        .ok()
        .unwrap();
    let first = tail.frame().await;
    let mut before: Vec<&str> = entries(&first).map(|entry| entry[1].as_str().unwrap()).collect();
    before.sort_unstable();
    assert_eq!(before, ["cart viewed ms=12", "slow cart ms=900"]);
    let slow = first["streams"]
        .as_array()
        .unwrap()
        .iter()
        .find(|stream| stream["stream"]["ms"] == "900");
    assert_eq!(slow.unwrap()["values"][0][0], shop.nanos(2));
    shop.app
        .store(stranger.scope(), &[(now(), Level::Info, "cart of another ms=50")])
        .await;
    for message in ["cart ms=5", "card ms=50", "cart ms=50"] {
        shop.app
            .store(shop.org.scope(), &[(now(), Level::Info, message)])
            .await;
    }
    shop.app
        .store(shop.org.scope(), &[(now(), Level::Error, "cart ms=60")])
        .await;
    shop.app
        .store(shop.org.scope(), &[(now(), Level::Warn, "cart ms=70")])
        .await;
    assert_eq!(tail.texts(2).await, ["cart ms=50", "cart ms=70"]);
}

#[tokio::test]
async fn what_is_too_much_is_counted_among_the_dropped() {
    let app = TestApp::start().await;
    let (org, _) = app.org().await;
    let cookie = format!("sightline_session={}", org.cookie(Role::Viewer));
    let mut tail = Tail::open(&app, "{}", &[("cookie", &cookie)]).await.ok().unwrap();
    app.store(org.scope(), &[(now(), Level::Info, "first")]).await;
    assert_eq!(tail.texts(1).await, ["first"]);
    let lines = 25_000;
    app.store(org.scope(), &vec![(now(), Level::Info, "many"); lines])
        .await;
    let (mut came, mut dropped) = (0, 0);
    while came + dropped < lines {
        let frame = tail.frame().await;
        came += entries(&frame).count();
        for entry in frame["dropped_entries"].as_array().unwrap_or(&Vec::new()) {
            assert_eq!(entry["labels"]["reason"], "slow_reader");
            assert!(entry["timestamp"].as_str().unwrap().parse::<u64>().unwrap() > 1 << 60);
            dropped += entry["labels"]["lines"]
                .as_str()
                .unwrap()
                .parse::<usize>()
                .unwrap();
        }
    }
    assert_eq!(
        (came + dropped, dropped),
        (lines, 5_000),
        "as many as one look takes"
    );
}

#[tokio::test]
async fn a_websocket_is_refused_to_whom_it_should_be() {
    let app = TestApp::start().await;
    let (org, viewer) = app.org().await;
    let cookie = format!("sightline_session={}", org.cookie(Role::Viewer));
    let status =
        async |query: &str, headers: &[(&'static str, &str)]| Tail::open(&app, query, headers).await.err();
    assert_eq!(status("{}", &[]).await, Some(401));
    let of_a_page = |origin| [("cookie", cookie.as_str()), ("origin", origin)];
    assert_eq!(status("{}", &of_a_page("https://evil.example")).await, Some(403));
    assert_eq!(status("{}", &of_a_page(&app.base)).await, None);
    for query in ["", "{", "rate({}[1m])"] {
        assert_eq!(status(query, &of_a_page(&app.base)).await, Some(400), "{query}");
    }
    let reply = viewer.get("/loki/api/v1/tail?query=%7B%7D").await;
    reply.assert_status(400);
    assert!(
        reply.body.as_str().unwrap().contains("websocket"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn who_is_told_to_go_is_told_so() {
    let app = TestApp::start().await;
    let (org, _) = app.org().await;
    let cookie = format!("sightline_session={}", org.cookie(Role::Viewer));
    let mut tail = Tail::open(&app, "{}", &[("cookie", &cookie)]).await.ok().unwrap();
    let stopping = tokio::spawn(app.stop());
    let closed = timeout(A_WHILE, async {
        while let Some(Ok(message)) = tail.0.next().await {
            if let Message::Close(reason) = message {
                return reason.map(|reason| u16::from(reason.code));
            }
        }
        None
    });
    assert_eq!(closed.await.unwrap(), Some(1001), "going away");
    stopping.await.unwrap();
}
