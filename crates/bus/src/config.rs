//! Where the broker is.

use std::fmt;
use std::time::Duration;

use lapin::uri::AMQPUri;
use url::{Host, Url};

/// Seconds between heartbeats. A silent peer is given up after two of them; the confirm deadline bounds what a caller
/// waits meanwhile.
const HEARTBEAT_SECONDS: u16 = 5;
/// How long a publish may wait for the broker's confirm: under a disk alarm it would hang without any error.
const CONFIRM_DEADLINE: Duration = Duration::from_secs(5);

/// How to reach the broker.
#[derive(Clone)]
pub struct BusConfig {
    pub(crate) uri: AMQPUri,
    pub(crate) application: String,
    pub(crate) confirm_deadline: Duration,
}

/// Why an address is refused. Never repeats the address: it holds a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "the broker's address must look like amqp://user:password@host:5672 or amqps://..., with reserved characters percent-encoded"
    )]
    Malformed,
    #[error("the broker's address names no host")]
    NoHost,
    #[error(
        "the broker's address ends in a slash, which names a virtual host without a name: leave the slash out, or write %2f for the default one"
    )]
    EmptyVhost,
}

impl BusConfig {
    /// `url` is `amqp://` or `amqps://` (TLS with the system's root certificates). `application` is shown in the broker's
    /// list of connections.
    pub fn new(url: &str, application: impl Into<String>) -> Result<Self, AddressError> {
        let mut uri: AMQPUri = url
            .parse()
            .map_err(|_details_hold_the_password: String| AddressError::Malformed)?;
        uri.authority.host = host_of(url)?;
        if uri.vhost.is_empty() {
            return Err(AddressError::EmptyVhost);
        }
        uri.query.heartbeat = Some(HEARTBEAT_SECONDS);
        Ok(Self {
            uri,
            application: application.into(),
            confirm_deadline: CONFIRM_DEADLINE,
        })
    }

    /// Another deadline for confirms than 5 s, for tests of what happens after it.
    pub fn with_confirm_deadline(mut self, deadline: Duration) -> Self {
        self.confirm_deadline = deadline;
        self
    }
}

/// The host itself, because the AMQP parser turns a missing host, or an IPv6 one, into `localhost` without a word.
fn host_of(url: &str) -> Result<String, AddressError> {
    let url = Url::parse(url).map_err(|_details_hold_the_password| AddressError::Malformed)?;
    match url.host() {
        None | Some(Host::Domain("")) => Err(AddressError::NoHost),
        Some(Host::Domain(name)) => Ok(name.to_owned()),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
    }
}

impl fmt::Debug for BusConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusConfig")
            .field("scheme", &self.uri.scheme)
            .field("host", &self.uri.authority.host)
            .field("port", &self.uri.authority.port)
            .field("vhost", &self.uri.vhost)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("amqp://broker", "broker", 5672, "/")]
    #[case("amqps://u:p%40ss@broker.example", "broker.example", 5671, "/")]
    #[case("amqp://10.0.0.7:21870/team", "10.0.0.7", 21870, "team")]
    #[case("amqp://[2001:db8::7]/%2f", "2001:db8::7", 5672, "/")]
    fn an_address_names_host_port_and_vhost(
        #[case] url: &str,
        #[case] host: &str,
        #[case] port: u16,
        #[case] vhost: &str,
    ) {
        let uri = BusConfig::new(url, "test").unwrap().uri;
        assert_eq!(
            (
                uri.authority.host.as_str(),
                uri.authority.port,
                uri.vhost.as_str()
            ),
            (host, port, vhost)
        );
    }

    #[rstest]
    #[case("amqp://broker/", AddressError::EmptyVhost)]
    #[case("amqp:///team", AddressError::NoHost)]
    #[case("http://broker", AddressError::Malformed)]
    #[case("broker:5672", AddressError::Malformed)]
    fn an_address_that_cannot_work_is_refused(#[case] url: &str, #[case] expected: AddressError) {
        assert_eq!(BusConfig::new(url, "test").unwrap_err(), expected);
    }

    #[test]
    fn the_password_is_never_printed() {
        let config = BusConfig::new("amqp://user:hunter2@broker", "test").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = BusConfig::new("amqp://user:hunter2@broker:notaport", "test").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn callers_wait_at_most_five_seconds_for_a_confirm() {
        let config = BusConfig::new("amqp://broker", "test").unwrap();
        assert_eq!(config.confirm_deadline, Duration::from_secs(5));
        assert_eq!(config.uri.query.heartbeat, Some(5));
    }
}
