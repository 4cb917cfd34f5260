//! Answers in the envelope of the AWS Query protocol
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::xml::Xml;
use crate::service::error::{Error, Kind};
use crate::transport::error;

/// The APIs on this wire, told apart by their version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Api {
    /// `2011-06-15`
    Sts,
    /// `2010-05-08`
    Iam,
}

impl Api {
    /// The API of a version.
    pub fn of_version(version: &str) -> Option<Self> {
        match version {
            "2011-06-15" => Some(Self::Sts),
            "2010-05-08" => Some(Self::Iam),
            _ => None,
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }
}

/// The answer to an operation that succeeded; `result` writes what is in the result element, if there is one.
pub fn success(api: Api, operation: &str, request_id: &str, result: Option<impl FnOnce(&mut Xml)>) -> Response<Bytes> {
    let body = Xml::document(&format!("{operation}Response"), api.namespace(), |xml| {
        if let Some(content) = result {
            xml.element(&format!("{operation}Result"), content);
        }
        xml.element("ResponseMetadata", |xml| xml.leaf("RequestId", request_id));
    });
    response(StatusCode::OK, body)
}

/// The answer to a request that failed.
pub fn failure(api: Api, error: &Error, request_id: &str) -> Response<Bytes> {
    let row = error::row(error.kind());
    let body = Xml::document("ErrorResponse", api.namespace(), |xml| {
        xml.element("Error", |xml| {
            xml.leaf("Type", row.fault().as_str());
            xml.leaf("Code", row.code);
            xml.leaf("Message", error::message_with_trace(error, request_id));
        });
        xml.leaf("RequestId", request_id);
    });
    let mut response = response(StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body);
    let headers = response.headers_mut();
    if let Some(delay) = error::retry_after(error.kind()) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(delay.as_secs()));
    }
    if error.kind() == Kind::MethodNotAllowed {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

fn response(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn success_has_a_result_and_the_request_id() {
        let response = success(Api::Sts, "GetCallerIdentity", "id-1", Some(|xml: &mut Xml| xml.leaf("Account", "1")));
        assert_eq!(response.headers()["content-type"], "text/xml");
        assert_eq!(
            text(&response),
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
    }

    #[test]
    fn success_without_a_result_is_said_with_the_request_id_alone() {
        let response = success(Api::Iam, "DeleteUser", "id-1", None::<fn(&mut Xml)>);
        assert_eq!(
            text(&response),
            "<DeleteUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteUserResponse>"
        );
    }

    #[test]
    fn failure_says_who_is_at_fault_and_keeps_the_request_id_beside_the_error() {
        let response = failure(Api::Iam, &Error::new(Kind::NoSuchEntity, "No <b>"), "id-1");
        assert_eq!(response.status(), 404);
        assert_eq!(
            text(&response),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>No &lt;b&gt;</Message></Error>\
             <RequestId>id-1</RequestId></ErrorResponse>"
        );
    }

    #[test]
    fn what_passes_by_itself_says_when() {
        let response = failure(Api::Sts, &Error::unavailable("disk"), "id-1");
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &HeaderValue::from(1)));
        assert!(!text(&response).contains("disk"));
        assert!(text(&response).contains("<Type>Receiver</Type><Code>ServiceUnavailable</Code>"));
    }
}
