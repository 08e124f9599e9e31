//! Syslog's ports. A message is stored like any other line, but nobody is told: by TCP the sender has to wait while nothing
//! can be stored, by UDP what cannot be stored is lost, and counted.

mod tls;

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut};
use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use service_kit::{ApiError, Kit};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::app::State;
use crate::config::SyslogConfig;
use crate::intake;
use crate::keys::IngestKey;
use crate::metrics::{self, Lost};
use crate::protocols::syslog::framing::{Frame, Framing, MAX_MESSAGE_BYTES};
use crate::protocols::syslog::{self, Messages};

/// A connection that was silent for longer is closed; senders connect again when they have something to say.
const IDLE: Duration = Duration::from_mins(15);
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What one connection holds in memory at most: a whole message, and as much again of those after it.
const BUFFER: usize = 2 * MAX_MESSAGE_BYTES;
/// Messages that are stored together.
const MAX_BATCH: usize = 1_000;
/// A datagram's largest size.
const MAX_DATAGRAM: usize = 65_535;
/// What datagrams may take in memory while they are collected.
const MAX_DATAGRAMS_BYTES: usize = 1024 * 1024;
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What all of syslog shares.
struct Syslog {
    kit: Kit,
    state: Arc<State>,
    /// Of messages that bring no key of their own.
    key: Option<SecretString>,
}

/// Opens the ports that are configured.
pub(crate) fn start(config: &SyslogConfig, kit: &Kit, state: &Arc<State>) -> anyhow::Result<()> {
    let syslog = Arc::new(Syslog {
        kit: kit.clone(),
        state: Arc::clone(state),
        key: config.syslog_api_key.clone(),
    });
    let places = Arc::new(Semaphore::new(config.syslog_max_connections));
    if let Some(addr) = config.syslog_tcp_addr {
        let listener = listen(addr).context("SYSLOG_TCP_ADDR")?;
        report("TCP", listener.local_addr()?);
        let accepting = accept(Arc::clone(&syslog), listener, None, Arc::clone(&places));
        kit.tasks.spawn(accepting);
    }
    if let Some(addr) = config.syslog_tls_addr {
        let tls = tls::acceptor(config)?;
        let listener = listen(addr).context("SYSLOG_TLS_ADDR")?;
        report("TLS", listener.local_addr()?);
        kit.tasks
            .spawn(accept(Arc::clone(&syslog), listener, Some(tls), places));
    }
    if let Some(addr) = config.syslog_udp_addr {
        let socket = std::net::UdpSocket::bind(addr).context("SYSLOG_UDP_ADDR")?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        report("UDP", socket.local_addr()?);
        kit.tasks.spawn(receive(syslog, socket));
    }
    Ok(())
}

fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn report(transport: &str, addr: SocketAddr) {
    tracing::info!(%addr, "syslog over {transport} is taken at {addr}");
}

async fn accept(
    syslog: Arc<Syslog>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
) {
    let stopping = syslog.kit.stopping.clone();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        let Ok((stream, _peer)) = accepted else {
            // Out of file descriptors, most likely; some will be free again.
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::debug!("a syslog connection was closed: there are too many");
            continue;
        };
        let (syslog, tls) = (Arc::clone(&syslog), tls.clone());
        syslog.kit.tasks.clone().spawn(async move {
            let _place = place;
            let Some(tls) = tls else {
                return syslog.serve(stream).await;
            };
            match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => syslog.serve(stream).await,
                Ok(Err(error)) => tracing::debug!("a syslog connection spoke no TLS: {error}"),
                Err(_elapsed) => tracing::debug!("a syslog connection took too long to speak TLS"),
            }
        });
    }
}

impl Syslog {
    /// Reads until the sender ends, or the service does. What has arrived whole is stored even then.
    async fn serve(&self, mut stream: impl AsyncRead + Unpin) {
        let (mut framing, mut buffer) = (Framing::default(), BytesMut::with_capacity(BUFFER));
        loop {
            let reading = tokio::time::timeout(IDLE, stream.read_buf(&mut buffer));
            let read = self.kit.stopping.run_until_cancelled(reading).await;
            let goes_on = matches!(read, Some(Ok(Ok(1..))));
            if !goes_on && !buffer.is_empty() && !buffer.ends_with(b"\n") {
                // The last line needs no end of its own.
                buffer.extend_from_slice(b"\n");
            }
            let messages = take_messages(&mut framing, &mut buffer);
            if self.store_all(messages, Patience::Waits).await.is_err() || !goes_on {
                return;
            }
            buffer.reserve(BUFFER.saturating_sub(buffer.len()));
        }
    }

    /// Stores messages by their keys. An error means that the sender has no right to be here.
    async fn store_all(&self, messages: Vec<Bytes>, patience: Patience) -> Result<(), ApiError> {
        let mut rest = messages.as_slice();
        while let Some(first) = rest.first() {
            let token = syslog::token_of(first);
            let same = rest
                .iter()
                .take(MAX_BATCH)
                .take_while(|message| syslog::token_of(message) == token)
                .count();
            let (batch, others) = rest.split_at(same);
            rest = others;
            let raw = token
                .as_deref()
                .or(self.key.as_ref().map(SecretString::expose_secret));
            if let Err(error) = self.store(raw, batch, patience).await {
                lose(Lost::Key, rest.len());
                return Err(error);
            }
        }
        Ok(())
    }

    async fn store(&self, raw: Option<&str>, batch: &[Bytes], patience: Patience) -> Result<(), ApiError> {
        // A batch that is refused as a whole is tried in halves, so that only the message at fault is lost.
        let mut batches = vec![batch];
        while let Some(batch) = batches.pop() {
            match self.store_patiently(raw, batch, patience).await {
                Ok(rejected) => lose(Lost::Rejected, rejected),
                Err(error) => match error.status_code() {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                        lose(Lost::Key, batch.len());
                        tracing::debug!("syslog messages were refused: {error}");
                        return Err(error);
                    }
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                        lose(patience.loses_by(), batch.len());
                    }
                    _ if batch.len() > 1 => {
                        let (one, other) = batch.split_at(batch.len() / 2);
                        batches.extend([other, one]);
                    }
                    _ => lose(Lost::Rejected, 1),
                },
            }
        }
        Ok(())
    }

    /// How many were rejected. While nothing can be stored, TCP waits: not reading on is how it says so to the sender.
    async fn store_patiently(
        &self,
        raw: Option<&str>,
        batch: &[Bytes],
        patience: Patience,
    ) -> Result<usize, ApiError> {
        loop {
            let error = match self.try_store(raw, batch).await {
                Ok(rejected) => return Ok(rejected),
                Err(error) => error,
            };
            let (Patience::Waits, Some(seconds)) = (patience, error.retry_after_s()) else {
                return Err(error);
            };
            let pause = tokio::time::sleep(Duration::from_secs(seconds));
            if self.kit.stopping.run_until_cancelled(pause).await.is_none() {
                return Err(error);
            }
        }
    }

    async fn try_store(&self, raw: Option<&str>, batch: &[Bytes]) -> Result<usize, ApiError> {
        let raw = raw
            .filter(|raw| domain::api_key::is_well_formed(raw))
            .ok_or_else(|| ApiError::Unauthorized("no API key, or a malformed one".to_owned()))?;
        let key = IngestKey::look_up(&self.state, raw).await?;
        let (body, ranges) = joined(batch);
        let stored = intake::store_received(&key, body, &self.kit, &self.state, |body, max_lines| {
            Messages::of(body, ranges, max_lines)
        });
        Ok(stored.await?.rejected.len())
    }
}

/// What to do while nothing can be stored.
#[derive(Clone, Copy, Debug)]
enum Patience {
    Waits,
    Loses,
}

impl Patience {
    fn loses_by(self) -> Lost {
        match self {
            Self::Waits => Lost::Stopping,
            Self::Loses => Lost::Busy,
        }
    }
}

fn lose(why: Lost, messages: usize) {
    if messages > 0 {
        metrics::syslog_lost(why, messages);
    }
}

/// The messages that are whole; what is begun stays in the buffer.
fn take_messages(framing: &mut Framing, buffer: &mut BytesMut) -> Vec<Bytes> {
    let (mut at, mut ranges) = (0, Vec::new());
    loop {
        let (frame, next) = framing.next(buffer, at);
        at = next;
        match frame {
            Frame::Message(range) => ranges.push(range),
            Frame::TooLong => lose(Lost::TooLong, 1),
            Frame::Incomplete => break,
        }
    }
    let whole = buffer.split_to(at).freeze();
    ranges.into_iter().map(|range| whole.slice(range)).collect()
}

fn joined(batch: &[Bytes]) -> (Bytes, Vec<Range<usize>>) {
    let mut body = BytesMut::with_capacity(batch.iter().map(Bytes::len).sum());
    let ranges = batch.iter().map(|message| {
        let start = body.len();
        body.extend_from_slice(message);
        start..body.len()
    });
    let ranges = ranges.collect();
    (body.freeze(), ranges)
}

/// Each datagram is a message; those that came while others were stored are stored together.
async fn receive(syslog: Arc<Syslog>, socket: UdpSocket) {
    let mut datagram = vec![0; MAX_DATAGRAM];
    let stopping = syslog.kit.stopping.clone();
    while let Some(received) = stopping.run_until_cancelled(socket.recv(&mut datagram)).await {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        let mut next = received;
        while let Ok(length) = next {
            messages.push(Bytes::copy_from_slice(datagram[..length].trim_ascii()));
            bytes += length;
            if messages.len() == MAX_BATCH || bytes > MAX_DATAGRAMS_BYTES {
                break;
            }
            next = socket.try_recv(&mut datagram);
        }
        // A stranger's datagrams are no reason to stop for the others.
        for message in messages.chunk_by(|one, other| syslog::token_of(one) == syslog::token_of(other)) {
            let _refused = syslog.store_all(message.to_vec(), Patience::Loses).await;
        }
    }
}
