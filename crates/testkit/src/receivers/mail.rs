//! A mail server on loopback: SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS from the start, under a certificate of its own.
//! It takes mail only over TLS, as public servers for submission do.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::lock;

/// A mail that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and text, as they were sent.
    pub data: String,
}

impl Mail {
    /// A header's value, its folded lines put together; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let found = unfolded
            .split("\r\n")
            .find(|line| line.to_ascii_lowercase().starts_with(&prefix));
        found.map_or_else(String::new, |line| line[prefix.len()..].trim().to_owned())
    }
}

/// Gone when dropped.
pub struct MailServer {
    addr: SocketAddr,
    /// Its certificate in PEM, for whoever is to trust it.
    certificate: String,
    shared: Arc<Shared>,
    acceptor: AbortHandle,
}

struct Shared {
    tls: TlsAcceptor,
    /// Whether TLS comes first.
    is_wrapped: bool,
    /// What is said to the next mails in place of `250`.
    refusals: Mutex<VecDeque<String>>,
    received: Mutex<Vec<Mail>>,
}

impl MailServer {
    /// With STARTTLS.
    pub async fn start() -> Self {
        Self::start_with(false).await
    }

    /// With TLS from the start.
    pub async fn start_wrapped() -> Self {
        Self::start_with(true).await
    }

    async fn start_with(is_wrapped: bool) -> Self {
        crate::install_crypto();
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let shared = Arc::new(Shared {
            tls: TlsAcceptor::from(Arc::new(config)),
            is_wrapped,
            refusals: Mutex::default(),
            received: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let acceptor = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self {
            addr,
            certificate: cert.pem(),
            shared,
            acceptor,
        }
    }

    /// By the name that its certificate is for.
    pub fn url(&self) -> String {
        let scheme = if self.shared.is_wrapped { "smtps" } else { "smtp" };
        format!("{scheme}://localhost:{}", self.addr.port())
    }

    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Answers the next mails like this, one each: `451 try later`.
    pub fn refuse_next(&self, answers: impl IntoIterator<Item = &'static str>) {
        lock(&self.shared.refusals).extend(answers.into_iter().map(str::to_owned));
    }

    pub fn received(&self) -> Vec<Mail> {
        lock(&self.shared.received).clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, shared.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    if shared.is_wrapped {
        if let Ok(stream) = shared.tls.accept(stream).await {
            let _ = session(&mut BufReader::new(stream), &shared, true).await;
        }
        return;
    }
    let mut plain = BufReader::new(stream);
    // After STARTTLS everything begins anew, over TLS.
    if let Ok(true) = session(&mut plain, &shared, false).await
        && let Ok(stream) = shared.tls.accept(plain.into_inner()).await
    {
        let mut secure = BufReader::new(stream);
        let _ = conversation(&mut secure, &shared, true).await;
    }
}

async fn session<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    is_secure: bool,
) -> std::io::Result<bool> {
    say(stream, "220 localhost ESMTP").await?;
    conversation(stream, shared, is_secure).await
}

/// Talks until the client leaves; `true` when it wants TLS.
async fn conversation<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    is_secure: bool,
) -> std::io::Result<bool> {
    let mut mail = Mail::default();
    loop {
        let Some(line) = read_line(stream).await? else {
            return Ok(false);
        };
        let command = line.to_ascii_uppercase();
        if command.starts_with("EHLO") {
            let extension = if is_secure {
                "250 AUTH PLAIN"
            } else {
                "250 STARTTLS"
            };
            say(
                stream,
                &format!("250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n{extension}"),
            )
            .await?;
        } else if command == "STARTTLS" && !is_secure {
            say(stream, "220 go ahead").await?;
            return Ok(true);
        } else if command.starts_with("AUTH PLAIN") && is_secure {
            say(stream, "235 welcome").await?;
        } else if !is_secure && command.starts_with("MAIL") {
            say(stream, "530 5.7.0 Must issue a STARTTLS command first").await?;
        } else if let Some(from) = address(&line, "MAIL FROM:") {
            mail = Mail {
                from,
                ..Mail::default()
            };
            say(stream, "250 ok").await?;
        } else if let Some(to) = address(&line, "RCPT TO:") {
            mail.to.push(to);
            say(stream, "250 ok").await?;
        } else if command == "DATA" {
            say(stream, "354 end with a dot").await?;
            mail.data = read_data(stream).await?;
            let refusal = lock(&shared.refusals).pop_front();
            if refusal.is_none() {
                lock(&shared.received).push(std::mem::take(&mut mail));
            }
            say(stream, refusal.as_deref().unwrap_or("250 taken")).await?;
        } else if command == "QUIT" {
            say(stream, "221 bye").await?;
            return Ok(false);
        } else {
            say(stream, "502 not known").await?;
        }
    }
}

/// `MAIL FROM:<ada@example.com> …`.
fn address(line: &str, command: &str) -> Option<String> {
    let head = line.get(..command.len())?;
    if !head.eq_ignore_ascii_case(command) {
        return None;
    }
    let rest = line[command.len()..].trim_start().strip_prefix('<')?;
    rest.split('>').next().map(str::to_owned)
}

async fn read_data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut data = String::new();
    while let Some(line) = read_line(stream).await? {
        if line == "." {
            break;
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push_str("\r\n");
    }
    Ok(data)
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    what: &str,
) -> std::io::Result<()> {
    stream
        .get_mut()
        .write_all(format!("{what}\r\n").as_bytes())
        .await?;
    stream.get_mut().flush().await
}
