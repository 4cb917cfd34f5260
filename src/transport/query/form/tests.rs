use proptest::prelude::*;

use super::*;

fn kind(query: &str, body: &[u8]) -> Kind {
    Form::read(query, body).unwrap_err().kind()
}

fn form(body: &str) -> Form {
    Form::read("", body.as_bytes()).unwrap()
}

#[test]
fn parameters_come_from_query_and_body_alike() {
    let mut form = Form::read("Action=AssumeRole&empty", b"&&Name=a+b%20%C3%A9%2b&raw=\xc3\xa9&").unwrap();
    assert_eq!(form.take("Action").as_deref(), Some("AssumeRole"));
    assert_eq!(form.take("Name").as_deref(), Some("a b é+"));
    assert_eq!(form.take("empty").as_deref(), Some(""));
    assert_eq!(form.take("raw").as_deref(), Some("é"));
    assert_eq!(form.take("raw"), None);
    form.finish().unwrap();
}

#[test]
fn a4_a_name_that_occurs_twice_is_refused_wherever_it_stands() {
    assert_eq!(kind("", b"Action=AssumeRole&Action=GetCallerIdentity"), Kind::MalformedQueryString);
    assert_eq!(kind("Action=A&Action=A", b""), Kind::MalformedQueryString);
    assert_eq!(kind("Action=AssumeRole", b"Action=GetCallerIdentity"), Kind::MalformedQueryString);
    assert_eq!(kind("Actio%6e=AssumeRole", b"Action=AssumeRole"), Kind::MalformedQueryString);
    assert_eq!(kind("X-Amz-Date=1", b"X-Amz-Date=2"), Kind::MalformedQueryString);
}

#[test]
fn a5_names_are_case_sensitive_and_variants_refused() {
    for body in ["action=A", "ACTION=A", "version=1", "x-amz-expires=1", "Action=A&action=A", "RoleArn=a&rolearn=a"] {
        assert_eq!(kind("", body.as_bytes()), Kind::MalformedQueryString, "{body}");
    }
    assert_eq!(kind("X-Amz-Expires=60&x-amz-expires=9999", b""), Kind::MalformedQueryString);
}

#[test]
fn a18_what_cannot_be_decoded_is_refused() {
    for body in ["a=%", "a=%4", "a=%zz", "a=%u0041", "a=%+1", "%=a", "a=%C0%AF", "a=%ff", "=a"] {
        assert_eq!(kind("", body.as_bytes()), Kind::MalformedQueryString, "{body}");
        assert_eq!(kind(body, b""), Kind::MalformedQueryString, "{body}");
    }
    assert_eq!(kind("", b"a=\xff"), Kind::MalformedQueryString);
    assert_eq!(form("a=%00%2f%2F").take("a").as_deref(), Some("\0//"));
}

#[test]
fn parameters_of_the_signature_are_dropped_from_the_query_alone() {
    Form::read("X-Amz-Signature=1&X-Amz-Date=2&x-amz-user-agent=js", b"").unwrap().finish().unwrap();
    let left = form("X-Amz-Signature=1").finish().unwrap_err();
    assert_eq!(left.kind(), Kind::ValidationError);
}

#[test]
fn a_parameter_that_nobody_takes_is_named() {
    let left = form("Action=A&Surprise%0a=1").finish().unwrap_err();
    assert_eq!(left.kind(), Kind::ValidationError);
    assert_eq!(left.message(), "The parameter 'Action' is not known to this operation.");
    let left = form("Surprise%0a=1").finish().unwrap_err();
    assert_eq!(left.message(), "The parameter 'Surprise\\n' is not known to this operation.");
}

#[test]
fn lists_are_taken_in_the_order_of_their_numbers() {
    let mut tenth_first = form("Key.member.10=j&Key.member.2=b&Key.member.1=a&Key.member.3=&Keys=&Empty=");
    assert_eq!(tenth_first.take_list("Key").unwrap_err().kind(), Kind::ValidationError);

    let mut form = form("Key.member.2=b&Key.member.1=a&Key.member.3=&Empty=");
    assert_eq!(form.take_list("Key").unwrap(), ["a", "b", ""]);
    assert_eq!(form.take_list("Empty").unwrap(), [""; 0]);
    assert_eq!(form.take_list("Absent").unwrap(), [""; 0]);
    form.finish().unwrap();
}

#[test]
fn structures_keep_absent_and_empty_apart() {
    let mut form = form("Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Value=b");
    let tags = form.take_structs("Tags", ["Key", "Value"]).unwrap();
    assert_eq!(tags, [[Some("a".into()), Some("".into())], [None, Some("b".into())]]);
    form.finish().unwrap();
}

#[test]
fn members_have_lists_and_structures_of_their_own() {
    let mut form = form("L.member.1.Name=a&L.member.1.Values.member.1=x&L.member.1.Values.member.2=y&L.member.2.S.K=v");
    let mut members = form.take_members("L", 2).unwrap();
    form.finish().unwrap();
    assert_eq!(members[0].take("Name").as_deref(), Some("a"));
    assert_eq!(members[0].take_list("Values").unwrap(), ["x", "y"]);
    members[0].all_taken("L", 0).unwrap();
    assert!(members[1].take_struct("T").is_none());
    let left = members[1].all_taken("L", 1).unwrap_err();
    assert_eq!(left.message(), "The parameter 'L.member.2.S.K' is not valid.");
    assert_eq!(members[1].take_struct("S").unwrap().take("K").as_deref(), Some("v"));
}

#[test]
fn e5_long_lists_end_too() {
    let list = |most: usize| (1..=most).map(|n| format!("L.member.{n}=v")).collect::<Vec<_>>().join("&");
    assert_eq!(form(&list(LONG_LIST)).take_long_list("L").unwrap().len(), LONG_LIST);
    assert!(form(&list(LONG_LIST + 1)).take_long_list("L").is_err());
    assert!(form(&list(MAX_MEMBERS + 1)).take_list("L").is_err());
    assert!(form("L.member.1.x=v").take_long_list("L").is_err());
}

#[test]
fn e5_indices_out_of_bounds_are_refused() {
    for index in ["0", "51", "-1", "01", "+1", " 1", "2147483648", "99999999999999999999", "", "x", "1.", "1.Key.x"] {
        let body = format!("Tags.member.{}.Key=a", index.replace('+', "%2B"));
        let error = form(&body).take_structs("Tags", ["Key", "Value"]).unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError, "{body}");
    }
    for body in ["Tags.member.2.Key=a", "Tags.1.Key=a", "Tags.member.1=a", "Tags.member.1.key=a", "Tags=a", "Tags."] {
        let error = form(body).take_structs("Tags", ["Key", "Value"]).unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError, "{body}");
    }
    let both = form("Tags=&Tags.member.1.Key=a").take_structs("Tags", ["Key", "Value"]).unwrap_err();
    assert_eq!(both.kind(), Kind::ValidationError);
}

#[test]
fn e5_a_flood_of_parameters_is_refused() {
    let flood: Vec<String> = (1..=100_000).map(|n| format!("Tags.member.{n}.Key=k")).collect();
    assert_eq!(kind("", flood.join("&").as_bytes()), Kind::ValidationError);
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(values in proptest::collection::vec(any::<String>(), 0..8)) {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body: Vec<String> = values.iter().enumerate().map(|(n, v)| format!("L.member.{}={}", n + 1, encode(v))).collect();
        prop_assert_eq!(form(&body.join("&")).take_list("L").unwrap(), values);
    }

    #[test]
    fn no_bytes_can_make_the_reader_panic(query in any::<String>(), body in any::<Vec<u8>>()) {
        if let Ok(mut form) = Form::read(&query, &body) {
            let _ = form.take_structs("a", ["b"]);
        }
    }
}
