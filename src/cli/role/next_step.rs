//! What is left to do once a role is made: how the CI system gets at it.

use super::super::provider::Preset;
use super::template::Provider;

/// What to put into the job.
pub(super) fn next_step(provider: &Provider, arn: &str, endpoint: &str) -> String {
    let audience = &provider.audience;
    match provider.preset {
        Preset::Github => format!(
            "Put into the job, with the permission `id-token: write`:\
             \n  - uses: aws-actions/configure-aws-credentials@v6\
             \n    with: {{ role-to-assume: \"{arn}\", sts-endpoint: \"{endpoint}\", audience: \"{audience}\", aws-region: us-east-1 }}"
        ),
        _ => format!(
            "Put into the job, with a token for the audience {audience} in the file:\
             \n  export AWS_ROLE_ARN={arn}\
             \n  export AWS_ENDPOINT_URL_STS={endpoint}\
             \n  export AWS_WEB_IDENTITY_TOKEN_FILE=FILE"
        ),
    }
}
