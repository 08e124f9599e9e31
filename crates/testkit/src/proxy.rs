//! A TCP proxy that breaks the network between a program and a server: latency, silence, loss of one direction, cuts.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use url::Url;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Every piece of data arrives this much later.
    Delay(Duration),
    /// Connections are accepted, nothing is forwarded; what was sent arrives after the healing, as TCP would have it.
    Blackhole,
    /// Answers of the server do not arrive; what the client sends does.
    LoseAnswers,
    /// What the client sends does not arrive; what the server sends does.
    LoseRequests,
    /// Existing connections are reset, new ones too.
    Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl Mode {
    fn holds_back(self, direction: Direction) -> bool {
        match self {
            Self::Blackhole => true,
            Self::LoseAnswers => direction == Direction::ToClient,
            Self::LoseRequests => direction == Direction::ToServer,
            Self::Pass | Self::Delay(_) | Self::Cut => false,
        }
    }
}

/// A proxy on a loopback port of its own. Passes everything until told otherwise; gone when dropped.
pub struct Proxy {
    addr: SocketAddr,
    mode: watch::Sender<Mode>,
    acceptor: AbortHandle,
}

impl Proxy {
    /// A proxy to `host:port`.
    pub async fn to(upstream: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (mode, watched) = watch::channel(Mode::Pass);
        let acceptor = tokio::spawn(accept(listener, upstream.into(), watched)).abort_handle();
        Self { addr, mode, acceptor }
    }

    /// A proxy to the server of a `postgres://`, `amqp://` or `http://` address, and that address by way of it.
    pub async fn in_front_of(url: &str) -> (Self, String) {
        let mut url = Url::parse(url).expect("a URL with a host");
        let default = match url.scheme() {
            "postgres" | "postgresql" => 5432,
            "amqp" => 5672,
            _ => 80,
        };
        let upstream = format!(
            "{}:{}",
            url.host_str().unwrap(),
            url.port_or_known_default().unwrap_or(default)
        );
        let proxy = Self::to(upstream).await;
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(proxy.addr.port())).unwrap();
        (proxy, url.to_string())
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Heals the network: everything passes, and what was held back arrives.
    pub fn pass(&self) {
        self.mode.send_replace(Mode::Pass);
    }

    /// Every piece of data arrives this much later, in both directions.
    pub fn delay(&self, by: Duration) {
        self.mode.send_replace(Mode::Delay(by));
    }

    /// Silence: connections are accepted and stay open, nothing is forwarded.
    pub fn blackhole(&self) {
        self.mode.send_replace(Mode::Blackhole);
    }

    /// The server still gets everything, its answers do not arrive: the client cannot know what took effect.
    pub fn lose_answers(&self) {
        self.mode.send_replace(Mode::LoseAnswers);
    }

    /// The server gets nothing more; what it sends by itself still arrives.
    pub fn lose_requests(&self) {
        self.mode.send_replace(Mode::LoseRequests);
    }

    /// Resets every connection, and every new one at once, until [`Proxy::pass`].
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, upstream: String, mode: watch::Receiver<Mode>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                connections.spawn(serve(client, upstream.clone(), mode.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(client: TcpStream, upstream: String, mut mode: watch::Receiver<Mode>) {
    client.set_nodelay(true).unwrap();
    if *mode.borrow() == Mode::Cut {
        return reset(&client);
    }
    // A black hole swallows the first packet as well: the server hears of the connection after the healing.
    if mode.wait_for(|mode| *mode != Mode::Blackhole).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(&upstream).await else {
        return reset(&client);
    };
    server.set_nodelay(true).unwrap();
    forward(client, server, mode).await;
}

async fn forward(mut client: TcpStream, mut server: TcpStream, mut mode: watch::Receiver<Mode>) {
    let (modes_up, modes_down) = (mode.clone(), mode.clone());
    let cut = {
        let (client_reads, client_writes) = client.split();
        let (server_reads, server_writes) = server.split();
        let up = pump(client_reads, server_writes, Direction::ToServer, modes_up);
        let down = pump(server_reads, client_writes, Direction::ToClient, modes_down);
        tokio::select! {
            _ = mode.wait_for(|mode| *mode == Mode::Cut) => true,
            () = async { tokio::join!(up, down); } => false,
        }
    };
    if cut {
        reset(&client);
        reset(&server);
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let Ok(current) = mode
            .wait_for(|mode| !mode.holds_back(direction))
            .await
            .map(|mode| *mode)
        else {
            return;
        };
        if let Mode::Delay(by) = current {
            tokio::time::sleep(by).await;
        }
        if read == 0 {
            // The other direction may still have something to say.
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Closes with a reset instead of a farewell, as a crashed machine's network stack does.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
