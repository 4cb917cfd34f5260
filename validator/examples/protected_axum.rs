//! An HTTP service that answers only to Brevet's temporary keys, and tells each caller who it is.
//!
//! ```text
//! cargo run --example protected_axum -- --bundle service.bundle --listen 127.0.0.1:8080
//! curl --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
//!      -H "x-amz-security-token: $AWS_SESSION_TOKEN" http://127.0.0.1:8080/any/path
//! ```
//!
//! With `--sts https://sts.example.com` it follows the token service, with the keys in its environment, and learns of revocations;
//! the file is then the copy that it keeps.

use axum::body::Body;
use axum::http::{Response, header};
use axum::{Extension, Router};
use brevet_validator::layer::{ValidatorLayer, json_refusal, request_id};
use brevet_validator::signature::Refusal;
use brevet_validator::validator::Verified;
use http_body_util::BodyExt;
use serde_json::json;

use options::Options;
use protection::Protection;

#[path = "whoami/options.rs"]
mod options;
#[path = "whoami/protection.rs"]
mod protection;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse()?;
    let app = Router::new().fallback(who_am_i);

    // The protection.
    let protection = Protection::new(&options).await?;
    let app = app.layer(ValidatorLayer::http(protection.validator.clone()));

    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn who_am_i(Extension(verified): Extension<Verified>, mut body: Body) -> Response<Body> {
    // A body too long to be buffered is checked as it is read, and fails before its end if it is not the one signed.
    while let Some(part) = body.frame().await {
        if part.is_err() {
            return json_refusal(&Refusal::Payload.into(), &request_id()).map(Body::from);
        }
    }
    let answer = json!({
        "account": verified.principal().account().as_str(),
        "arn": verified.principal().arn().as_str(),
        "access_key_id": verified.access_key_id().as_str(),
        "expiration": verified.expiration().map(|time| time.to_string()),
    });
    let mut response = Response::new(Body::from(answer.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
