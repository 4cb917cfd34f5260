//! Where the methods of every service hand their calls in at the desk, all in the same way.

use tonic::{Request, Response, Status};

use super::{Call, status};
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::{Desk, Handler};

/// Takes a call through: `read` makes an operation of its message, `write` a message of the answer to it.
pub(super) async fn take<H: Handler, Q, A>(
    desk: &Desk<H>,
    request: Request<Q>,
    read: impl FnOnce(Q) -> Result<Operation, Error>,
    write: impl FnOnce(Answer) -> Option<A>,
) -> Result<Response<A>, Status> {
    let (_, extensions, message) = request.into_parts();
    // Without it the call did not come through the gate, and nothing about it was checked.
    let call = extensions.get::<Call>().ok_or_else(|| Status::internal("the call was not admitted"))?;
    let request_id = call.exchange.request_id();
    let operation = match read(message) {
        Ok(operation) => operation,
        Err(error) => {
            desk.refuse(&call.exchange, call.operation, &error).await;
            return Err(status::status(&error, request_id));
        }
    };
    let answer = desk.call(&call.exchange, &call.parts, &call.message, operation).await;
    let answer = answer.and_then(|answer| write(answer).ok_or_else(|| Error::internal("answer of another kind")));
    answer.map(Response::new).map_err(|error| status::status(&error, request_id))
}
