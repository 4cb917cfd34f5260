//! Where a code is sent: to a program on this machine and nowhere else (RFC 8252 §7.3).

/// An `http` URL on loopback, of any port and path, in the one spelling that every reader reads alike.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedirectUri {
    url: String,
    /// Length of scheme, host and port.
    origin: usize,
}

impl RedirectUri {
    /// Takes a URL as it is or not at all.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let after_host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find_map(|host| rest.strip_prefix(host))?;
        let end = after_host.find(['/', '?']).unwrap_or(after_host.len());
        let (port, path) = after_host.split_at(end);
        if !port.is_empty() {
            let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse::<u16>().ok().filter(|port| *port > 0)?;
        }
        // What browsers would read otherwise than we do, and fragments.
        let plain = |byte: u8| byte.is_ascii_graphic() && !br##""#<>\^`{|}"##.contains(&byte);
        let origin = url.len() - path.len();
        path.bytes().all(plain).then(|| Self { url: url.to_owned(), origin })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.url[..self.origin]
    }

    /// The URL with these parameters besides its own.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}{separator}{query}", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_on_this_machine_are_reached_at_any_port_and_path() {
        for (url, origin) in [
            ("http://127.0.0.1:4711/callback", "http://127.0.0.1:4711"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:65535/a/b?c=d", "http://[::1]:65535"),
            ("http://localhost:1?x", "http://localhost:1"),
        ] {
            let redirect = RedirectUri::parse(url);
            assert_eq!(redirect.as_ref().map(RedirectUri::origin), Some(origin), "{url}");
        }
    }

    #[test]
    fn nothing_leads_anywhere_else() {
        for url in [
            "",
            "https://127.0.0.1/cb",
            "http://evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:80.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://127.0.0.1:80@evil.example/",
            "http://evil.example@127.0.0.1/",
            "http://127.0.0.1\\@evil.example/",
            "http://127.0.0.1:80\\.evil.example/",
            "http://127.0.0.1#@evil.example/",
            "http://localhostevil.example/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:65536/",
            "http://127.0.0.1:/",
            "http://127.0.0.1:+80/",
            "http://127.1/",
            "http://2130706433/",
            "HTTP://127.0.0.1/",
            "//127.0.0.1/",
            "javascript:alert(1)//127.0.0.1",
            "http://127.0.0.1/cb#fragment",
            "http://127.0.0.1/\r\nSet-Cookie: a=b",
            "http://127.0.0.1/a b",
            "http://127.0.0.1/\"><script>",
            "http://127.0.0.1/ü",
            " http://127.0.0.1/",
            "urn:ietf:wg:oauth:2.0:oob",
        ] {
            assert_eq!(RedirectUri::parse(url), None, "{url}");
        }
    }

    #[test]
    fn parameters_are_added_to_those_that_are_there() {
        let with = |url| RedirectUri::parse(url).unwrap().with(&[("state", "a&b=\"ü")]);
        assert_eq!(with("http://127.0.0.1/cb"), "http://127.0.0.1/cb?state=a%26b%3D%22%C3%BC");
        assert_eq!(with("http://127.0.0.1/cb?x=y"), "http://127.0.0.1/cb?x=y&state=a%26b%3D%22%C3%BC");
    }
}
