//! Sessions as records: many in one, and what they have in common once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use brevet_validator::credential::Lifetime;
use brevet_validator::identity::{UniqueId, UniqueIdKind};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::token::{SessionHolder, SessionId};

use super::entry::Entry;
use crate::store::{MAX_VALUE, records};

/// Bytes at which a record is full. The last session that is put in adds at most some ten thousand.
const FULL: usize = MAX_VALUE / 2;
/// Bytes of a session without its texts and its ancestors, at most.
const FIXED: usize = 160;

/// A record of sessions.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) content: Vec<u8>,
    /// How many of them are in it.
    pub(super) count: usize,
    /// When the last of them is over.
    pub(super) until: Timestamp,
}

/// As many sessions as go into one record, from the first on.
pub(super) fn encode(entries: &[Arc<Entry>]) -> Batch {
    let mut table = Table::default();
    let mut sessions = Vec::new();
    let mut until = Timestamp::EPOCH;
    let mut size = 0;
    for entry in entries {
        size += FIXED + 16 * entry.ancestors.len();
        if size + table.size > FULL {
            break;
        }
        sessions.push(table.write(entry));
        until = until.max(entry.lifetime.expires_at);
    }
    let count = sessions.len();
    let content = records::encode(&records::SessionBatch { names: table.names, sessions });
    Batch { content, count, until }
}

/// The sessions of a record. The error is for the operator.
pub(super) fn decode(content: &[u8]) -> Result<Vec<Entry>, String> {
    let records::SessionBatch { names, sessions } = records::decode(content)?;
    let names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
    sessions.iter().map(|session| read(session, &names).ok_or_else(|| "it holds no session".to_owned())).collect()
}

#[derive(Default)]
struct Table {
    names: Vec<String>,
    places: HashMap<String, u32>,
    size: usize,
}

impl Table {
    fn write(&mut self, entry: &Entry) -> records::IssuedSession {
        let holder = match &entry.holder {
            SessionHolder::Root => None,
            SessionHolder::User(id) | SessionHolder::Role(id) => Some(id.as_str()),
        };
        records::IssuedSession {
            id: entry.id.0.to_vec(),
            ancestors: entry.ancestors.iter().flat_map(|id| id.0).collect(),
            issued_at: entry.lifetime.issued_at.unix(),
            expires_at: entry.lifetime.expires_at.unix(),
            directory_revision: entry.directory_revision,
            source_ip: match entry.source_ip {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            },
            account: self.place(Some(entry.account.as_str())),
            holder_id: self.place(holder),
            arn: self.place(Some(&entry.arn)),
            role_arn: self.place(entry.role_arn.as_deref()),
            issued_to: self.place(Some(&entry.issued_to)),
            provider_arn: self.place(entry.provider_arn.as_deref()),
            provider_id: self.place(entry.provider_id.as_deref()),
            source_user_id: self.place(entry.source_user.as_ref().map(UniqueId::as_str)),
            source_access_key_id: self.place(entry.source_access_key.as_ref().map(|id| id.as_str())),
            source_identity: self.place(entry.source_identity.as_deref()),
            user_agent: self.place(entry.user_agent.as_deref()),
        }
    }

    /// Counted from one; zero for nothing.
    fn place(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return 0 };
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.names.push(name.to_owned());
        self.size += name.len() + 8;
        let place = u32::try_from(self.names.len()).unwrap_or(0);
        self.places.insert(name.to_owned(), place);
        place
    }
}

fn read(session: &records::IssuedSession, names: &[Arc<str>]) -> Option<Entry> {
    let name = |place: u32| (place as usize).checked_sub(1).map(|place| names.get(place));
    // Absent is good, a place that is not there is not.
    let text = |place| name(place).map_or(Some(None), |name| name.map(|name| Some(Arc::clone(name))));
    fn parsed<T: FromStr>(text: Option<Arc<str>>) -> Option<Option<T>> {
        text.map_or(Some(None), |text| text.parse().ok().map(Some))
    }
    let holder = match parsed::<UniqueId>(text(session.holder_id)?)? {
        None => SessionHolder::Root,
        Some(id) if id.kind() == UniqueIdKind::User => SessionHolder::User(id),
        Some(id) => SessionHolder::Role(id),
    };
    let (ancestors, rest) = session.ancestors.as_chunks::<16>();
    let source_ip = match &session.source_ip[..] {
        four if four.len() == 4 => Ipv4Addr::from(<[u8; 4]>::try_from(four).ok()?).into(),
        more => Ipv6Addr::from(<[u8; 16]>::try_from(more).ok()?).into(),
    };
    rest.is_empty().then_some(())?;
    Some(Entry {
        id: SessionId(session.id.as_slice().try_into().ok()?),
        ancestors: ancestors.iter().map(|id| SessionId(*id)).collect(),
        account: text(session.account)??.parse().ok()?,
        holder,
        lifetime: Lifetime {
            issued_at: Timestamp::from_unix(session.issued_at)?,
            expires_at: Timestamp::from_unix(session.expires_at)?,
        },
        directory_revision: session.directory_revision,
        source_ip,
        source_user: parsed(text(session.source_user_id)?)?,
        source_access_key: parsed(text(session.source_access_key_id)?)?,
        provider_id: text(session.provider_id)?,
        arn: text(session.arn)??,
        role_arn: text(session.role_arn)?,
        issued_to: text(session.issued_to)??,
        provider_arn: text(session.provider_arn)?,
        source_identity: text(session.source_identity)?,
        user_agent: text(session.user_agent)?,
    })
}
