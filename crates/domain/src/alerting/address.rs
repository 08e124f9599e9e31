//! Where a channel may never connect to: addresses that are not the public internet.
//!
//! From the IANA special-purpose address registries (IPv4: RFC 6890 and updates, last updated 2024; IPv6: likewise,
//! last updated 2024-10-22), with metadata services of clouds that live on public-looking addresses. What the registry
//! calls globally reachable but nobody runs a chat service on (anycast relays, protocol assignments) is refused too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is not a public address: {what}")]
pub struct NotPublic {
    pub address: IpAddr,
    /// What the address is, with its source.
    pub what: &'static str,
}

/// Whether an address belongs to the public internet. An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is
/// judged as what it leads to.
pub fn check_public(address: IpAddr) -> Result<(), NotPublic> {
    let what = match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    };
    what.map_or(Ok(()), |what| Err(NotPublic { address, what }))
}

const SPECIAL_V4: [(Ipv4Addr, u32, &str); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8, "this network (RFC 791)"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private (RFC 1918)"),
    (
        Ipv4Addr::new(100, 64, 0, 0),
        10,
        "shared by a carrier's NAT (RFC 6598)",
    ),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback (RFC 1122)"),
    (
        Ipv4Addr::new(168, 63, 129, 16),
        32,
        "the metadata service of Azure",
    ),
    (
        Ipv4Addr::new(169, 254, 0, 0),
        16,
        "link-local, where metadata services are (RFC 3927)",
    ),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private (RFC 1918)"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments (RFC 6890)"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation (RFC 5737)"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relays (RFC 7526)"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private (RFC 1918)"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking (RFC 2544)"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation (RFC 5737)"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation (RFC 5737)"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast (RFC 5771)"),
    (Ipv4Addr::BROADCAST, 32, "broadcast (RFC 919)"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved (RFC 1112)"),
];

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4
        .iter()
        .find(|(network, bits, _)| {
            let mask = u32::MAX << (32 - bits);
            address.to_bits() & mask == network.to_bits()
        })
        .map(|(_, _, what)| *what)
}

const SPECIAL_V6: [(Ipv6Addr, u32, &str); 12] = [
    (Ipv6Addr::UNSPECIFIED, 128, "unspecified (RFC 4291)"),
    (Ipv6Addr::LOCALHOST, 128, "loopback (RFC 4291)"),
    (
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0),
        48,
        "local NAT64 (RFC 8215)",
    ),
    (
        Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0),
        8,
        "discarded (RFC 6666)",
    ),
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        "protocol assignments, Teredo among them (RFC 2928, RFC 4380)",
    ),
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        "documentation (RFC 3849)",
    ),
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        "documentation (RFC 9637)",
    ),
    (
        Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0),
        16,
        "segment routing (RFC 9602)",
    ),
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        "unique local (RFC 4193)",
    ),
    (
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        10,
        "link-local (RFC 4291)",
    ),
    (
        Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
        10,
        "site-local (RFC 3879)",
    ),
    (
        Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0),
        8,
        "multicast (RFC 4291)",
    ),
];

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(inner) = embedded_v4(address) {
        return special_v4(inner);
    }
    let in_table = SPECIAL_V6.iter().find(|(network, bits, _)| {
        let mask = u128::MAX << (128 - bits);
        address.to_bits() & mask == network.to_bits()
    });
    if let Some((_, _, what)) = in_table {
        return Some(what);
    }
    // Everything that was ever assigned for use lies in 2000::/3.
    let global_unicast = address.segments()[0] & 0xe000 == 0x2000;
    (!global_unicast).then_some("reserved (RFC 4291)")
}

/// The IPv4 address that an IPv6 one leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("1.1.1.1")]
    #[case("3.5.140.2")]
    #[case("9.255.255.255")]
    #[case("11.0.0.0")]
    #[case("100.63.255.255")]
    #[case("100.128.0.0")]
    #[case("126.255.255.255")]
    #[case("128.0.0.1")]
    #[case("168.63.129.15")]
    #[case("169.253.255.255")]
    #[case("172.15.255.255")]
    #[case("172.32.0.0")]
    #[case("192.0.1.0")]
    #[case("192.167.255.255")]
    #[case("198.17.255.255")]
    #[case("198.20.0.0")]
    #[case("223.255.255.255")]
    #[case("2606:4700:4700::1111")]
    #[case("2a00:1450:4001::1")]
    #[case("2001:4860:4860::8888")]
    #[case("::ffff:8.8.8.8")]
    #[case("64:ff9b::808:808")]
    #[case("2002:808:808::1")]
    fn public_addresses_pass(#[case] address: &str) {
        assert_eq!(check_public(address.parse().unwrap()), Ok(()));
    }

    #[rstest::rstest]
    #[case("0.0.0.0", "this network")]
    #[case("0.1.2.3", "this network")]
    #[case("10.0.0.1", "private")]
    #[case("10.255.255.255", "private")]
    #[case("100.64.0.1", "carrier")]
    #[case("100.100.100.200", "carrier")]
    #[case("100.127.255.255", "carrier")]
    #[case("127.0.0.1", "loopback")]
    #[case("127.255.255.254", "loopback")]
    #[case("168.63.129.16", "Azure")]
    #[case("169.254.169.254", "metadata")]
    #[case("169.254.170.2", "metadata")]
    #[case("172.16.0.1", "private")]
    #[case("172.31.255.255", "private")]
    #[case("192.0.0.192", "protocol")]
    #[case("192.0.2.1", "documentation")]
    #[case("192.88.99.1", "6to4")]
    #[case("192.168.1.1", "private")]
    #[case("198.18.0.1", "benchmarking")]
    #[case("198.19.255.255", "benchmarking")]
    #[case("198.51.100.7", "documentation")]
    #[case("203.0.113.7", "documentation")]
    #[case("224.0.0.1", "multicast")]
    #[case("239.255.255.250", "multicast")]
    #[case("240.0.0.1", "reserved")]
    #[case("255.255.255.255", "broadcast")]
    #[case("::", "unspecified")]
    #[case("::1", "loopback")]
    #[case("::127.0.0.1", "reserved")]
    #[case("::ffff:127.0.0.1", "loopback")]
    #[case("::ffff:169.254.169.254", "metadata")]
    #[case("::ffff:0:127.0.0.1", "reserved")]
    #[case("64:ff9b::7f00:1", "loopback")]
    #[case("64:ff9b::a9fe:a9fe", "metadata")]
    #[case("64:ff9b:1::1", "NAT64")]
    #[case("100::1", "discarded")]
    #[case("2001::1", "Teredo")]
    #[case("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo")]
    #[case("2001:20::1", "protocol")]
    #[case("2001:db8::1", "documentation")]
    #[case("2002:7f00:1::", "loopback")]
    #[case("2002:a00:1::1", "private")]
    #[case("2002:c0a8:101::1", "private")]
    #[case("3fff::1", "documentation")]
    #[case("4000::1", "reserved")]
    #[case("5f00::1", "segment routing")]
    #[case("fc00::1", "unique local")]
    #[case("fd00:ec2::254", "unique local")]
    #[case("fe80::1", "link-local")]
    #[case("fec0::1", "site-local")]
    #[case("ff02::1", "multicast")]
    #[case("fe00::1", "reserved")]
    fn every_other_address_is_refused_by_name(#[case] address: &str, #[case] what: &str) {
        let refused = check_public(address.parse().unwrap()).unwrap_err();
        assert!(
            refused.what.contains(what),
            "{address} is refused as {}",
            refused.what
        );
    }

    proptest::proptest! {
        #[test]
        fn an_address_inside_another_is_judged_as_itself(bits in proptest::num::u32::ANY) {
            let inner = Ipv4Addr::from_bits(bits);
            let expected = check_public(inner.into()).is_ok();
            let [high, low] = [(bits >> 16) as u16, bits as u16];
            for outer in [
                inner.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                proptest::prop_assert_eq!(check_public(outer.into()).is_ok(), expected);
            }
        }
    }
}
