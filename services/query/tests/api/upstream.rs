//! A service behind the gateway, played by a server that remembers what it got.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::sync::watch;

/// What a request looked like on arrival.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query, as they stood in the request line.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Seen {
    /// All values of a header, joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(found, _)| found == name);
        values
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join(" | ")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(found, _)| found == name)
    }
}

struct Memory {
    name: &'static str,
    seen: Mutex<Vec<Seen>>,
    /// Bytes of bodies that arrived so far.
    received: watch::Sender<usize>,
    /// Bodies that broke off.
    broken: watch::Sender<usize>,
    /// Steps that a `/stream` answer may make.
    steps: watch::Sender<usize>,
    ready: watch::Sender<bool>,
}

/// A server on a port of its own. Answers by the end of the path:
/// `/hang` never, `/stream` in steps, `/early` without reading the body, `/redirect`, `/cookies`, `/empty`, `/broken`
/// with a body that ends too soon (after a step), and with its own name otherwise.
pub(crate) struct Upstream {
    pub(crate) base: String,
    memory: Arc<Memory>,
    handle: actix_web::dev::ServerHandle,
}

impl Upstream {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let memory = Arc::new(Memory {
            name,
            seen: Mutex::default(),
            received: watch::channel(0).0,
            broken: watch::channel(0).0,
            steps: watch::channel(0).0,
            ready: watch::channel(true).0,
        });
        let shared = web::Data::from(Arc::clone(&memory));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(answer))
        })
        .listen(listener)
        .unwrap()
        .workers(1)
        .disable_signals()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base, memory, handle }
    }

    /// Requests so far, health checks left out.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.memory.seen.lock().unwrap().clone()
    }

    /// The only request so far.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// Waits until this many bytes of bodies have arrived.
    pub(crate) async fn received(&self, bytes: usize) {
        let mut received = self.memory.received.subscribe();
        let wait = received.wait_for(|total| *total >= bytes);
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap()
            .unwrap();
    }

    /// Waits until this many bodies broke off.
    pub(crate) async fn broken(&self, bodies: usize) {
        let mut broken = self.memory.broken.subscribe();
        let wait = broken.wait_for(|total| *total >= bodies);
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap()
            .unwrap();
    }

    /// Lets streamed answers make one more step.
    pub(crate) fn step(&self) {
        self.memory.steps.send_modify(|steps| *steps += 1);
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.memory.ready.send_replace(ready);
    }

    /// Goes down, breaking off what runs.
    pub(crate) async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

async fn answer(req: HttpRequest, mut payload: web::Payload, memory: web::Data<Memory>) -> HttpResponse {
    if req.path() == "/readyz" {
        return if *memory.ready.borrow() {
            HttpResponse::Ok().finish()
        } else {
            HttpResponse::ServiceUnavailable().finish()
        };
    }
    let headers = req.headers().iter();
    memory.seen.lock().unwrap().push(Seen {
        method: req.method().to_string(),
        target: req.uri().to_string(),
        headers: headers
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
    });
    let kind = req.path().rsplit('/').next().unwrap_or_default().to_owned();
    if kind == "early" {
        return HttpResponse::PayloadTooLarge().json(json!({"error": {"code": "PAYLOAD_TOO_LARGE"}}));
    }
    let mut bytes = 0;
    while let Some(piece) = payload.next().await {
        let Ok(piece) = piece else {
            memory.broken.send_modify(|total| *total += 1);
            return HttpResponse::BadRequest().finish();
        };
        bytes += piece.len();
        memory.received.send_modify(|total| *total += piece.len());
    }
    match kind.as_str() {
        "hang" => std::future::pending().await,
        "stream" => HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(steps(memory.steps.subscribe())),
        "broken" => HttpResponse::Ok().body(SizedStream::new(8, half(memory.steps.subscribe()))),
        "redirect" => HttpResponse::Found()
            .insert_header(("location", "http://127.0.0.1:1/elsewhere"))
            .finish(),
        "empty" => HttpResponse::NoContent().finish(),
        "cookies" => HttpResponse::Ok()
            .append_header((
                "set-cookie",
                "sightline_session=abc; Path=/; HttpOnly; SameSite=Lax",
            ))
            .append_header(("set-cookie", "other=1"))
            .append_header(("x-request-id", "theirs"))
            .append_header(("etag", "\"v1\""))
            .json(json!({"data": memory.name})),
        _ => HttpResponse::Ok().json(json!({"data": memory.name, "bytes": bytes})),
    }
}

/// One numbered piece per step.
fn steps(steps: watch::Receiver<usize>) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold((steps, 0), |(mut steps, done)| async move {
        steps.wait_for(|allowed| *allowed > done).await.ok()?;
        Some((Ok(Bytes::from(format!("data: {done}\n\n"))), (steps, done + 1)))
    })
}

/// A body's first half, and after a step its failure.
fn half(mut steps: watch::Receiver<usize>) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    let gone = async move {
        let _ = steps.wait_for(|allowed| *allowed > 0).await;
        Err(std::io::Error::other("gone"))
    };
    stream::once(async { Ok(Bytes::from("half")) }).chain(stream::once(gone))
}
