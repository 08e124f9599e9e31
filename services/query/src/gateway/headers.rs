//! Which headers pass the gateway, and which it sets.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue, VIA};
use service_kit::context::RequestContext;

use super::host;

/// They belong to one connection (RFC 9110 section 7.6.1, and its forerunners).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Of a request: set anew below, or no business of a caller's. Our HTTP server answers `Expect` itself.
const NEVER_FROM_CALLER: &[&str] = &[
    "content-length",
    "expect",
    "host",
    "traceparent",
    "x-internal-secret",
    "x-request-id",
];
/// Of an answer: our server sets them.
const NEVER_FROM_OWNER: &[&str] = &["content-length", "x-request-id"];
/// What proxies say about the caller.
const FORWARDED: &[&str] = &["forwarded", "x-real-ip"];
const X_FORWARDED: &str = "x-forwarded-";
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The headers of the request to the owner. Without those that frame the body.
pub(super) fn to_owner(
    req: &HttpRequest,
    trusted_proxies: &[IpNet],
    context: Option<&RequestContext>,
) -> HeaderMap {
    let peer = req.peer_addr().map(|addr| addr.ip().to_canonical());
    let behind_proxy = peer.is_some_and(|peer| trusted_proxies.iter().any(|net| net.contains(&peer)));
    let sent = req
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut headers = end_to_end(&sent.collect::<Vec<_>>());
    for name in NEVER_FROM_CALLER {
        headers.remove(*name);
    }
    if !behind_proxy {
        forget_proxies(&mut headers);
    }
    if let Some(context) = context {
        set(
            &mut headers,
            HeaderName::from_static("x-request-id"),
            context.correlation_id.as_bytes(),
        );
        set(
            &mut headers,
            HeaderName::from_static("traceparent"),
            context.traceparent().as_bytes(),
        );
    }
    if let Some(host) = host(req) {
        // The owner compares it with Origin.
        set(&mut headers, HOST, host);
        if !headers.contains_key(X_FORWARDED_HOST) {
            set(&mut headers, X_FORWARDED_HOST, host);
        }
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if let Some(peer) = peer {
        let chain = chain(&headers, peer);
        set(&mut headers, X_FORWARDED_FOR, chain.as_bytes());
    }
    headers.append(VIA, HeaderValue::from_static("1.1 sightline"));
    headers
}

/// The headers of our answer to the caller. Without those that frame the body.
pub(super) fn to_caller(headers: &HeaderMap) -> impl Iterator<Item = (String, Vec<u8>)> {
    let sent = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut headers = end_to_end(&sent.collect::<Vec<_>>());
    for name in NEVER_FROM_OWNER {
        headers.remove(*name);
    }
    let pairs: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    pairs.into_iter()
}

/// Copies what is meant for the other end: all but the hop-by-hop headers and those that `Connection` names.
fn end_to_end(pairs: &[(&str, &[u8])]) -> HeaderMap {
    let named: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| *name == "connection")
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut headers = HeaderMap::new();
    for &(name, value) in pairs {
        if HOP_BY_HOP.contains(&name) || named.iter().any(|hop| hop == name) {
            continue;
        }
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    headers
}

/// Drops what a stranger says about where a request came from.
fn forget_proxies(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| FORWARDED.contains(&name.as_str()) || name.as_str().starts_with(X_FORWARDED))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

/// The addresses that the request came through, the nearest last.
fn chain(headers: &HeaderMap, peer: IpAddr) -> String {
    let mut hops: Vec<String> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect();
    hops.push(peer.to_string());
    hops.join(", ")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn owner_sees(headers: &[(&str, &str)], peer: &str, trusted: &[&str]) -> HeaderMap {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:9999").parse().unwrap());
        for header in headers {
            request = request.append_header(*header);
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        to_owner(&request.to_http_request(), &trusted, None)
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn what_belongs_to_the_connection_stays_here() {
        let seen = owner_sees(
            &[
                ("connection", "close, X-Hop"),
                ("connection", "x-other-hop"),
                ("x-hop", "1"),
                ("x-other-hop", "1"),
                ("keep-alive", "timeout=5"),
                ("te", "trailers"),
                ("upgrade", "websocket"),
                ("proxy-authorization", "Basic x"),
                ("transfer-encoding", "chunked"),
                ("accept", "text/plain"),
            ],
            "203.0.113.9",
            &[],
        );
        let mut names: Vec<&str> = seen.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "via", "x-forwarded-for", "x-forwarded-proto"]);
    }

    #[test]
    fn a_stranger_cannot_speak_for_a_proxy_or_for_us() {
        let claims = [
            ("x-forwarded-for", "198.51.100.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-anything", "x"),
            ("forwarded", "for=198.51.100.1"),
            ("x-real-ip", "198.51.100.1"),
            ("x-internal-secret", "guess"),
            ("host", "logs.example"),
        ];
        let seen = owner_sees(&claims, "203.0.113.9", &["10.0.0.0/8"]);
        assert_eq!(text(&seen, "x-forwarded-for"), "203.0.113.9");
        assert_eq!(text(&seen, "x-forwarded-proto"), "http");
        assert_eq!(text(&seen, "x-forwarded-host"), "logs.example");
        assert_eq!(text(&seen, "host"), "logs.example");
        for name in [
            "x-forwarded-anything",
            "forwarded",
            "x-real-ip",
            "x-internal-secret",
        ] {
            assert!(!seen.contains_key(name), "{name}");
        }

        let seen = owner_sees(&claims, "10.1.2.3", &["10.0.0.0/8"]);
        assert_eq!(text(&seen, "x-forwarded-for"), "198.51.100.1, 10.1.2.3");
        assert_eq!(text(&seen, "x-forwarded-proto"), "https");
        assert!(!seen.contains_key("x-internal-secret"), "not even from a proxy");
    }

    #[test]
    fn every_cookie_of_an_answer_passes() {
        let mut answer = HeaderMap::new();
        answer.append("set-cookie", HeaderValue::from_static("a=1"));
        answer.append("set-cookie", HeaderValue::from_static("b=2"));
        answer.append("connection", HeaderValue::from_static("x-private"));
        answer.append("x-private", HeaderValue::from_static("1"));
        answer.append("x-request-id", HeaderValue::from_static("theirs"));
        let passed: Vec<_> = to_caller(&answer).collect();
        let cookie = |value: &str| ("set-cookie".to_owned(), value.as_bytes().to_vec());
        assert_eq!(passed, [cookie("a=1"), cookie("b=2")]);
    }
}
