//! A writer for the XML that AWS Query clients read. Every character it is given arrives, or arrives as U+FFFD.

use std::fmt::{self, Display, Write as _};

/// An XML document in the making. Names and namespaces are ours and written as they are; text may be anyone's.
pub struct Xml {
    buffer: String,
}

impl Xml {
    /// A document whose root element has a namespace.
    pub fn document(name: &str, namespace: &str, content: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self { buffer: String::with_capacity(1024) };
        xml.buffer.extend(["<", name, " xmlns=\"", namespace, "\">"]);
        content(&mut xml);
        xml.buffer.extend(["</", name, ">"]);
        xml.buffer
    }

    /// An element with other elements in it.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.buffer.extend(["<", name, ">"]);
        content(self);
        self.buffer.extend(["</", name, ">"]);
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &str, text: impl Display) {
        self.element(name, |xml| xml.text(text));
    }

    /// A leaf, if there is something to say.
    pub fn optional_leaf(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An element with one `member` element for each item.
    pub fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, mut content: impl FnMut(&mut Self, T)) {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| content(xml, item));
            }
        });
    }

    /// Text inside the current element, for lists of plain values.
    pub fn text(&mut self, text: impl Display) {
        // Only a `Display` that fails can make this fail, and then the text ends early.
        let _ = write!(Escaped(&mut self.buffer), "{text}");
    }
}

impl fmt::Debug for Xml {
    /// Shows no content, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Xml").field("length", &self.buffer.len()).finish()
    }
}

/// Writes text with markup, and what XML 1.0 §2.2 and §2.11 would lose, replaced.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // A reader turns a bare carriage return into a line feed.
                '\r' => self.0.push_str("&#13;"),
                '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => self.0.push(character),
                _ => self.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::XmlVersion;
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn documents_nest_as_written() {
        let xml = Xml::document("ListThingsResponse", "https://example.org/", |xml| {
            xml.element("ListThingsResult", |xml| {
                xml.list("Things", ["a", "b"], |xml, thing| xml.leaf("Name", thing));
                xml.list("Names", ["c"], |xml, name| xml.text(name));
                xml.list("None", [""; 0], |xml, name| xml.text(name));
                xml.leaf("IsTruncated", false);
                xml.optional_leaf("Marker", None::<&str>);
                xml.optional_leaf("Count", Some(2));
            });
        });
        assert_eq!(
            xml,
            "<ListThingsResponse xmlns=\"https://example.org/\"><ListThingsResult>\
             <Things><member><Name>a</Name></member><member><Name>b</Name></member></Things>\
             <Names><member>c</member></Names><None></None>\
             <IsTruncated>false</IsTruncated><Count>2</Count></ListThingsResult></ListThingsResponse>"
        );
    }

    #[test]
    fn g10_markup_in_text_stays_text() {
        let xml = Xml::document("A", "n", |xml| xml.leaf("M", "<script>'\"&]]>\u{0}\u{1b}\u{fffe}\r\n"));
        assert_eq!(
            xml,
            "<A xmlns=\"n\"><M>&lt;script&gt;&#39;&quot;&amp;]]&gt;\u{fffd}\u{fffd}\u{fffd}&#13;\n</M></A>"
        );
    }

    proptest! {
        #[test]
        fn text_is_read_back_by_a_parser(text in any::<String>()) {
            let xml = Xml::document("A", "n", |xml| xml.leaf("M", &text));
            let expected: String = text
                .chars()
                .map(|c| if c < ' ' && !"\t\n\r".contains(c) || c == '\u{fffe}' || c == '\u{ffff}' { '\u{fffd}' } else { c })
                .collect();
            prop_assert_eq!(text_of(&xml), expected);
        }
    }

    fn text_of(xml: &str) -> String {
        let mut reader = quick_xml::Reader::from_str(xml);
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(part) => text.push_str(&part.xml_content(XmlVersion::Explicit1_0)),
                Event::GeneralRef(entity) => match entity.resolve_char_ref().unwrap() {
                    Some(character) => text.push(character),
                    None => text.push_str(quick_xml::escape::resolve_xml_entity(&entity).unwrap()),
                },
                Event::Eof => return text,
                _ => {}
            }
        }
    }
}
