//! Which addresses a provider may be at, so that nobody who can name a URL makes this machine look around its network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// On the internet.
    Public,
    /// This machine, or a network of one's own: where a provider's record allows it.
    Private,
    /// Never: no provider lives there, but metadata services do.
    Forbidden,
}

/// Services of clouds that give away credentials, at addresses that would else be private or even public.
const METADATA: [IpAddr; 4] = [
    // Azure's wire server.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    // Alibaba Cloud, in the shared space.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // AWS and Google Cloud, among unique local addresses. All others are link-local.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Follows IANA's registries of special-purpose addresses.
pub(super) fn classify(address: IpAddr) -> Class {
    if METADATA.contains(&address) {
        return Class::Forbidden;
    }
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Whether an address is on the internet.
#[cfg(test)]
pub(super) fn is_public(address: IpAddr) -> bool {
    classify(address) == Class::Public
}

fn classify_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        // Loopback, RFC 1918, and the shared space of RFC 6598 (CGNAT, overlay networks).
        [127 | 10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Class::Private,
        // "This network", multicast, reserved, broadcast.
        [0 | 224..=255, ..] => Class::Forbidden,
        // Link-local, where metadata services are.
        [169, 254, ..] => Class::Forbidden,
        // Protocol assignments, documentation, 6to4 relays, benchmarks, AS112.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Class::Forbidden,
        [198, 18 | 19, ..] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => Class::Forbidden,
        _ => Class::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private,
        // Unique local.
        [0xfc00..=0xfdff, ..] => Class::Private,
        // Teredo, benchmarks, ORCHID and the other protocol assignments of 2001::/23; documentation; 6to4; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => Class::Forbidden,
        // AS112.
        [0x2620, 0x4f, 0x8000, ..] => Class::Forbidden,
        // The only space that is handed out for the internet.
        [0x2000..=0x3fff, ..] => Class::Public,
        // Everything else, among it what has an IPv4 address in it (mapped, compatible, NAT64), link-local, multicast.
        _ => Class::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(address: &str) -> Class {
        classify(address.parse().unwrap())
    }

    #[test]
    fn b9_only_addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:81b::200e",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn b9_private_addresses_need_the_providers_record() {
        for address in [
            "10.0.0.0",
            "10.255.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "::1",
            "fc00::1",
            "fd12:3456:789a::1",
        ] {
            assert_eq!(class(address), Class::Private, "{address}");
        }
    }

    #[test]
    fn b9_reserved_embedded_and_metadata_addresses_are_never_allowed() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "168.63.129.16",
            "100.100.100.200",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "::127.0.0.1",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fe80::1",
            "fec0::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "ff02::1",
        ] {
            assert_eq!(class(address), Class::Forbidden, "{address}");
        }
    }
}
