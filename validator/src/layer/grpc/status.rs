//! Errors as gRPC carries them: a response of trailers alone, with `google.rpc` details.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use prost::Message;

use crate::validator::Rejection;

/// An error of a call.
#[derive(Clone, Copy, Debug)]
pub struct GrpcError<'a> {
    /// gRPC status code.
    pub code: i32,
    /// Public text.
    pub message: &'a str,
    /// `ErrorInfo.reason`, in UPPER_SNAKE_CASE.
    pub reason: &'a str,
    /// The AWS code, `ErrorInfo.metadata["code"]`.
    pub aws_code: &'a str,
    /// `RequestInfo.request_id`.
    pub request_id: &'a str,
}

/// Outside of these, a character of `grpc-message` is percent-encoded.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

impl GrpcError<'_> {
    /// A `google.rpc.Status` with `ErrorInfo` and `RequestInfo`, for `grpc-status-details-bin`.
    pub fn details(&self) -> Vec<u8> {
        let info = ErrorInfo {
            reason: self.reason.to_owned(),
            domain: "brevet".to_owned(),
            metadata: HashMap::from([("code".to_owned(), self.aws_code.to_owned())]),
        };
        let request = RequestInfo { request_id: self.request_id.to_owned(), serving_data: String::new() };
        Status {
            code: self.code,
            message: self.message.to_owned(),
            details: vec![
                any("type.googleapis.com/google.rpc.ErrorInfo", &info),
                any("type.googleapis.com/google.rpc.RequestInfo", &request),
            ],
        }
        .encode_to_vec()
    }

    /// The whole response.
    pub fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from(self.code));
        let message = percent_encode(self.message.as_bytes(), MESSAGE).to_string();
        // Both encodings give ASCII alone.
        for (name, value) in
            [("grpc-message", message), ("grpc-status-details-bin", STANDARD_NO_PAD.encode(self.details()))]
        {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// A refusal as a gRPC response.
pub fn refusal(rejection: &Rejection, request_id: &str) -> Response<Bytes> {
    GrpcError {
        code: rejection.grpc_code() as i32,
        message: &rejection.to_string(),
        reason: &reason(rejection.code()),
        aws_code: rejection.code(),
        request_id,
    }
    .response()
}

/// An AWS code in UPPER_SNAKE_CASE: `InvalidClientTokenId` → `INVALID_CLIENT_TOKEN_ID`.
pub fn reason(aws_code: &str) -> String {
    let mut reason = String::with_capacity(aws_code.len() + 4);
    let mut chars = aws_code.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let begins_word = match before {
            None => false,
            // `IDPRejected`: the last capital of a run begins a word if small letters follow.
            Some(before) => {
                c.is_ascii_uppercase()
                    && (char::is_ascii_lowercase(&before) || chars.peek().is_some_and(char::is_ascii_lowercase))
            }
        };
        if begins_word {
            reason.push('_');
        }
        reason.push(c.to_ascii_uppercase());
        before = Some(c);
    }
    reason
}

fn any(type_url: &str, message: &impl Message) -> Any {
    Any { type_url: type_url.to_owned(), value: message.encode_to_vec() }
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.ErrorInfo`
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

/// `google.rpc.RequestInfo`
#[derive(Clone, PartialEq, Message)]
struct RequestInfo {
    #[prost(string, tag = "1")]
    request_id: String,
    #[prost(string, tag = "2")]
    serving_data: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_codes_in_upper_snake_case() {
        for (code, expected) in [
            ("SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH"),
            ("InvalidClientTokenId", "INVALID_CLIENT_TOKEN_ID"),
            ("IDPRejectedClaim", "IDP_REJECTED_CLAIM"),
            ("Throttling", "THROTTLING"),
        ] {
            assert_eq!(reason(code), expected);
        }
    }

    #[test]
    fn a_refusal_is_trailers_alone_with_its_details() {
        let response = refusal(&Rejection::InvalidToken, "id-1");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], "16");
        assert!(response.body().is_empty());

        let details = STANDARD_NO_PAD.decode(&response.headers()["grpc-status-details-bin"]).unwrap();
        let status = Status::decode(details.as_slice()).unwrap();
        assert_eq!(status.code, 16);
        let info = ErrorInfo::decode(status.details[0].value.as_slice()).unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_CLIENT_TOKEN_ID", "brevet"));
        assert_eq!(info.metadata["code"], "InvalidClientTokenId");
        let request = RequestInfo::decode(status.details[1].value.as_slice()).unwrap();
        assert_eq!(request.request_id, "id-1");
    }

    #[test]
    fn a21_messages_cannot_break_out_of_their_header() {
        let error = GrpcError { code: 3, message: "50% é\r\nx: y", reason: "R", aws_code: "R", request_id: "" };
        assert_eq!(error.response().headers()["grpc-message"], "50%25 %C3%A9%0D%0Ax: y");
    }
}
