//! Why a request was refused, in the order in which the reasons are looked for.

/// Why a request was refused. The number of a variant is its place in the order of refusal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// 1. No credentials in any place.
    #[error("Missing Authentication Token")]
    NoCredentials,
    /// 2. Credentials in more than one place, repeated, incomplete or badly written. Text is public.
    #[error("{0}")]
    Incomplete(&'static str),
    /// 2. The query string or a percent escape cannot be read.
    #[error("{0}")]
    MalformedQuery(&'static str),
    /// 3. An algorithm that is not accepted here. How an algorithm's own fields are written is judged after this.
    #[error("unsupported signing algorithm")]
    Algorithm,
    /// 4. Scope names another service, region, date or terminator. Text names the part, as AWS's does.
    #[error("{0}")]
    Scope(String),
    /// 4. Outside the time window. AWS's text, starting `Signature expired:` or `Signature not yet current:`.
    #[error("{0}")]
    Time(String),
    /// 5. A header that must be signed is not, or the payload form is not accepted here.
    #[error("{0}")]
    Unsigned(&'static str),
    /// 6. The body is not what the request declared.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Payload,
    /// 7. Everything was in order but the signature.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}
