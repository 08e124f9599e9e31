//! One connection to the broker, opened within a deadline and gone for sure when dropped.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_compat::Compat;
use futures_util::StreamExt;
use lapin::tcp::TLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, ConnectionStatus, Event};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::BusConfig;
use crate::health::{HealthReporter, LinkState};

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long TCP, TLS and the AMQP handshake together may take. A frozen broker's kernel still accepts connections.
const OPEN: Duration = Duration::from_secs(10);
/// How long a farewell may take.
const CLOSE: Duration = Duration::from_secs(2);
/// How often the connection's state is looked at: a close by the broker raises no event.
const STATE_POLL: Duration = Duration::from_millis(250);

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the broker did not complete the handshake within {OPEN:?}")]
    Open,
    #[error("the broker did not declare the topology within {0:?}")]
    Setup(Duration),
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker takes messages again; starting afresh")]
    Unblocked,
    #[error("the broker ended the subscription: the queue was deleted, or lost its leader")]
    Unsubscribed,
    #[error("a queue of this consumer is missing; declaring it again")]
    QueueMissing,
    #[error("a publish failed or was not confirmed in time")]
    Unconfirmed,
    #[error("AMQP: {0}")]
    Amqp(#[from] lapin::Error),
}

/// One open connection.
pub(crate) struct Session {
    link: &'static str,
    connection: Connection,
    health: Arc<HealthReporter>,
    ready: CancellationToken,
    ready_since: OnceLock<Instant>,
    /// Cancelled when the program wants this link to end in good order.
    pub(crate) stop: CancellationToken,
    _socket: Socket,
}

impl Session {
    pub(crate) async fn open(
        config: &BusConfig,
        link: &'static str,
        health: Arc<HealthReporter>,
        stop: CancellationToken,
    ) -> Result<Self, LinkError> {
        let socket = Socket::default();
        let name = format!("{} {link}", config.application);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let handle = socket.handle.clone();
        let connecting = Connection::connector(
            config.uri.clone(),
            lapin::runtime::default_runtime()?,
            async move |uri, _runtime| Ok(dial(&uri, &handle).await?),
            properties,
        );
        let connection = timeout(OPEN, connecting)
            .await
            .map_err(|_elapsed| LinkError::Open)??;
        Ok(Self {
            link,
            connection,
            health,
            ready: CancellationToken::new(),
            ready_since: OnceLock::new(),
            stop,
            _socket: socket,
        })
    }

    pub(crate) async fn channel(&self) -> Result<Channel, LinkError> {
        Ok(self.connection.create_channel().await?)
    }

    pub(crate) fn status(&self) -> ConnectionStatus {
        self.connection.status().clone()
    }

    /// Says that everything is declared and the link may be used.
    pub(crate) fn ready(&self) {
        self.ready.cancel();
        let _ = self.ready_since.set(Instant::now());
        self.health.report(LinkState::Connected);
        tracing::info!("the link {} to the broker is up", self.link);
    }

    /// How long the link has been usable.
    pub(crate) fn stood_for(&self) -> Duration {
        self.ready_since.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// Ends with an error when the link is not ready within this time; otherwise never.
    pub(crate) async fn setup_deadline(&self, deadline: Duration) -> LinkError {
        if timeout(deadline, self.ready.cancelled()).await.is_ok() {
            std::future::pending::<()>().await;
        }
        LinkError::Setup(deadline)
    }

    /// Ends when the program stops before the link is ready; otherwise never.
    pub(crate) async fn stopped_unready(&self) {
        self.stop.cancelled().await;
        if self.ready.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the connection to be of no more use.
    ///
    /// A blocked one is kept: a new one would look healthy and hang at its first publish as well. It is replaced once
    /// the broker unblocks it, because confirms that timed out meanwhile may still arrive on its channels.
    pub(crate) async fn lost(&self) -> LinkError {
        let mut events = std::pin::pin!(self.connection.events_listener());
        let mut poll = tokio::time::interval(STATE_POLL);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::Error(error)) => return error.into(),
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(reason, "the broker takes no messages for now: {reason}");
                        self.health.report(LinkState::Blocked);
                    }
                    Some(Event::ConnectionUnblocked) => return LinkError::Unblocked,
                    Some(_) => {}
                    None => return LinkError::Closed,
                },
                _ = poll.tick() => if !self.connection.status().connected() {
                    return LinkError::Closed;
                },
            }
        }
    }

    /// Says farewell and closes. A peer that does not answer is cut off.
    pub(crate) async fn close(self) {
        if self.connection.status().connected() {
            let _ = timeout(CLOSE, self.connection.close(200, "done".into())).await;
        }
    }
}

/// Connects, and keeps a handle on the socket.
async fn dial(uri: &AMQPUri, handle: &SocketHandle) -> io::Result<AsyncTcpStream<Compat<TcpStream>>> {
    let address = (uri.authority.host.as_str(), uri.authority.port);
    let tcp = timeout(CONNECT, TcpStream::connect(address)).await??;
    // Frames are small and each waits for its answer.
    tcp.set_nodelay(true)?;
    handle.arm(&tcp)?;
    let stream = AsyncTcpStream::Plain(Compat::new(tcp));
    match uri.scheme {
        AMQPScheme::AMQP => Ok(stream),
        AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, TLSConfig::default()).await,
    }
}

/// Shuts the socket down when dropped. lapin's I/O thread would otherwise wait for a silent peer's farewell for ever:
/// it stops its heartbeats once it is closing, has none before the handshake, and writes nothing while blocked.
#[derive(Default)]
struct Socket {
    handle: SocketHandle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.handle.cut();
    }
}

#[derive(Clone, Default)]
struct SocketHandle(Arc<Mutex<SocketState>>);

#[derive(Default)]
enum SocketState {
    #[default]
    Dialling,
    Open(std::net::TcpStream),
    Cut,
}

impl SocketHandle {
    fn arm(&self, stream: &TcpStream) -> io::Result<()> {
        let duplicate = std::net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, SocketState::Cut) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        *state = SocketState::Open(duplicate);
        Ok(())
    }

    fn cut(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let SocketState::Open(stream) = std::mem::replace(&mut *state, SocketState::Cut) {
            // An error means that it is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
