//! Takes on a role over gRPC: `cargo run -p brevet-client --example assume_role -- http://127.0.0.1:8731 ROLE_ARN`
//!
//! Signs with the credentials of the environment (`AWS_ACCESS_KEY_ID` and its companions, or a profile).

use brevet_client::proto::AssumeRoleRequest;
use brevet_client::{Endpoint, credentials};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(endpoint), Some(role_arn)) = (arguments.next(), arguments.next()) else {
        return Err("give an endpoint and the ARN of a role".into());
    };
    let mut sts = Endpoint::new(&endpoint)?.connect(credentials::from_environment()?).await?;
    let request = AssumeRoleRequest { role_arn, role_session_name: "example".into(), ..AssumeRoleRequest::default() };
    let answer = sts.assume_role(request).await?.into_inner();
    if let (Some(user), Some(credentials)) = (answer.assumed_role_user, answer.credentials) {
        println!("{} until {:?}: {}", user.arn, credentials.expiration, credentials.access_key_id);
    }
    Ok(())
}
