//! Requests as clients send them, and answers as they expect them.

mod simulate;

use brevet_validator::credential::SecretKey;
use brevet_validator::timestamp::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::service::directory::{KeyStatus, KeyUse, Tag, UsePlace};
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::paging::Page;
use crate::transport::query::form::Form;
use crate::transport::query::xml::Xml;

const ARN: &str = "arn:aws:iam::123456789012:policy/p";

/// What is read from a body, as the audit log would show it. Nothing of the body may be left over.
fn parsed(body: &str) -> (&'static str, Value) {
    let mut form = Form::read("", body.as_bytes()).unwrap();
    let action = form.take("Action").unwrap();
    let request = parse(&action, &mut form).unwrap().unwrap_or_else(|| panic!("{action} is not known"));
    form.finish().unwrap();
    assert_eq!(request.name(), action);
    (request.name(), request.audit_parameters())
}

/// The content of a result element.
fn rendered(answer: &Answer) -> String {
    let document = Xml::document("R", "n", |xml| render(answer, xml));
    document.strip_prefix("<R xmlns=\"n\">").unwrap().strip_suffix("</R>").unwrap().to_owned()
}

fn time() -> Timestamp {
    Timestamp::parse_iso("2026-01-15T12:00:00Z").unwrap()
}

fn one<T>(item: T) -> Page<T> {
    Page { items: vec![item], marker: Some("bWFya2Vy".into()) }
}

#[test]
fn every_parameter_of_every_operation_is_read_under_its_name() {
    let document = json!({
        "length": 2,
        "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    });
    let policy = json!({"policyArn": ARN});
    let version = json!({"policyArn": ARN, "versionId": "v1"});
    let page = "MaxItems=5&Marker=m";
    let tags = "Tags.member.1.Key=k&Tags.member.1.Value=";
    let cases = [
        (
            format!("Action=CreateUser&Path=/a/&UserName=u&PermissionsBoundary={ARN}&{tags}"),
            json!({"path": "/a/", "userName": "u", "permissionsBoundary": ARN, "tags": [{"key": "k", "value": ""}]}),
        ),
        ("Action=GetUser&UserName=u".into(), json!({"userName": "u"})),
        (format!("Action=ListUsers&PathPrefix=/a&{page}"), json!({"pathPrefix": "/a", "maxItems": "5", "marker": "m"})),
        (
            "Action=UpdateUser&UserName=u&NewPath=/b/&NewUserName=v".into(),
            json!({"userName": "u", "newPath": "/b/", "newUserName": "v"}),
        ),
        ("Action=DeleteUser&UserName=u".into(), json!({"userName": "u"})),
        ("Action=CreateAccessKey".into(), json!({})),
        (format!("Action=ListAccessKeys&UserName=u&{page}"), json!({"userName": "u", "maxItems": "5", "marker": "m"})),
        (
            "Action=UpdateAccessKey&UserName=u&AccessKeyId=AK&Status=Inactive".into(),
            json!({"userName": "u", "accessKeyId": "AK", "status": "Inactive"}),
        ),
        ("Action=GetAccessKeyLastUsed&AccessKeyId=AK".into(), json!({"accessKeyId": "AK"})),
        ("Action=DeleteAccessKey&UserName=u&AccessKeyId=AK".into(), json!({"userName": "u", "accessKeyId": "AK"})),
        (
            format!(
                "Action=CreateRole&Path=/&RoleName=r&AssumeRolePolicyDocument=%7B%7D&Description=d&MaxSessionDuration=3600&PermissionsBoundary={ARN}&{tags}"
            ),
            json!({"path": "/", "roleName": "r", "assumeRolePolicyDocument": document, "description": "d",
                "maxSessionDuration": "3600", "permissionsBoundary": ARN, "tags": [{"key": "k", "value": ""}]}),
        ),
        ("Action=GetRole&RoleName=r".into(), json!({"roleName": "r"})),
        (format!("Action=ListRoles&PathPrefix=/a&{page}"), json!({"pathPrefix": "/a", "maxItems": "5", "marker": "m"})),
        (
            "Action=UpdateRole&RoleName=r&Description=&MaxSessionDuration=1".into(),
            json!({"roleName": "r", "description": "", "maxSessionDuration": "1"}),
        ),
        ("Action=UpdateRoleDescription&RoleName=r&Description=d".into(), json!({"roleName": "r", "description": "d"})),
        (
            "Action=UpdateAssumeRolePolicy&RoleName=r&PolicyDocument=%7B%7D".into(),
            json!({"roleName": "r", "policyDocument": document}),
        ),
        ("Action=DeleteRole&RoleName=r".into(), json!({"roleName": "r"})),
        (
            format!("Action=CreatePolicy&PolicyName=p&Path=/&PolicyDocument=%7B%7D&Description=d&{tags}"),
            json!({"policyName": "p", "path": "/", "policyDocument": document, "description": "d",
                "tags": [{"key": "k", "value": ""}]}),
        ),
        (format!("Action=GetPolicy&PolicyArn={ARN}"), policy.clone()),
        (
            format!("Action=ListPolicies&Scope=Local&OnlyAttached=true&PathPrefix=/&PolicyUsageFilter=x&{page}"),
            json!({"scope": "Local", "onlyAttached": "true", "pathPrefix": "/", "policyUsageFilter": "x",
                "maxItems": "5", "marker": "m"}),
        ),
        (format!("Action=DeletePolicy&PolicyArn={ARN}"), policy.clone()),
        (
            format!(
                "Action=ListEntitiesForPolicy&PolicyArn={ARN}&EntityFilter=User&PathPrefix=/&PolicyUsageFilter=x&{page}"
            ),
            json!({"policyArn": ARN, "entityFilter": "User", "pathPrefix": "/", "policyUsageFilter": "x",
                "maxItems": "5", "marker": "m"}),
        ),
        (
            format!("Action=CreatePolicyVersion&PolicyArn={ARN}&PolicyDocument=%7B%7D&SetAsDefault=true"),
            json!({"policyArn": ARN, "policyDocument": document, "setAsDefault": "true"}),
        ),
        (format!("Action=GetPolicyVersion&PolicyArn={ARN}&VersionId=v1"), version.clone()),
        (
            format!("Action=ListPolicyVersions&PolicyArn={ARN}&{page}"),
            json!({"policyArn": ARN, "maxItems": "5", "marker": "m"}),
        ),
        (format!("Action=SetDefaultPolicyVersion&PolicyArn={ARN}&VersionId=v1"), version.clone()),
        (format!("Action=DeletePolicyVersion&PolicyArn={ARN}&VersionId=v1"), version),
    ];
    for (body, expected) in cases {
        assert_eq!(parsed(&body).1, expected, "{body}");
    }
}

#[test]
fn operations_of_users_and_roles_are_read_alike() {
    let cases = [
        ("Tag_", "Tags.member.1.Key=k&Tags.member.1.Value=v", json!({"tags": [{"key": "k", "value": "v"}]})),
        ("Untag_", "TagKeys.member.1=k&TagKeys.member.2=l", json!({"tagKeys": ["k", "l"]})),
        ("List_Tags", "Marker=m", json!({"marker": "m"})),
        (
            "Put_Policy",
            "PolicyName=p&PolicyDocument=",
            json!({"policyName": "p", "policyDocument": {"length": 0,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}),
        ),
        ("Get_Policy", "PolicyName=p", json!({"policyName": "p"})),
        ("List_Policies", "MaxItems=1", json!({"maxItems": "1"})),
        ("Delete_Policy", "PolicyName=p", json!({"policyName": "p"})),
        ("Attach_Policy", "PolicyArn=a", json!({"policyArn": "a"})),
        ("Detach_Policy", "PolicyArn=a", json!({"policyArn": "a"})),
        ("ListAttached_Policies", "PathPrefix=/&Marker=m", json!({"pathPrefix": "/", "marker": "m"})),
        ("Put_PermissionsBoundary", "PermissionsBoundary=a", json!({"permissionsBoundary": "a"})),
        ("Delete_PermissionsBoundary", "", json!({})),
    ];
    for (action, parameters, expected) in cases {
        for (kind, owner) in [("User", "userName"), ("Role", "roleName")] {
            let body = format!("Action={}&{kind}Name=x&{parameters}", action.replace('_', kind));
            let mut expected = expected.clone();
            expected[owner] = json!("x");
            assert_eq!(parsed(&body).1, expected, "{body}");
        }
    }
}

#[test]
fn what_iam_does_not_have_is_not_known() {
    for action in ["", "createUser", "CREATEUSER", "PutPolicy", "TagUserRole", "AssumeRole", "CreateGroup", "GetUser "]
    {
        let mut form = Form::read("", b"UserName=u").unwrap();
        assert!(parse(action, &mut form).unwrap().is_none(), "{action}");
    }
}

#[test]
fn e5_more_than_fifty_tags_are_refused() {
    let tags: Vec<String> = (1..=51).map(|n| format!("Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=v")).collect();
    for action in ["CreateUser", "TagUser", "CreateRole", "TagRole", "CreatePolicy"] {
        let mut form = Form::read("", tags.join("&").as_bytes()).unwrap();
        assert_eq!(parse(action, &mut form).unwrap_err().kind(), Kind::ValidationError, "{action}");
    }
}

#[test]
fn users_and_their_keys_are_rendered_in_the_order_of_the_model() {
    let user = UserDetail {
        path: Some("/".into()),
        name: Some("ada".into()),
        id: "AIDAQQQQQQQQQQQQQQQQQ".into(),
        arn: "arn:aws:iam::123456789012:user/ada".parse().unwrap(),
        created_at: time(),
        boundary: Some(ARN.into()),
        tags: vec![Tag { key: "k".into(), value: "<v>".into() }],
    };
    let inner = "<Path>/</Path><UserName>ada</UserName><UserId>AIDAQQQQQQQQQQQQQQQQQ</UserId>\
        <Arn>arn:aws:iam::123456789012:user/ada</Arn><CreateDate>2026-01-15T12:00:00Z</CreateDate>\
        <PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
        <PermissionsBoundaryArn>arn:aws:iam::123456789012:policy/p</PermissionsBoundaryArn></PermissionsBoundary>\
        <Tags><member><Key>k</Key><Value>&lt;v&gt;</Value></member></Tags>";
    assert_eq!(rendered(&Answer::User(user.clone())), format!("<User>{inner}</User>"));
    assert_eq!(
        rendered(&Answer::Users(one(user))),
        format!("<Users><member>{inner}</member></Users><IsTruncated>true</IsTruncated><Marker>bWFya2Vy</Marker>")
    );
    let key = AccessKeyDetail {
        user_name: Some("ada".into()),
        id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
        status: KeyStatus::Active,
        expires_at: None,
        description: "never on this wire".into(),
        last_use: None,
        created_at: time(),
    };
    assert_eq!(
        rendered(&Answer::NewAccessKey(key.clone(), SecretKey::new("s3cr3t".into()))),
        "<AccessKey><UserName>ada</UserName><AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId><Status>Active</Status>\
         <SecretAccessKey>s3cr3t</SecretAccessKey><CreateDate>2026-01-15T12:00:00Z</CreateDate></AccessKey>"
    );
    assert_eq!(
        rendered(&Answer::AccessKeyLastUsed(key.clone())),
        "<UserName>ada</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"
    );
    let place = UsePlace::new("sts", "us-east-1").into();
    let used = AccessKeyDetail { last_use: Some(KeyUse { at: time(), place }), ..key.clone() };
    assert_eq!(
        rendered(&Answer::AccessKeyLastUsed(used)),
        "<UserName>ada</UserName><AccessKeyLastUsed><LastUsedDate>2026-01-15T12:00:00Z</LastUsedDate>\
         <ServiceName>sts</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>"
    );
    let listed = AccessKeyDetail { status: KeyStatus::Inactive, user_name: None, ..key };
    assert_eq!(
        rendered(&Answer::AccessKeys(Page { items: vec![listed], marker: None })),
        "<AccessKeyMetadata><member><AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId><Status>Inactive</Status>\
         <CreateDate>2026-01-15T12:00:00Z</CreateDate></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
    );
}

#[test]
fn documents_are_percent_encoded() {
    let policy = InlinePolicyDetail {
        owner_kind: OwnerKind::Role,
        owner: "r".into(),
        name: "p".into(),
        document: "{\"a b\": [\"*~-._/é\"]}".into(),
    };
    assert_eq!(
        rendered(&Answer::InlinePolicy(policy)),
        "<RoleName>r</RoleName><PolicyName>p</PolicyName>\
         <PolicyDocument>%7B%22a%20b%22%3A%20%5B%22%2A~-._%2F%C3%A9%22%5D%7D</PolicyDocument>"
    );
}

#[test]
fn roles_are_rendered_in_the_order_of_the_model() {
    let role = RoleDetail {
        path: "/ci/".into(),
        name: "r".into(),
        id: "AROAQQQQQQQQQQQQQQQQQ".parse().unwrap(),
        arn: "arn:aws:iam::123456789012:role/ci/r".parse().unwrap(),
        created_at: time(),
        trust: "{}".into(),
        description: Some("d".into()),
        max_session_duration: 3600,
        boundary: None,
        tags: Vec::new(),
    };
    assert_eq!(
        rendered(&Answer::Role(role)),
        "<Role><Path>/ci/</Path><RoleName>r</RoleName><RoleId>AROAQQQQQQQQQQQQQQQQQ</RoleId>\
         <Arn>arn:aws:iam::123456789012:role/ci/r</Arn><CreateDate>2026-01-15T12:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument><Description>d</Description>\
         <MaxSessionDuration>3600</MaxSessionDuration></Role>"
    );
}

#[test]
fn policies_and_versions_are_rendered_in_the_order_of_the_model() {
    let policy = PolicyDetail {
        name: "p".into(),
        id: "ANPAQQQQQQQQQQQQQQQQQ".parse().unwrap(),
        arn: ARN.parse().unwrap(),
        path: "/".into(),
        default_version: "v1".into(),
        attachments: 2,
        boundaries: 0,
        description: None,
        created_at: time(),
        updated_at: time(),
        tags: Vec::new(),
    };
    assert_eq!(
        rendered(&Answer::Policy(policy)),
        "<Policy><PolicyName>p</PolicyName><PolicyId>ANPAQQQQQQQQQQQQQQQQQ</PolicyId>\
         <Arn>arn:aws:iam::123456789012:policy/p</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId>\
         <AttachmentCount>2</AttachmentCount><PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount>\
         <IsAttachable>true</IsAttachable><CreateDate>2026-01-15T12:00:00Z</CreateDate>\
         <UpdateDate>2026-01-15T12:00:00Z</UpdateDate></Policy>"
    );
    let version = VersionDetail { document: Some("{}".into()), id: "v1".into(), is_default: true, created_at: time() };
    let inner = "<VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion>\
        <CreateDate>2026-01-15T12:00:00Z</CreateDate>";
    assert_eq!(
        rendered(&Answer::PolicyVersion(version.clone())),
        format!("<PolicyVersion><Document>%7B%7D</Document>{inner}</PolicyVersion>")
    );
    let page = Page { items: vec![VersionDetail { document: None, ..version }], marker: None };
    assert_eq!(
        rendered(&Answer::PolicyVersions(page)),
        format!("<Versions><member>{inner}</member></Versions><IsTruncated>false</IsTruncated>")
    );
}

#[test]
fn short_lists_are_rendered_under_their_names() {
    let end = "<IsTruncated>true</IsTruncated><Marker>bWFya2Vy</Marker>";
    let tags = one(Tag { key: "k".into(), value: String::new() });
    assert_eq!(
        rendered(&Answer::Tags(tags)),
        format!("<Tags><member><Key>k</Key><Value></Value></member></Tags>{end}")
    );
    assert_eq!(
        rendered(&Answer::PolicyNames(one("p".into()))),
        format!("<PolicyNames><member>p</member></PolicyNames>{end}")
    );
    assert_eq!(
        rendered(&Answer::AttachedPolicies(one(AttachedPolicy { name: "p".into(), arn: ARN.into() }))),
        format!(
            "<AttachedPolicies><member><PolicyName>p</PolicyName><PolicyArn>{ARN}</PolicyArn></member>\
             </AttachedPolicies>{end}"
        )
    );
    let id = "AROAQQQQQQQQQQQQQQQQQ".parse().unwrap();
    assert_eq!(
        rendered(&Answer::PolicyEntities(one(PolicyEntity { kind: OwnerKind::Role, name: "r".into(), id }))),
        format!(
            "<PolicyGroups></PolicyGroups><PolicyUsers></PolicyUsers><PolicyRoles><member><RoleName>r</RoleName>\
             <RoleId>AROAQQQQQQQQQQQQQQQQQ</RoleId></member></PolicyRoles>{end}"
        )
    );
}

#[test]
fn only_some_answers_without_content_have_a_result_element() {
    assert!(!has_result(&Answer::Done));
    assert!(has_result(&Answer::Updated));
    assert_eq!(rendered(&Answer::Updated), "");
}
