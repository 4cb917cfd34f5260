//! `brevet.admin.v1.AccessKeyService`: long-lived access keys.

use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::counter;
use super::fields::{end, given, whole_seconds};
use super::proto::admin as proto;
use super::proto::admin::create_access_key_request::Expiration as NewEnd;
use super::proto::admin::rotate_access_key_request::Expiration as RotatedEnd;
use crate::service::directory::KeyStatus;
use crate::service::iam::{
    self, AccessKeyDetail, Answer as IamAnswer, CreateAccessKey, Expiration, KeyAction, KeyRequest, ListAccessKeys,
    PageInput,
};
use crate::service::operation::{Answer, Operation};
use crate::transport::desk::{Desk, Handler};

/// The service at its desk.
#[derive(Debug)]
pub struct AccessKeyDesk<H> {
    desk: Desk<H>,
}

impl<H: Handler> AccessKeyDesk<H> {
    /// Hands its calls in at this desk.
    pub fn new(desk: Desk<H>) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl<H: Handler> proto::access_key_service_server::AccessKeyService for AccessKeyDesk<H> {
    async fn create_access_key(
        &self,
        request: Request<proto::CreateAccessKeyRequest>,
    ) -> Result<Response<proto::CreateAccessKeyResponse>, Status> {
        let read = |message: proto::CreateAccessKeyRequest| {
            let expiration = match message.expiration {
                None => None,
                Some(NewEnd::ExpireTime(time)) => Some(Expiration::At(end(time)?)),
                Some(NewEnd::Ttl(ttl)) => Some(Expiration::After(whole_seconds(ttl)?)),
            };
            let (user_name, description) = (given(message.user_name), given(message.description));
            Ok(directory(iam::Request::CreateAccessKey(CreateAccessKey { user_name, description, expiration })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::NewAccessKey(key, secret)) => Some(proto::CreateAccessKeyResponse {
                access_key: Some(access_key(key)),
                secret_access_key: secret.expose().to_owned(),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn get_access_key(
        &self,
        request: Request<proto::GetAccessKeyRequest>,
    ) -> Result<Response<proto::GetAccessKeyResponse>, Status> {
        let read = |message: proto::GetAccessKeyRequest| Ok(by_id(message.access_key_id, KeyAction::Get {}));
        let write = |answer| Some(proto::GetAccessKeyResponse { access_key: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn list_access_keys(
        &self,
        request: Request<proto::ListAccessKeysRequest>,
    ) -> Result<Response<proto::ListAccessKeysResponse>, Status> {
        let read = |message: proto::ListAccessKeysRequest| {
            let max_items = (message.page_size != 0).then(|| message.page_size.to_string());
            Ok(directory(iam::Request::ListAccessKeys(ListAccessKeys {
                user_name: given(message.user_name),
                page: PageInput { marker: given(message.page_token), max_items },
                with_last_use: true,
            })))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::AccessKeys(page)) => Some(proto::ListAccessKeysResponse {
                access_keys: page.items.into_iter().map(access_key).collect(),
                next_page_token: page.marker.unwrap_or_default(),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn update_access_key(
        &self,
        request: Request<proto::UpdateAccessKeyRequest>,
    ) -> Result<Response<proto::UpdateAccessKeyResponse>, Status> {
        let read = |message: proto::UpdateAccessKeyRequest| {
            Ok(by_id(message.access_key_id, KeyAction::Describe { description: given(message.description) }))
        };
        let write = |answer| Some(proto::UpdateAccessKeyResponse { access_key: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn enable_access_key(
        &self,
        request: Request<proto::EnableAccessKeyRequest>,
    ) -> Result<Response<proto::EnableAccessKeyResponse>, Status> {
        let read = |message: proto::EnableAccessKeyRequest| Ok(by_id(message.access_key_id, KeyAction::Enable {}));
        let write = |answer| Some(proto::EnableAccessKeyResponse { access_key: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn disable_access_key(
        &self,
        request: Request<proto::DisableAccessKeyRequest>,
    ) -> Result<Response<proto::DisableAccessKeyResponse>, Status> {
        let read = |message: proto::DisableAccessKeyRequest| Ok(by_id(message.access_key_id, KeyAction::Disable {}));
        let write = |answer| Some(proto::DisableAccessKeyResponse { access_key: Some(one(answer)?) });
        counter::take(&self.desk, request, read, write).await
    }

    async fn rotate_access_key(
        &self,
        request: Request<proto::RotateAccessKeyRequest>,
    ) -> Result<Response<proto::RotateAccessKeyResponse>, Status> {
        let read = |message: proto::RotateAccessKeyRequest| {
            let expiration = match message.expiration {
                None => None,
                Some(RotatedEnd::ExpireTime(time)) => Some(Expiration::At(end(time)?)),
                Some(RotatedEnd::Ttl(ttl)) => Some(Expiration::After(whole_seconds(ttl)?)),
            };
            let overlap = message.overlap.map(whole_seconds).transpose()?;
            Ok(by_id(message.access_key_id, KeyAction::Rotate { overlap, expiration }))
        };
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::RotatedAccessKey { new, secret, old }) => Some(proto::RotateAccessKeyResponse {
                access_key: Some(access_key(new)),
                secret_access_key: secret.expose().to_owned(),
                rotated: Some(access_key(old)),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn quarantine_access_key(
        &self,
        request: Request<proto::QuarantineAccessKeyRequest>,
    ) -> Result<Response<proto::QuarantineAccessKeyResponse>, Status> {
        let read =
            |message: proto::QuarantineAccessKeyRequest| Ok(by_id(message.access_key_id, KeyAction::Quarantine {}));
        let write = |answer| match answer {
            Answer::Iam(IamAnswer::QuarantinedAccessKey(key, until)) => Some(proto::QuarantineAccessKeyResponse {
                access_key: Some(access_key(key)),
                kept_until: Some(timestamp(until.unix())),
            }),
            _ => None,
        };
        counter::take(&self.desk, request, read, write).await
    }

    async fn delete_access_key(
        &self,
        request: Request<proto::DeleteAccessKeyRequest>,
    ) -> Result<Response<proto::DeleteAccessKeyResponse>, Status> {
        let read = |message: proto::DeleteAccessKeyRequest| Ok(by_id(message.access_key_id, KeyAction::Delete {}));
        let write = |answer| one(answer).map(|_| proto::DeleteAccessKeyResponse {});
        counter::take(&self.desk, request, read, write).await
    }
}

fn directory(request: iam::Request) -> Operation {
    Operation::Directory(request)
}

fn by_id(access_key_id: String, action: KeyAction) -> Operation {
    directory(iam::Request::Key(KeyRequest { access_key_id: Some(access_key_id), action }))
}

fn one(answer: Answer) -> Option<proto::AccessKey> {
    match answer {
        Answer::Iam(IamAnswer::AccessKey(key)) => Some(access_key(key)),
        _ => None,
    }
}

fn access_key(key: AccessKeyDetail) -> proto::AccessKey {
    let status = match key.status {
        KeyStatus::Active => proto::AccessKeyStatus::Active,
        KeyStatus::Inactive => proto::AccessKeyStatus::Inactive,
        KeyStatus::Expired => proto::AccessKeyStatus::Expired,
    };
    let last = key.last_use.as_ref();
    proto::AccessKey {
        access_key_id: key.id.to_string(),
        user_name: key.user_name.unwrap_or_default(),
        status: status.into(),
        description: key.description,
        create_time: Some(timestamp(key.created_at.unix())),
        expire_time: key.expires_at.map(|end| timestamp(end.unix())),
        last_used_time: last.map(|last| timestamp(last.at.unix())),
        last_used_service: last.map(|last| last.place.service().to_owned()).unwrap_or_default(),
        last_used_region: last.map(|last| last.place.region().to_owned()).unwrap_or_default(),
    }
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}
