//! As much of an HTTP server as a receiver needs, by hand: a library would not let it misbehave.

use std::io::{Error, ErrorKind, Result};

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Answer, Verdict};

/// No request of ours comes near this.
const MAX_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A header's text, empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The body, where it is declared as JSON and is.
    pub(super) fn json(&self) -> std::result::Result<serde_json::Value, String> {
        if !self.is_json() {
            return Err("the content type is not application/json".into());
        }
        serde_json::from_slice(&self.body).map_err(|error| format!("not JSON: {error}"))
    }

    /// Whether the body is declared as JSON.
    pub(super) fn is_json(&self) -> bool {
        let declared = self
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        declared
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    }
}

pub(super) async fn read_request(stream: &mut TcpStream) -> Result<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = std::str::from_utf8(&bytes[..head_end])
        .map_err(|_bytes| malformed("the head is not text"))?
        .to_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
        return Err(malformed("the request line"));
    };
    let headers = read_headers(lines)?;
    bytes.drain(..head_end + 4);
    let body = if headers
        .get(TRANSFER_ENCODING)
        .is_some_and(|value| value.as_bytes() == b"chunked")
    {
        read_chunks(stream, bytes).await?
    } else {
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(0);
        while bytes.len() < length {
            read_more(stream, &mut bytes).await?;
        }
        bytes.truncate(length);
        bytes
    };
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body,
    })
}

fn read_headers<'a>(lines: impl Iterator<Item = &'a str>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| malformed("a header without a colon"))?;
        let name: HeaderName = name.parse().map_err(|_name| malformed("a header's name"))?;
        headers.append(
            name,
            HeaderValue::from_str(value.trim()).map_err(|_value| malformed("a header's value"))?,
        );
    }
    Ok(headers)
}

async fn read_chunks(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        while find(&bytes, b"\r\n").is_none() {
            read_more(stream, &mut bytes).await?;
        }
        let line_end = find(&bytes, b"\r\n").unwrap();
        let line = String::from_utf8_lossy(&bytes[..line_end]).into_owned();
        let size = line
            .split(';')
            .next()
            .and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        let size = size
            .filter(|size| *size <= MAX_BYTES)
            .ok_or_else(|| malformed("a chunk's size"))?;
        while bytes.len() < line_end + 2 + size + 2 {
            read_more(stream, &mut bytes).await?;
        }
        body.extend_from_slice(&bytes[line_end + 2..line_end + 2 + size]);
        bytes.drain(..line_end + 2 + size + 2);
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    if bytes.len() > MAX_BYTES {
        return Err(malformed("too long"));
    }
    match stream.read_buf(bytes).await? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn malformed(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// Gives the answer, and stays until the sender has gone where the answer is to keep it waiting. A sender that left
/// early is its own business, so errors are nobody's.
pub(super) async fn answer(stream: &mut TcpStream, answer: &Answer, usual: &Verdict) {
    let _ = match answer {
        Answer::Usual => whole(stream, usual.status, usual.content_type, "", &usual.body).await,
        Answer::Status(status) => whole(stream, *status, "text/plain", "", "").await,
        Answer::RetryAfter(status, when) => {
            whole(
                stream,
                *status,
                "text/plain",
                &format!("Retry-After: {when}\r\n"),
                "",
            )
            .await
        }
        Answer::Redirect(to) => whole(stream, 307, "text/plain", &format!("Location: {to}\r\n"), "").await,
        Answer::Late(_, then) => {
            Box::pin(async {
                self::answer(stream, then, usual).await;
                Ok(())
            })
            .await
        }
        Answer::Silence => until_gone(stream).await,
        Answer::HangAfterHeaders => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n";
            match stream.write_all(head.as_bytes()).await {
                Ok(()) => until_gone(stream).await,
                error => error,
            }
        }
        Answer::Reset => stream.set_zero_linger(),
        Answer::Endless => endless(stream).await,
    };
}

async fn whole(stream: &mut TcpStream, status: u16, kind: &str, more: &str, body: &str) -> Result<()> {
    let reason = reqwest::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n",
        reason.unwrap_or("Unknown"),
        body.len(),
    );
    // 204 has no body and must not announce one.
    let head = if status == 204 {
        head.replace("Content-Length: 0\r\n", "")
    } else {
        head
    };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

async fn endless(stream: &mut TcpStream) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

async fn until_gone(stream: &mut TcpStream) -> Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
