//! Where a request came from, as far as the proxies in front can be trusted.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The nearest address that is not one of our proxies: the connection's own, or the last foreign entry of
/// `X-Forwarded-For` when the connection comes from a trusted network. Whatever a stranger writes into the header
/// himself stands further to the left and is not believed.
pub fn client_ip(req: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = req.peer_addr()?.ip().to_canonical();
    let forwarded: Vec<&str> = req
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    Some(nearest_foreign(peer, &forwarded, trusted))
}

fn nearest_foreign(peer: IpAddr, forwarded: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
    let mut nearest = peer;
    for hop in forwarded.iter().rev() {
        if !is_trusted(nearest) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(ip) => nearest = ip.to_canonical(),
            Err(_) => break,
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("203.0.113.9", &["198.51.100.1"], "203.0.113.9")]
    #[case("10.0.0.5", &["198.51.100.1"], "198.51.100.1")]
    #[case("10.0.0.5", &["1.1.1.1", "198.51.100.1", "10.0.0.7"], "198.51.100.1")]
    #[case("10.0.0.5", &["garbage"], "10.0.0.5")]
    #[case("10.0.0.5", &[], "10.0.0.5")]
    fn only_what_a_trusted_proxy_says_is_believed(
        #[case] peer: &str,
        #[case] forwarded: &[&str],
        #[case] expected: &str,
    ) {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let found = nearest_foreign(peer.parse().unwrap(), forwarded, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap());
    }
}
