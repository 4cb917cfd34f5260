//! Our signer against the AWS SDK's, signature for signature.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign as sdk_sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

use brevet_interop::{ACCESS_KEY_ID, HOST, REGION, SECRET, Sample, sample_count, samples};
use brevet_validator::signature::{PathStyle, presign, sign};

const EXPIRES: u32 = 600;

fn sdk_signature(sample: &Sample, location: SignatureLocation) -> String {
    let mut settings = SigningSettings::default();
    settings.signature_location = location;
    if sample.style == PathStyle::S3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let body = match location {
        SignatureLocation::Headers => {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            SignableBody::Bytes(&sample.body)
        }
        SignatureLocation::QueryParams => {
            settings.expires_in = Some(Duration::from_secs(EXPIRES.into()));
            if sample.style == PathStyle::S3 { SignableBody::UnsignedPayload } else { SignableBody::Bytes(b"") }
        }
        _ => unreachable!("two locations are asked for"),
    };
    let identity: Identity =
        Credentials::new(ACCESS_KEY_ID, SECRET, sample.security_token.clone(), None, "interop").into();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(sample.at.unix().try_into().unwrap());
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(sample.service())
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let url = format!("https://{HOST}{}", sample.target());
    let headers = sample.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(sample.method, url, headers, body).unwrap();
    sdk_sign(request, &parameters).unwrap().into_parts().1
}

#[test]
fn header_signatures_are_those_of_the_sdk() {
    for sample in samples(1, sample_count()) {
        let mut headers = sample.header_map();
        let request = sample.request(&headers);
        let (hash, credentials) = (sample.sha256(), sample.credentials());
        let added = sign(request, hash, &credentials, REGION, sample.service(), sample.style, sample.at).unwrap();
        let authorization = added.last().unwrap().1.to_str().unwrap().to_owned();
        let theirs = sdk_signature(&sample, SignatureLocation::Headers);
        assert_eq!(authorization.rsplit_once("Signature=").unwrap().1, theirs, "{sample:?}");

        headers.extend(added.into_iter().map(|(name, value)| (Some(name), value)));
        assert_eq!(sample.verify(sample.request(&headers), &sample.body), Ok(()), "{sample:?}");
    }
}

#[test]
fn presigned_signatures_are_those_of_the_sdk() {
    for mut sample in samples(2, sample_count()) {
        sample.body.clear();
        let headers = sample.header_map();
        let (request, credentials) = (sample.request(&headers), sample.credentials());
        let query = presign(request, &credentials, REGION, sample.service(), sample.style, EXPIRES, sample.at).unwrap();
        let theirs = sdk_signature(&sample, SignatureLocation::QueryParams);
        assert_eq!(query.rsplit_once("X-Amz-Signature=").unwrap().1, theirs, "{sample:?}");

        let mut signed = sample.clone();
        signed.query = query;
        assert_eq!(sample.verify(signed.request(&headers), b""), Ok(()), "{sample:?}");
    }
}
