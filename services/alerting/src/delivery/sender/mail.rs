//! Mail by the operator's SMTP server. Connections are encrypted (STARTTLS or TLS from the start) unless the operator says
//! otherwise; a tenant chooses addressees only, never a server.

use std::io::ErrorKind;
use std::time::Duration;

use domain::alerting::delivery::AttemptOutcome;
use domain::alerting::mail;
use domain::alerting::notification::Message;
use domain::email::Email;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{Envelope, Exchange};

/// How mail leaves, as the operator says it.
#[derive(Clone, Debug)]
pub(crate) struct MailSettings {
    pub(crate) url: SecretString,
    pub(crate) from: String,
    /// A certificate authority that is trusted beside the system's, in PEM.
    pub(crate) authority: Option<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidMailSettings {
    #[error(
        "SMTP_URL must be smtp://[user:password@]host[:port] (STARTTLS), smtps://… (TLS from the start), or smtp://…?tls=none"
    )]
    Url,
    #[error("SMTP_FROM must be an address such as Sightline <alerts@example.com>")]
    From(#[source] lettre::address::AddressError),
    #[error("SMTP_CA_FILE or the system's certificates cannot be used")]
    Tls(#[source] lettre::transport::smtp::Error),
}

#[derive(Clone)]
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    pub(crate) fn new(settings: &MailSettings, timeout: Duration) -> Result<Self, InvalidMailSettings> {
        let url: Url = settings
            .url
            .expose_secret()
            .parse()
            .map_err(|_text: url::ParseError| InvalidMailSettings::Url)?;
        let host = url.host_str().ok_or(InvalidMailSettings::Url)?;
        let tls = || parameters(host, settings.authority.as_deref());
        let (tls, usual_port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Tls::Wrapper(tls()?), 465),
            ("smtp", None) => (Tls::Required(tls()?), 587),
            ("smtp", Some("tls=none")) => (Tls::None, 25),
            _ => return Err(InvalidMailSettings::Url),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(usual_port))
            .tls(tls)
            .timeout(Some(timeout));
        if !url.username().is_empty() {
            let plain = |text: &str| {
                percent_encoding::percent_decode_str(text)
                    .decode_utf8_lossy()
                    .into_owned()
            };
            let password = plain(url.password().unwrap_or_default());
            builder = builder.credentials(Credentials::new(plain(url.username()), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: settings.from.parse().map_err(InvalidMailSettings::From)?,
        })
    }

    pub(super) async fn send(&self, to: &[Email], envelope: Envelope<'_>, timeout: Duration) -> Exchange {
        let Some(message) = self.message(to, envelope) else {
            return Exchange::failed(AttemptOutcome::Refused, super::requests::UNSENDABLE);
        };
        match self.transport.send(message).await {
            Ok(_) => Exchange::failed(AttemptOutcome::Sent, "the mail server took it"),
            Err(error) => failure(&error, timeout),
        }
    }

    /// The mail of a notification. Its id is the notification's, so that a repeat looks like one; mails of one incident refer
    /// to the same beginning, so that mail programs show them together.
    fn message(&self, to: &[Email], envelope: Envelope<'_>) -> Option<lettre::Message> {
        let rendered = mail::render(envelope.message);
        let domain = self.from.email.domain();
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(rendered.subject)
            .message_id(Some(format!("<{}@{domain}>", envelope.id)))
            .header(ContentType::TEXT_PLAIN);
        if let Message::Incident { notification, .. } = envelope.message {
            builder = builder.references(format!("<incident-{}@{domain}>", notification.incident_id));
        }
        for address in to {
            builder = builder.to(Mailbox::new(None, address.as_str().parse().ok()?));
        }
        builder.body(rendered.text).ok()
    }
}

fn parameters(host: &str, authority: Option<&[u8]>) -> Result<TlsParameters, InvalidMailSettings> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = authority {
        let certificate = Certificate::from_pem(pem).map_err(InvalidMailSettings::Tls)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(InvalidMailSettings::Tls)
}

/// Tells what surely was not taken from what may have been.
fn failure(error: &lettre::transport::smtp::Error, timeout: Duration) -> Exchange {
    let answered = |what: &str| match error.status() {
        Some(code) => format!("the mail server {what} it with {code}"),
        None => format!("the mail server {what} it"),
    };
    if error.is_permanent() {
        return Exchange::failed(AttemptOutcome::Refused, answered("refused"));
    }
    if error.is_transient() {
        return Exchange::failed(AttemptOutcome::Failed, answered("put off"));
    }
    if error.is_timeout() {
        let seconds = timeout.as_secs_f64();
        return Exchange::failed(
            AttemptOutcome::Unknown,
            format!("no answer from the mail server within {seconds} s; it may have got it"),
        );
    }
    // What these mean happens before a mail is on its way: nobody was reached, or nobody who can be trusted.
    let cause = super::causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match cause.map(std::io::Error::kind) {
        Some(ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            return Exchange::failed(AttemptOutcome::Failed, "could not connect to the mail server");
        }
        Some(ErrorKind::InvalidData) => return untrusted(),
        Some(_) | None => {}
    }
    if error.is_tls() || error.is_client() {
        return untrusted();
    }
    Exchange::failed(
        AttemptOutcome::Unknown,
        "the connection to the mail server was lost; it may have got it",
    )
}

fn untrusted() -> Exchange {
    Exchange::failed(
        AttemptOutcome::Failed,
        "the mail server offers no encryption that can be trusted",
    )
}
