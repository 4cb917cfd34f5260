//! Who can do something: the root, users and roles of an account whose policies let them, and whoever else a role's
//! trust policy names.
//!
//! Each is asked twice of the one evaluator, with all that is not known of a request assumed for and against it: who is
//! allowed both times always can, who only once can on a condition. Policy variables of keys that are not known match
//! nothing, so who can through them alone is not found.

mod answer;
mod asker;
mod named;
mod question;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::asker::Asker;
use self::named::Named;
use self::question::Question;

pub use self::answer::{Found, Ground, Needs};
pub use self::asker::PrincipalKind;

use crate::service::caller::{Asked, Caller};
use crate::service::directory::{Role, User};
use crate::service::error::Error;
use crate::service::paging::{Page, PageRequest, Paging};
use crate::service::parameters::shown;
use crate::service::simulation::{ContextEntry, MOST_WORK};

/// Principals that are asked for one piece of the answer, whether or not they can.
const MOST_ASKED: usize = 1000;

/// What is asked, as it came off the wire.
#[derive(Clone, Debug, Default)]
pub struct WhoCan {
    /// `service:Operation`
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// What is known of the request.
    pub context: Vec<ContextEntry>,
    /// Which piece.
    pub page: PageRequest,
}

/// A piece of the answer.
#[derive(Debug)]
pub struct WhoCanPage {
    /// In order: root, users, roles, then others in the order of the trust policy. There may be more behind its marker,
    /// though this piece be empty.
    pub page: Page<Found>,
    /// Whether the resource is of another account, whose own policies must allow too and are not looked at.
    pub one_sided: bool,
}

impl WhoCan {
    /// What the audit record keeps.
    pub fn audit_parameters(&self) -> Value {
        json!({ "action": shown(&self.action), "resource": shown(&self.resource) })
    }
}

/// `brevet:WhoCan` on the resource, if it is one of the caller's account.
pub fn who_can(caller: &Caller, input: &WhoCan) -> Result<WhoCanPage, Error> {
    let paging = Paging::requested(&input.page, caller.principal().account(), "WhoCan")?;
    let place = paging.after().map(|place| Place::parse(place).ok_or_else(|| paging.invalid())).transpose()?;
    let request = question::Request::read(input)?;
    let resource = request.permission_resource(caller);
    caller.demand(&Asked { action: "brevet:WhoCan", resource: &resource, context: &caller.context() })?;

    let question = Question::new(caller, request)?;
    let (mut page, mut last, mut work) = (Page { items: Vec::new(), marker: None }, None, 0);
    for (asked, (place, candidate)) in question.candidates(place.as_ref()).enumerate() {
        let asker = candidate.asker(&question);
        work += asker.as_ref().map_or(0, |asker| question.cost(asker));
        if asked > 0 && (asked == MOST_ASKED || page.items.len() == paging.limit() || work > MOST_WORK) {
            page.marker = last.map(|place: Place| paging.marker(&place.to_string()));
            break;
        }
        page.items.extend(asker.and_then(|asker| question.ask(&asker)));
        last = Some(place);
    }
    Ok(WhoCanPage { page, one_sided: question.one_sided() })
}

/// Where a principal stands in the order of the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Root,
    User(String),
    Role(String),
    Named(usize),
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('/').unwrap_or((text, ""));
        match kind {
            "root" => Some(Self::Root),
            "user" => Some(Self::User(rest.to_owned())),
            "role" => Some(Self::Role(rest.to_owned())),
            "named" => rest.parse().map(Self::Named).ok(),
            _ => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::User(name) => write!(f, "user/{name}"),
            Self::Role(name) => write!(f, "role/{name}"),
            Self::Named(number) => write!(f, "named/{number}"),
        }
    }
}

/// Someone who may turn out to be able to.
enum Candidate<'a> {
    Root,
    User(&'a User),
    Role(&'a Role),
    Named(&'a Named),
}

impl<'a> Candidate<'a> {
    /// `None` for those who cannot, whatever policies say.
    fn asker(&self, question: &'a Question<'_>) -> Option<Asker<'a>> {
        match self {
            Self::Root => Asker::root(question),
            Self::User(user) => Asker::user(question, user),
            Self::Role(role) => Asker::role(question, role),
            Self::Named(named) => named.asker(question),
        }
    }
}

impl<'a> Question<'a> {
    /// All candidates behind a place, in order.
    fn candidates(&self, after: Option<&Place>) -> impl Iterator<Item = (Place, Candidate<'_>)> {
        let (snapshot, account) = (self.snapshot, self.account);
        let root = after.is_none().then_some((Place::Root, Candidate::Root));
        // No name comes before the empty one; `None` leaves a list out that was seen to its end.
        let (users, roles, named) = match after {
            None | Some(Place::Root) => (Some(""), Some(""), 0),
            Some(Place::User(name)) => (Some(name.as_str()), Some(""), 0),
            Some(Place::Role(name)) => (None, Some(name.as_str()), 0),
            Some(Place::Named(number)) => (None, None, number.saturating_add(1)),
        };
        let users = users.map(|name| snapshot.users_after(account, name)).into_iter().flatten();
        let roles = roles.map(|name| snapshot.roles_after(account, name)).into_iter().flatten();
        let users = users.map(|user| (Place::User(user.name.to_ascii_lowercase()), Candidate::User(user)));
        let roles = roles.map(|role| (Place::Role(role.name.to_ascii_lowercase()), Candidate::Role(role)));
        let named = self.named.iter().enumerate().skip(named);
        let named = named.map(|(number, named)| (Place::Named(number), Candidate::Named(named)));
        root.into_iter().chain(users).chain(roles).chain(named)
    }
}
