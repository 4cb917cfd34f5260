//! A failure as gRPC tells it: a status with `google.rpc` details.

use std::collections::HashMap;

use brevet_validator::policy::Step;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

use crate::service::denial::Denial;
use crate::service::error::{Error, Kind};
use crate::transport::error;

/// The status of a failure.
pub fn status(error: &Error, request_id: &str) -> Status {
    let row = error::row(error.kind());
    let message = error::message(error, request_id);
    let metadata = metadata(error, row.code).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut details =
        ErrorDetails::with_error_info(error::reason(error.kind()), "brevet", metadata.collect::<HashMap<_, _>>());
    details.set_request_info(request_id, "");
    if let Some(delay) = error::retry_after(error.kind()) {
        details.set_retry_info(Some(delay));
    }
    if error.kind() == Kind::ValidationError {
        for (field, description) in violations(error.message()) {
            details.add_bad_request_violation(snake_case(field), description);
        }
    }
    Status::with_error_details(row.grpc, message, details)
}

/// What `ErrorInfo` has besides its reason. The encoded message goes here and not into the text: the text is sent twice,
/// and clients take no more than some eight kilobytes of trailers.
fn metadata<'a>(error: &'a Error, code: &'static str) -> impl Iterator<Item = (&'static str, &'a str)> {
    let denial = error.denial();
    let entries = [
        ("code", Some(code)),
        ("action", denial.map(Denial::action)),
        ("step", denial.and_then(Denial::step).map(Step::as_str)),
        ("detail", denial.and_then(Denial::detail)),
        ("encoded_authorization_message", error.encoded_message()),
    ];
    entries.into_iter().filter_map(|(key, value)| Some((key, value?)))
}

/// The fields that AWS's sentence names: `… Value 'x' at 'roleSessionName' failed to satisfy constraint: …; …`
fn violations(message: &str) -> impl Iterator<Item = (&str, &str)> {
    message.split("' at '").skip(1).filter_map(|part| {
        let (field, rest) = part.split_once("' failed to satisfy constraint: ")?;
        Some((field, rest.split(';').next()?))
    })
}

/// From the spelling of the AWS model to that of the protos.
fn snake_case(field: &str) -> String {
    let mut name = String::with_capacity(field.len() + 4);
    for character in field.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use brevet_validator::policy::Reason;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_failure_carries_reason_code_and_request() {
        let status = status(&Error::new(Kind::SignatureDoesNotMatch, "No."), "id-1");
        assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "No."));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((&*info.reason, &*info.domain), ("SIGNATURE_DOES_NOT_MATCH", "brevet"));
        assert_eq!(info.metadata["code"], "SignatureDoesNotMatch");
        assert_eq!(details.request_info().unwrap().request_id, "id-1");
        assert!(details.retry_info().is_none() && details.bad_request().is_none());
    }

    #[test]
    fn a_denial_gives_the_reason_of_the_decision() {
        let status = status(&Error::new(Kind::AccessDenied(Reason::ExplicitDeny), "No."), "id-1");
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "No. Request ID: id-1"));
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((&*info.reason, &*info.metadata["code"]), ("EXPLICIT_DENY", "AccessDenied"));
    }

    #[test]
    fn bad_fields_are_named_as_the_protos_spell_them() {
        let message = "2 validation errors detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member \
            must have length greater than or equal to 2; Value '' at 'roleArn' failed to satisfy constraint: Too short";
        let status = status(&Error::validation(message), "id-1");
        let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["role_session_name", "role_arn"]);
        assert_eq!(violations[0].description, "Member must have length greater than or equal to 2");
    }

    #[test]
    fn what_passes_by_itself_says_when() {
        let status = status(&Error::unavailable("disk"), "id-1");
        assert_eq!(status.get_error_details().retry_info().unwrap().retry_delay.unwrap().as_secs(), 1);
        assert!(!status.message().contains("disk"));
    }
}
