//! The operations of AWS STS 2011-06-15 on the Query wire.

use super::form::Form;
use super::xml::Xml;
use crate::service::denial::DecodeAuthorizationMessage;
use crate::service::error::Error;
use crate::service::issue::{
    AssumeRole, AssumeRoleWithWebIdentity, CallerIdentity, GetAccessKeyInfo, GetFederationToken, GetSessionToken,
    GetWebIdentityToken, Holder, Issued, TagInput,
};
use crate::service::operation::Operation;
use crate::service::outbound::WebIdentityToken;

/// Takes the parameters of an action; `None` if STS has no such action here.
pub fn parse(action: &str, form: &mut Form) -> Result<Option<Operation>, Error> {
    let operation = match action {
        "AssumeRole" => Operation::AssumeRole(AssumeRole {
            role_arn: form.take("RoleArn"),
            role_session_name: form.take("RoleSessionName"),
            duration_seconds: form.take("DurationSeconds"),
            policy: form.take("Policy"),
            policy_arns: policy_arns(form)?,
            tags: tags(form)?,
            transitive_tag_keys: form.take_list("TransitiveTagKeys")?,
            external_id: form.take("ExternalId"),
            source_identity: form.take("SourceIdentity"),
            serial_number: form.take("SerialNumber"),
            token_code: form.take("TokenCode"),
        }),
        "AssumeRoleWithWebIdentity" => Operation::AssumeRoleWithWebIdentity(AssumeRoleWithWebIdentity {
            role_arn: form.take("RoleArn"),
            role_session_name: form.take("RoleSessionName"),
            web_identity_token: form.take("WebIdentityToken"),
            provider_id: form.take("ProviderId"),
            policy: form.take("Policy"),
            policy_arns: policy_arns(form)?,
            duration_seconds: form.take("DurationSeconds"),
        }),
        "GetSessionToken" => Operation::GetSessionToken(GetSessionToken {
            duration_seconds: form.take("DurationSeconds"),
            serial_number: form.take("SerialNumber"),
            token_code: form.take("TokenCode"),
        }),
        "GetFederationToken" => Operation::GetFederationToken(GetFederationToken {
            name: form.take("Name"),
            duration_seconds: form.take("DurationSeconds"),
            policy: form.take("Policy"),
            policy_arns: policy_arns(form)?,
            tags: tags(form)?,
        }),
        "GetCallerIdentity" => Operation::GetCallerIdentity,
        "GetAccessKeyInfo" => Operation::GetAccessKeyInfo(GetAccessKeyInfo { access_key_id: form.take("AccessKeyId") }),
        "DecodeAuthorizationMessage" => {
            let encoded_message = form.take("EncodedMessage");
            Operation::DecodeAuthorizationMessage(DecodeAuthorizationMessage { encoded_message })
        }
        "GetWebIdentityToken" => Operation::GetWebIdentityToken(GetWebIdentityToken {
            audience: form.take_list("Audience")?,
            signing_algorithm: form.take("SigningAlgorithm"),
            duration_seconds: form.take("DurationSeconds"),
            tags: tags(form)?,
            subject_mode: form.take("SubjectMode"),
            scope: form.take("Scope"),
        }),
        _ => return Ok(None),
    };
    Ok(Some(operation))
}

/// Writes the result of GetCallerIdentity.
pub fn render_identity(identity: &CallerIdentity, xml: &mut Xml) {
    xml.leaf("Arn", &identity.arn);
    xml.leaf("UserId", &identity.user_id);
    xml.leaf("Account", identity.account);
}

/// Writes the result of GetWebIdentityToken.
pub fn render_web_identity_token(issued: &WebIdentityToken, xml: &mut Xml) {
    xml.leaf("WebIdentityToken", issued.token.expose());
    xml.leaf("Expiration", issued.expires_at);
}

/// Writes the result of an operation that hands out credentials.
pub fn render_issued(issued: &Issued, xml: &mut Xml) {
    match &issued.holder {
        Holder::AssumedRole { id, arn } => xml.element("AssumedRoleUser", |xml| {
            xml.leaf("AssumedRoleId", id);
            xml.leaf("Arn", arn);
        }),
        Holder::FederatedUser { id, arn } => xml.element("FederatedUser", |xml| {
            xml.leaf("FederatedUserId", id);
            xml.leaf("Arn", arn);
        }),
        Holder::WebIdentity { id, arn, subject, provider, audience } => {
            xml.leaf("SubjectFromWebIdentityToken", subject);
            xml.element("AssumedRoleUser", |xml| {
                xml.leaf("AssumedRoleId", id);
                xml.leaf("Arn", arn);
            });
            xml.leaf("Provider", provider);
            xml.leaf("Audience", audience);
        }
        Holder::Caller => {}
    }
    let credentials = &issued.credentials;
    xml.element("Credentials", |xml| {
        xml.leaf("AccessKeyId", credentials.access_key_id);
        xml.leaf("SecretAccessKey", credentials.secret_access_key.expose());
        xml.optional_leaf("SessionToken", credentials.security_token.as_ref().map(|token| token.expose()));
        xml.optional_leaf("Expiration", credentials.expiration);
    });
    xml.optional_leaf("PackedPolicySize", issued.packed_policy_size);
    xml.optional_leaf("SourceIdentity", issued.claims.source_identity.as_ref());
}

fn policy_arns(form: &mut Form) -> Result<Vec<String>, Error> {
    // The model spells this field in lower case.
    let arns = form.take_structs("PolicyArns", ["arn"])?;
    Ok(arns.into_iter().filter_map(|[arn]| arn).collect())
}

fn tags(form: &mut Form) -> Result<Vec<TagInput>, Error> {
    let tags = form.take_structs("Tags", ["Key", "Value"])?;
    Ok(tags.into_iter().map(|[key, value]| TagInput { key, value }).collect())
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn assume_role_is_read_as_boto3_writes_it() {
        let body = b"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000001%3Arole%2Fdemo\
            &RoleSessionName=s&PolicyArns.member.1.arn=p1&PolicyArns.member.2.arn=p2&Policy=%7B%7D&DurationSeconds=900\
            &Tags.member.1.Key=k&Tags.member.1.Value=v+w&TransitiveTagKeys.member.1=k&ExternalId=e&SourceIdentity=i\
            &SerialNumber=n&TokenCode=123456";
        let mut form = Form::read("", body).unwrap();
        let Some(Operation::AssumeRole(read)) = parse("AssumeRole", &mut form).unwrap() else { panic!() };
        assert_eq!(read.role_arn.as_deref(), Some("arn:aws:iam::000000000001:role/demo"));
        assert_eq!(read.policy_arns, ["p1", "p2"]);
        assert_eq!(read.tags.len(), 1);
        assert_eq!(read.tags[0].value.as_deref(), Some("v w"));
        assert_eq!(read.transitive_tag_keys, ["k"]);
        assert_eq!(read.duration_seconds.as_deref(), Some("900"));
        assert_eq!(read.token_code.as_deref(), Some("123456"));
        assert_eq!((form.take("Action").is_some(), form.take("Version").is_some()), (true, true));
        form.finish().unwrap();
    }

    #[test]
    fn an_action_that_sts_does_not_have_is_none() {
        for action in ["assumerole", "AssumeRoot", "GetDelegatedAccessToken", "", "CreateUser"] {
            assert!(parse(action, &mut Form::read("", b"").unwrap()).unwrap().is_none(), "{action}");
        }
    }

    #[test]
    fn credentials_are_written_with_their_holder_and_expiration() {
        let issued = Issued { packed_policy_size: Some(7), ..Issued::sample() };
        let xml = Xml::document("R", "n", |xml| render_issued(&issued, xml));
        assert_eq!(
            xml,
            "<R xmlns=\"n\"><AssumedRoleUser><AssumedRoleId>AROAAAAAAAAAAAAAAAAAA:ci</AssumedRoleId>\
             <Arn>arn:aws:sts::000000000001:assumed-role/demo/ci</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>ASIAAAAAAAAAAAAAAAAA</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>1970-01-01T00:15:00Z</Expiration></Credentials>\
             <PackedPolicySize>7</PackedPolicySize></R>"
        );
    }
}
