//! The pages that people see: plain HTML without scripts, and nothing in them that was not escaped.

use std::fmt::{self, Display, Write as _};

use crate::service::federation::toy::endpoints;
use crate::service::federation::toy::people::{Began, DeviceQuestion, PEOPLE};

/// A page, and where its form may lead.
pub(super) struct Page {
    pub(super) html: String,
    /// Besides the issuer itself: browsers check redirects too.
    leads_to: Option<String>,
}

impl Page {
    /// Who is it that signs in at a client?
    pub(super) fn sign_in(began: &Began) -> Self {
        let (client_id, origin) = (Escaped(&began.client_id), began.redirect.origin());
        let text = format!(
            "<p><b>{client_id}</b> wants to know who you are. The answer goes to <b>{}</b>.</p>",
            Escaped(origin)
        );
        // Content Security Policy has no words for IPv6 addresses.
        let leads_to = if origin.contains('[') { "http:" } else { origin };
        Self { leads_to: Some(leads_to.to_owned()), ..page("Who are you?", &(text + &choice(began.ticket.expose()))) }
    }

    /// Who is it that signs in on a device?
    pub(super) fn device(question: &DeviceQuestion) -> Self {
        let text = format!(
            "<p><b>{}</b> wants to know who you are, on a device that shows the code <b>{}</b>. If yours does not, deny it.</p>",
            Escaped(&question.client_id),
            Escaped(&question.user_code),
        );
        page("Who are you?", &(text + &choice(question.ticket.expose())))
    }

    /// Which code does the device show?
    pub(super) fn enter_code(refused: Option<&str>) -> Self {
        let refused = refused.map(|code| format!("<p>No device waits with the code <b>{}</b>.</p>", Escaped(code)));
        let form = format!(
            "<form method=\"get\" action=\"{}\"><p><label>The code that your device shows: \
             <input name=\"user_code\" autocomplete=\"off\" autofocus required></label> <button>Go on</button></p></form>",
            endpoints::DEVICE
        );
        page("A device wants to sign in", &(refused.unwrap_or_default() + &form))
    }

    /// A sentence, and nothing to do.
    pub(super) fn notice(title: &str, sentence: &str) -> Self {
        page(title, &format!("<p>{}</p>", Escaped(sentence)))
    }

    pub(super) fn content_security_policy(&self) -> String {
        let leads_to = self.leads_to.as_ref().map(|origin| format!(" {origin}")).unwrap_or_default();
        format!("default-src 'none'; form-action 'self'{leads_to}; base-uri 'none'; frame-ancestors 'none'")
    }
}

fn choice(ticket: &str) -> String {
    let mut form = format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"ticket\" value=\"{}\"><p>",
        endpoints::SIGN_IN,
        Escaped(ticket)
    );
    for person in PEOPLE {
        let name = Escaped(person.name);
        // Writing to a string cannot fail.
        let _ = write!(form, "<button name=\"person\" value=\"{name}\">{name}</button> ");
    }
    form + "<button name=\"deny\" value=\"yes\">Deny it</button></p></form>"
}

fn page(title: &str, content: &str) -> Page {
    let title = Escaped(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body><h1>{title}</h1>\n{content}\n\
         <p><small>This is a toy for development and tests. Nobody has a password here.</small></p></body></html>\n"
    );
    Page { html, leads_to: None }
}

/// Text that stays text, between tags and between quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_stays_text() {
        let page = Page::enter_code(Some("\"><script>alert('&')</script>"));
        assert!(page.html.contains("<b>&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</b>"));
        assert!(!page.html.contains("<script"));
        assert!(Page::notice("<i>", "<i>").html.matches("&lt;i&gt;").count() == 3);
    }
}
