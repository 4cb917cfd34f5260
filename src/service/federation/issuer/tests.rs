//! Which URLs are issuers, and what they are called.

use super::*;

fn https(url: &str) -> Result<Issuer, InvalidIssuer> {
    Issuer::parse(url, Plaintext::Refused)
}

#[test]
fn an_address_is_an_issuer_where_relying_parties_can_believe_it() {
    for (tls, address, expected) in [
        (false, "127.0.0.1:8731", Some("http://127.0.0.1:8731")),
        (false, "127.0.0.1:80", Some("http://127.0.0.1")),
        (true, "127.0.0.1:443", Some("https://127.0.0.1")),
        (false, "[::1]:8731", Some("http://[::1]:8731")),
        (false, "0.0.0.0:8731", Some("http://127.0.0.1:8731")),
        (true, "0.0.0.0:8731", Some("https://127.0.0.1:8731")),
        (true, "192.0.2.1:8731", Some("https://192.0.2.1:8731")),
        (false, "[::]:80", Some("http://[::1]")),
        (false, "192.0.2.1:8731", None),
    ] {
        let issuer = Issuer::at(address.parse().unwrap(), tls).ok();
        assert_eq!(issuer.as_ref().map(Issuer::as_str), expected, "{tls} {address}");
    }
}

#[test]
fn issuers_are_kept_byte_for_byte() {
    for (url, name) in [
        ("https://token.actions.githubusercontent.com", "token.actions.githubusercontent.com"),
        ("https://tenant.example.com/", "tenant.example.com/"),
        ("https://ghes.example.com:8443/_services/token", "ghes.example.com:8443/_services/token"),
        ("https://oidc.eks.eu-west-1.amazonaws.com/id/0123ABCD", "oidc.eks.eu-west-1.amazonaws.com/id/0123ABCD"),
        ("https://kubernetes.default.svc", "kubernetes.default.svc"),
        ("https://idp.example.com/realms/a/", "idp.example.com/realms/a/"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://10.1.2.3:8443", "10.1.2.3:8443"),
    ] {
        let issuer = https(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((issuer.as_str(), issuer.provider_name(), issuer.is_https()), (url, name, true));
    }
}

#[test]
fn b8_a_trailing_slash_names_another_issuer() {
    assert_ne!(https("https://idp.example"), https("https://idp.example/"));
}

#[test]
fn b8_urls_with_a_second_spelling_are_refused() {
    use InvalidIssuer::*;
    for (url, why) in [
        ("", Length),
        ("http://idp.example", Scheme),
        ("HTTPS://idp.example", Scheme),
        ("https:/idp.example", Scheme),
        ("//idp.example", Scheme),
        ("idp.example", Scheme),
        ("file:///etc/passwd", Scheme),
        (" https://idp.example", Scheme),
        ("https://user@idp.example", UserInfo),
        ("https://user:pass@idp.example/", UserInfo),
        ("https://idp.example?", QueryOrFragment),
        ("https://idp.example/a?b=c", QueryOrFragment),
        ("https://idp.example#", QueryOrFragment),
        ("https://", Host),
        ("https:///a", Host),
        ("https://IDP.example", Host),
        ("https://idp.example.", Host),
        ("https://idp..example", Host),
        ("https://-idp.example", Host),
        ("https://idp_1.example", Host),
        ("https://aws", Host),
        ("https://sts/a", Host),
        ("https://idp.example\\@evil.example", UserInfo),
        ("https://idp.example\\evil.example", Host),
        ("https://\u{456}dp.example", Host),
        ("https://idp%2eexample", Host),
        ("https://idp.example ", Host),
        ("https://idp.example\n", Host),
        ("https://2130706433/", Host),
        ("https://0x7f.1", Host),
        ("https://127.1", Host),
        ("https://010.0.0.1", Host),
        ("https://[::ffff:127.0.0.1]", Host),
        ("https://[2001:db8::1]", Host),
        ("https://[::1", Port),
        ("https://::1", Port),
        ("https://idp.example:443", Port),
        ("https://idp.example:", Port),
        ("https://idp.example:0", Port),
        ("https://idp.example:08443", Port),
        ("https://idp.example:+8443", Port),
        ("https://idp.example:65536", Port),
        ("https://idp.example:8443:1", Port),
        ("https://idp.example/./a", Path),
        ("https://idp.example/a/..", Path),
        ("https://idp.example/a/../b", Path),
        ("https://idp.example//", Path),
        ("https://idp.example//a", Path),
        ("https://idp.example/a//b", Path),
        ("https://idp.example/%2e%2e/a", Path),
        ("https://idp.example/a%2fb", Path),
        ("https://idp.example/a*", Path),
        ("https://idp.example/a:b", Path),
        ("https://idp.example/${aws:username}", Path),
        ("https://idp.example/a b", Path),
        ("https://idp.example/\u{e9}", Path),
        ("https://idp.example/a\\..\\b", Path),
    ] {
        assert_eq!(https(url).unwrap_err(), why, "{url}");
    }
    assert!(https(&format!("https://idp.example/{}", "a".repeat(235))).is_ok());
    assert_eq!(https(&format!("https://idp.example/{}", "a".repeat(236))), Err(Length));
}

#[test]
fn plaintext_is_for_loopback_hosts_alone_and_only_if_asked_for() {
    for url in ["http://localhost:8080", "http://127.0.0.1:1/a", "http://127.9.9.9", "http://[::1]:9000"] {
        let issuer = Issuer::parse(url, Plaintext::OnLoopback).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((issuer.as_str(), issuer.is_https()), (url, false));
        assert_eq!(issuer.provider_name(), &url["http://".len()..]);
        assert_eq!(https(url), Err(InvalidIssuer::Scheme), "{url}");
    }
    for url in ["http://idp.example", "http://10.0.0.1", "http://localhost.example", "http://localhost:80"] {
        assert!(Issuer::parse(url, Plaintext::OnLoopback).is_err(), "{url}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(url in r"https?://[a-z0-9\[\]:@./%?#A-Z\u{e9}-]{0,40}") {
        let _ = Issuer::parse(&url, Plaintext::OnLoopback);
    }
}
