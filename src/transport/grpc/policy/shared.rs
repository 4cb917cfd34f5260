//! What the messages of several methods have in common.

use super::proto;
use crate::service::error::Error;
use crate::service::paging::PageRequest;
use crate::service::simulation::{ContextEntry, ContextKeyType, PolicySource};

pub(super) fn page(size: i32, token: String) -> PageRequest {
    PageRequest { size, token }
}

pub(super) fn context(entries: Vec<proto::ContextEntry>) -> Result<Vec<ContextEntry>, Error> {
    entries.into_iter().map(entry).collect()
}

fn entry(entry: proto::ContextEntry) -> Result<ContextEntry, Error> {
    let of = match usize::try_from(entry.r#type) {
        Ok(0) => Some(ContextKeyType::text(entry.values.len())),
        // The words of AWS, in their order there.
        Ok(number) => ContextKeyType::WORDS.get(number - 1).map(|(_, of)| *of),
        Err(_) => None,
    };
    let of = of.ok_or_else(|| Error::validation(format!("{} is no type of a context key.", entry.r#type)))?;
    Ok(ContextEntry { key: entry.key, of, values: entry.values })
}

pub(super) fn statement(
    policy: String,
    source: PolicySource,
    sid: Option<String>,
    number: usize,
) -> proto::PolicyStatement {
    let source = match source {
        PolicySource::User => proto::PolicySource::User,
        PolicySource::Role => proto::PolicySource::Role,
        PolicySource::UserManaged => proto::PolicySource::UserManaged,
        PolicySource::Resource => proto::PolicySource::Resource,
        PolicySource::None => proto::PolicySource::Given,
    };
    proto::PolicyStatement { policy, source: source.into(), sid: sid.unwrap_or_default(), number: self::number(number) }
}

pub(super) fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_of_context_keys_are_aws_s() {
        for (i, (word, of)) in ContextKeyType::WORDS.into_iter().enumerate() {
            let r#type = i32::try_from(i + 1).unwrap();
            let name = proto::ContextValueType::try_from(r#type).unwrap().as_str_name();
            let spelt = name.trim_start_matches("CONTEXT_VALUE_TYPE_").replace('_', "").to_lowercase();
            assert_eq!(spelt, word.to_lowercase());
            let read = entry(proto::ContextEntry { key: "a:b".into(), values: vec![], r#type }).unwrap();
            assert_eq!(read.of, of);
        }
        for r#type in [-1, 13, i32::MIN, i32::MAX] {
            assert!(entry(proto::ContextEntry { r#type, ..Default::default() }).is_err(), "{type}");
        }
    }

    #[test]
    fn a_type_that_is_not_named_is_one_text_or_a_list() {
        let of = |values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            entry(proto::ContextEntry { key: "a:b".into(), values, r#type: 0 }).unwrap().of
        };
        let [(_, one), (_, list), ..] = ContextKeyType::WORDS;
        assert_eq!([of(&[]), of(&["a"]), of(&["a", "b"])], [list, one, list]);
    }
}
