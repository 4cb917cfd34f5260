//! The messages of ListSessions.

use brevet_validator::timestamp::Timestamp;

use super::proto;
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::paging::PageRequest;
use crate::service::sessions::{ListSessions, ListedSession};

pub(super) fn read(message: proto::ListSessionsRequest) -> Result<Operation, Error> {
    let proto::ListSessionsRequest { principal_arn, provider_arn, access_key_id, page_size, page_token } = message;
    let page = PageRequest { size: page_size, token: page_token };
    Ok(Operation::ListSessions(ListSessions { principal_arn, provider_arn, access_key_id, page }))
}

pub(super) fn write(answer: Answer) -> Option<proto::ListSessionsResponse> {
    let Answer::Sessions(listed) = answer else { return None };
    Some(proto::ListSessionsResponse {
        sessions: listed.page.items.into_iter().map(session).collect(),
        next_page_token: listed.page.marker.unwrap_or_default(),
        incomplete_before: listed.incomplete_before.map(time),
    })
}

fn session(ListedSession { known, revoked }: ListedSession) -> proto::Session {
    let entry = &known.entry;
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    let (last_used_time, last_used_service) = match known.last_use {
        Some(last) => (Some(time(last.at)), last.service.to_string()),
        None => (None, String::new()),
    };
    proto::Session {
        access_key_id: entry.access_key_id().to_string(),
        arn: entry.arn.to_string(),
        role_arn: text(&entry.role_arn),
        issued_to: entry.issued_to.to_string(),
        provider_arn: text(&entry.provider_arn),
        parent_access_key_id: entry.parent().map(|id| id.to_string()).unwrap_or_default(),
        source_access_key_id: entry.source_access_key.map(|id| id.to_string()).unwrap_or_default(),
        source_identity: text(&entry.source_identity),
        source_ip: entry.source_ip.to_string(),
        user_agent: text(&entry.user_agent),
        issue_time: Some(time(entry.lifetime.issued_at)),
        expire_time: Some(time(entry.lifetime.expires_at)),
        last_used_time,
        last_used_service,
        revoked,
    }
}

fn time(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.unix(), nanos: 0 }
}
