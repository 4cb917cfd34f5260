//! The messages of WhoCan.

use super::proto;
use super::shared::{context, page, statement};
use crate::service::error::Error;
use crate::service::operation::{Answer, Operation};
use crate::service::policy::who_can::{Found, Ground, Needs, PrincipalKind, WhoCan};

pub(super) fn read(message: proto::WhoCanRequest) -> Result<Operation, Error> {
    Ok(Operation::WhoCan(WhoCan {
        action: message.action,
        resource: message.resource,
        context: context(message.context)?,
        page: page(message.page_size, message.page_token),
    }))
}

pub(super) fn write(answer: Answer) -> Option<proto::WhoCanResponse> {
    let Answer::WhoCan(answer) = answer else { return None };
    Some(proto::WhoCanResponse {
        entries: answer.page.items.into_iter().map(entry).collect(),
        next_page_token: answer.page.marker.unwrap_or_default(),
        resource_elsewhere: answer.one_sided,
    })
}

fn entry(found: Found) -> proto::WhoCanEntry {
    let kind = match found.kind {
        PrincipalKind::Root => proto::PrincipalKind::Root,
        PrincipalKind::User => proto::PrincipalKind::User,
        PrincipalKind::Role => proto::PrincipalKind::Role,
        PrincipalKind::RoleSession => proto::PrincipalKind::RoleSession,
        PrincipalKind::Account => proto::PrincipalKind::Account,
        PrincipalKind::Federated => proto::PrincipalKind::Federated,
        PrincipalKind::UniqueId => proto::PrincipalKind::UniqueId,
        PrincipalKind::Everyone => proto::PrincipalKind::Everyone,
    };
    let (answer, condition_keys) = match found.needs {
        Needs::Nothing => (proto::WhoCanAnswer::Always, Vec::new()),
        Needs::Keys(keys) => (proto::WhoCanAnswer::Conditional, keys),
    };
    proto::WhoCanEntry {
        principal: found.principal,
        kind: kind.into(),
        external: found.external,
        answer: answer.into(),
        condition_keys,
        through: found.through.into_iter().map(ground).collect(),
    }
}

fn ground(ground: Ground) -> proto::PolicyStatement {
    statement(ground.policy, ground.source, ground.sid, ground.number)
}
