//! As much of ingest as the protocol needs, by hand, since the real one would not misbehave. On plain threads: some tests
//! have no async runtime, and that is their point.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sightline::{Builder, Client};

pub(crate) const API_KEY: &str = "slk_canary";

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) at: Instant,
    /// The request line.
    pub(crate) head: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) raw: Vec<u8>,
    /// Decompressed.
    pub(crate) lines: Vec<Value>,
}

impl Request {
    pub(crate) fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }

    pub(crate) fn messages(&self) -> Vec<&str> {
        self.lines
            .iter()
            .map(|line| line["message"].as_str().unwrap())
            .collect()
    }
}

/// What the server does with a request.
pub(crate) enum Answer {
    /// As ingest, when all lines are good.
    Stored,
    /// As ingest, when these are not.
    Rejected(Vec<(usize, &'static str, &'static str)>),
    /// Status, one more header or none, body.
    Other(u16, &'static str, String),
    /// Reads, and says nothing for as long as the connection lasts.
    Silence,
    /// Reads, and closes the connection.
    Hangup,
}

impl Answer {
    /// With ingest's error envelope.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        let body = format!(r#"{{"error":{{"code":"X","message":"{message}"}},"correlation_id":"c"}}"#);
        Self::Other(status, "", body)
    }

    fn text(&self, lines: usize) -> Option<String> {
        let (status, header, body) = match self {
            Self::Stored => (200, "", accepted(lines, &[])),
            Self::Rejected(rejected) => (200, "", accepted(lines, rejected)),
            Self::Other(status, header, body) => (*status, *header, body.clone()),
            Self::Silence | Self::Hangup => return None,
        };
        let header = if header.is_empty() {
            String::new()
        } else {
            format!("{header}\r\n")
        };
        let length = body.len();
        Some(format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{header}\r\n{body}"
        ))
    }
}

fn accepted(lines: usize, rejected: &[(usize, &str, &str)]) -> String {
    let listed: Vec<_> = rejected
        .iter()
        .map(|(index, field, reason)| serde_json::json!({"index": index, "field": field, "reason": reason}))
        .collect();
    serde_json::json!({"data": {"accepted": lines - rejected.len(), "rejected": listed}}).to_string()
}

/// Answers by a function of the request and its number, from 0.
pub(crate) struct FakeIngest {
    addr: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeIngest {
    pub(crate) fn start(answer: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(&stream.unwrap(), &seen, answer.as_ref()));
            }
        });
        Self { addr, requests }
    }

    /// Stores whatever comes.
    pub(crate) fn good() -> Self {
        Self::start(|_, _| Answer::Stored)
    }

    /// A client with pauses that a test can wait for.
    pub(crate) fn client(&self) -> Builder {
        client_of(&format!("http://{}", self.addr))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Every line that came, as often as it came.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.requests()
            .into_iter()
            .flat_map(|request| request.lines)
            .collect()
    }
}

pub(crate) fn client_of(endpoint: &str) -> Builder {
    Client::builder(endpoint, API_KEY)
        .batch_max_age(Duration::from_millis(20))
        .backoff(Duration::from_millis(5), Duration::from_millis(20))
        .request_timeout(Duration::from_secs(10))
}

/// The address of a server that is not there.
pub(crate) fn nobody() -> String {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{addr}")
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(usize, &Request) -> Answer + Send + Sync),
) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let number = {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(request.clone());
            seen.len() - 1
        };
        let answer = answer(number, &request);
        match answer.text(request.lines.len()) {
            Some(text) => {
                if (&*stream).write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            None if matches!(answer, Answer::Hangup) => return,
            // Until the client has gone.
            None => {
                let _ = reader.read(&mut [0]);
                return;
            }
        }
    }
}

/// `None` when the client has gone.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut head = String::new();
    reader.read_line(&mut head).ok().filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut raw = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut raw).ok()?;
    let plain = match headers.get("content-encoding").map(String::as_str) {
        Some("zstd") => zstd::stream::decode_all(raw.as_slice()).unwrap(),
        Some("gzip") => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(raw.as_slice())
                .read_to_end(&mut plain)
                .unwrap();
            plain
        }
        None => raw.clone(),
        Some(other) => panic!("nobody asked for {other}"),
    };
    let lines = plain.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Some(Request {
        at: Instant::now(),
        head: head.trim_end().to_owned(),
        headers,
        lines: lines.map(|line| serde_json::from_slice(line).unwrap()).collect(),
        raw,
    })
}
