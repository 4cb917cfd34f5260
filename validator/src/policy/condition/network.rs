//! IP addresses and ranges of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses in CIDR notation; one address is a range of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32` or an address. Bits beyond the prefix are ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(parse_prefix(prefix)?)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let bits = width(written);
        let prefix = prefix.unwrap_or(bits);
        let address = written.to_canonical();
        match (written, address) {
            _ if prefix > bits => None,
            // A range of IPv4-mapped addresses is a range of IPv4 addresses, if it is not wider than all of them.
            (IpAddr::V6(_), IpAddr::V4(_)) if prefix >= 96 => Some(Self { address, prefix: prefix - 96 }),
            _ => Some(Self { address: written, prefix }),
        }
    }

    /// Whether the address is in the range. Addresses of the other family never are.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(Ipv4Addr::BITS - self.prefix).unwrap_or(0);
                net.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(Ipv6Addr::BITS - self.prefix).unwrap_or(0);
                net.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// An address of a request. An IPv4-mapped IPv6 address is the IPv4 address that it carries; a zone is refused.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

fn parse_prefix(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(parse_address(address).unwrap())
    }

    #[test]
    fn ranges_hold_what_their_prefix_says() {
        for (network, address, expected) in [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.7/24", "203.0.113.9", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678:9::", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::", false),
        ] {
            assert_eq!(within(network, address), expected, "{network} {address}");
        }
    }

    #[test]
    fn c10_mapped_addresses_are_ipv4() {
        assert!(within("203.0.113.0/24", "::ffff:203.0.113.9"));
        assert!(within("::ffff:203.0.113.0/120", "203.0.113.9"));
        assert!(!within("::ffff:203.0.113.0/120", "203.0.114.9"));
        assert!(!within("::/0", "::ffff:203.0.113.9"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "::/129",
            "1.2.3.4/",
            "1.2.3.4/-1",
            "1.2.3.4/+8",
            "1.2.3.4/08",
            "01.2.3.4",
            "a/8",
        ] {
            assert_eq!(Network::parse(text), None, "{text:?}");
        }
        for text in ["fe80::1%eth0", "203.0.113.9:80", " 203.0.113.9", "203.0.113.0/24"] {
            assert_eq!(parse_address(text), None, "{text:?}");
        }
    }
}
