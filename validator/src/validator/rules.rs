//! The rules that a resource service usually has.

use crate::signature::{PathStyle, Rules};

impl Rules {
    /// Any region, no unsigned payloads, presigned requests good for up to seven days; paths in S3's style if the
    /// service is `s3`.
    pub fn of_service(service: &str) -> Self {
        Self {
            path_style: if service == "s3" { PathStyle::S3 } else { PathStyle::General },
            services: vec![service.to_owned()],
            regions: None,
            presigned_max: 7 * 24 * 60 * 60,
            unsigned_payload: false,
        }
    }
}
