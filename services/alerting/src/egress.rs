//! Where messages may be sent: an address that a person typed is resolved once, judged, and connected to; what is
//! judged is what is connected to.
//!
//! A name is resolved by [`GuardedResolver`], which the HTTP client asks when it connects, so that a name server that
//! changes its answer gains nothing. An address literal never reaches a resolver, so it is judged before each request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::alerting::address::{NotPublic, check_public};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How long a name server may take.
const LOOKUP: Duration = Duration::from_secs(3);

/// Why nothing is sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Literal(#[from] NotPublic),
    /// Names no address: what an internal name resolves to is not for everybody who may make a channel.
    #[error("{host} leads to an address that is not public: {what}")]
    Resolved { host: String, what: &'static str },
    #[error("plain http is only for addresses that the operator allows (EGRESS_ALLOW); use https")]
    PlainHttp,
}

/// Which addresses may be connected to beside public ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Egress {
    allow: Arc<[IpNet]>,
}

impl Egress {
    pub(crate) fn new(allow: &[IpNet]) -> Self {
        Self { allow: allow.into() }
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|network| network.contains(&address))
    }

    fn check_literal(&self, address: IpAddr, secure: bool) -> Result<(), Refusal> {
        if self.is_listed(address) {
            return Ok(());
        }
        check_public(address)?;
        if secure { Ok(()) } else { Err(Refusal::PlainHttp) }
    }

    /// The addresses of a name that may be connected to; an error when none may.
    fn pick(&self, host: &str, found: &[SocketAddr], secure: bool) -> Result<Vec<SocketAddr>, Refusal> {
        let allowed = |socket: &&SocketAddr| self.check_literal(socket.ip(), secure).is_ok();
        let picked: Vec<SocketAddr> = found.iter().filter(allowed).copied().collect();
        if !picked.is_empty() {
            return Ok(picked);
        }
        let forbidden = found.iter().find_map(|socket| check_public(socket.ip()).err());
        Err(
            forbidden.map_or(Refusal::PlainHttp, |NotPublic { what, .. }| Refusal::Resolved {
                host: host.to_owned(),
                what,
            }),
        )
    }

    /// Judges an address before a request: all that can be said without a name server.
    pub(crate) fn check_without_lookup(&self, url: &ChannelUrl) -> Result<(), Refusal> {
        match url.host() {
            Host::Ipv4(address) => self.check_literal(address.into(), url.is_secure()),
            Host::Ipv6(address) => self.check_literal(address.into(), url.is_secure()),
            Host::Domain(name) if is_localhost(name) => self.check_localhost(name),
            Host::Domain(_) => Ok(()),
        }
    }

    /// These names mean this machine, whatever a name server says (RFC 6761).
    fn check_localhost(&self, host: &str) -> Result<(), Refusal> {
        let this_machine = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        if this_machine.into_iter().any(|address| self.is_listed(address)) {
            return Ok(());
        }
        Err(Refusal::Resolved {
            host: host.to_owned(),
            what: "loopback (RFC 6761)",
        })
    }

    /// Judges an address when a person enters it, so that a mistake is told at once. A name that cannot be resolved at
    /// this moment passes, if it is to be reached by https: it is judged again whenever something is sent.
    pub(crate) async fn check(&self, url: &ChannelUrl) -> Result<(), Refusal> {
        self.check_without_lookup(url)?;
        let Host::Domain(host) = url.host() else {
            return Ok(());
        };
        let lookup = tokio::time::timeout(LOOKUP, Lookup::System.addresses(host)).await;
        match lookup {
            Ok(Ok(found)) if !found.is_empty() => self.pick(host, &found, url.is_secure()).map(|_picked| ()),
            Ok(Ok(_) | Err(_)) | Err(_) if url.is_secure() => Ok(()),
            Ok(Ok(_) | Err(_)) | Err(_) => Err(Refusal::PlainHttp),
        }
    }
}

fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Who is asked for the addresses of a name.
#[derive(Clone)]
enum Lookup {
    System,
    /// Answers one after the other, the last of them for ever.
    #[cfg(test)]
    Scripted(Arc<std::sync::Mutex<Vec<Vec<SocketAddr>>>>),
}

impl Lookup {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        match self {
            // The client replaces port 0 by the address's own.
            Self::System => Ok(tokio::net::lookup_host((host, 0)).await?.collect()),
            #[cfg(test)]
            Self::Scripted(answers) => Ok(tests::next_answer(answers)),
        }
    }
}

/// Resolves names for the HTTP client, and gives it only addresses that may be connected to.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    egress: Egress,
    lookup: Lookup,
    secure: bool,
}

impl GuardedResolver {
    /// `secure` is whether the client that asks speaks TLS.
    pub(crate) fn new(egress: Egress, secure: bool) -> Self {
        Self {
            egress,
            lookup: Lookup::System,
            secure,
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = this.lookup.addresses(host).await?;
            let picked = this.egress.pick(host, &found, this.secure)?;
            Ok(Box::new(picked.into_iter()) as Addrs)
        })
    }
}

/// An address that a channel may have, as far as its text tells: a web address without tricks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ChannelUrl(Url);

/// What is wrong with the text of an address. Never repeats it: it may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUrl {
    #[error("must be at most {} bytes", ChannelUrl::MAX_BYTES)]
    TooLong,
    #[error("must not contain spaces, control characters or backslashes")]
    Characters,
    #[error("must start with https://")]
    Scheme,
    #[error("must not contain a user name or password")]
    UserInfo,
    #[error("must not contain a fragment (#)")]
    Fragment,
    #[error("is not a valid web address")]
    Malformed,
}

impl ChannelUrl {
    const MAX_BYTES: usize = 2_048;

    pub(crate) fn parse(text: &str) -> Result<Self, InvalidUrl> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidUrl::TooLong);
        }
        // Parsers disagree about these, so none is trusted with them.
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return Err(InvalidUrl::Characters);
        }
        let rest = Self::after_scheme(text).ok_or(InvalidUrl::Scheme)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(InvalidUrl::UserInfo);
        }
        if rest.contains('#') {
            return Err(InvalidUrl::Fragment);
        }
        let url = Url::parse(text).map_err(|_reason| InvalidUrl::Malformed)?;
        if url.host().is_none_or(|host| host == Host::Domain("")) || authority.is_empty() {
            return Err(InvalidUrl::Malformed);
        }
        Ok(Self(url))
    }

    fn after_scheme(text: &str) -> Option<&str> {
        let (scheme, rest) = text.split_once("://")?;
        let known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        known.then_some(rest)
    }

    /// The host as the client will read it: `2130706433` and `0x7f.1` are addresses by now.
    fn host(&self) -> Host<&str> {
        self.0.host().unwrap_or(Host::Domain(""))
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// An address below this one. The path is ours: it holds nothing that a person typed and that was not checked.
    pub(crate) fn below(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            None => (path_and_query, None),
            Some((path, query)) => (path, Some(query)),
        };
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url.set_query(query);
        url
    }

    pub(crate) fn host_and_port(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}")
    }

    /// What people may see of it: the host, and the last four characters.
    pub(crate) fn hint(&self) -> String {
        let path = self.0.as_str();
        let end: String = path
            .chars()
            .skip(path.chars().count().saturating_sub(4))
            .collect();
        format!("{} …{end}", self.host_and_port())
    }
}

#[cfg(test)]
mod tests;
