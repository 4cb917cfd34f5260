//! Who may see which sessions, and what they see of them.

use super::*;
use crate::service::caller::Caller;
use crate::service::issue::Issued;
use crate::service::paging::PageRequest;

const ALL: &str = "arn:aws:brevet:eu-central-1:111111111111:session/*";

impl Stage {
    /// Takes a role on, as the service does: what is handed out is in the inventory.
    fn issue(&mut self, inventory: &Inventory, by: &Credentials, role: &str) -> Credentials {
        let caller = self.caller(by).unwrap();
        let issued = self.world.issuer.assume_role(&caller, &assume_role(&role_arn(role))).unwrap();
        enter(inventory, &caller, issued)
    }

    fn list(&mut self, inventory: &Inventory, by: &Credentials, input: &ListSessions) -> Result<ListedSessions, Error> {
        let caller = self.caller(by)?;
        list(inventory, &caller, input)
    }

    /// What the administrator sees.
    fn seen(&mut self, inventory: &Inventory, input: &ListSessions) -> Vec<ListedSession> {
        let admin = self.admin.clone();
        self.list(inventory, &admin, input).unwrap().page.items
    }
}

fn enter(inventory: &Inventory, caller: &Caller, issued: Issued) -> Credentials {
    inventory.enter(Entry::new(&issued, Requester::from(caller), &envelope()));
    issued.credentials
}

fn inventory() -> Inventory {
    Inventory::new(1000)
}

fn principal(arn: String) -> ListSessions {
    ListSessions { principal_arn: arn, ..ListSessions::default() }
}

fn keys(sessions: &[ListedSession]) -> Vec<String> {
    let mut keys: Vec<_> = sessions.iter().map(|listed| listed.known.entry.access_key_id().to_string()).collect();
    keys.sort();
    keys
}

fn ids<'a>(credentials: impl IntoIterator<Item = &'a Credentials>) -> Vec<String> {
    let mut ids: Vec<_> = credentials.into_iter().map(|key| key.access_key_id.to_string()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_session_is_listed_with_who_has_it_who_asked_and_from_where() {
    let (mut stage, ada) = Stage::with(|world| world.user("ada", ALLOW_ALL));
    let inventory = inventory();
    let first = stage.issue(&inventory, &ada, "other");
    let child = stage.issue(&inventory, &first, "deploy");

    let seen =
        stage.seen(&inventory, &ListSessions { access_key_id: child.access_key_id.to_string(), ..Default::default() });
    let [ListedSession { known, revoked: false }] = &seen[..] else { panic!("{seen:?}") };
    let entry = &known.entry;
    assert_eq!(entry.access_key_id(), child.access_key_id);
    assert_eq!(&*entry.arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/a-session"));
    assert_eq!(entry.role_arn.as_deref(), Some(&*role_arn("deploy")));
    assert_eq!(&*entry.issued_to, format!("arn:aws:sts::{ACCOUNT}:assumed-role/other/a-session"));
    assert_eq!((entry.parent(), entry.source_access_key), (Some(first.access_key_id), Some(ada.access_key_id)));
    assert_eq!(
        (entry.source_ip.to_string(), entry.user_agent.as_deref()),
        ("203.0.113.9".into(), Some("aws:userid=root"))
    );
    assert_eq!((Some(entry.lifetime.expires_at), entry.lifetime.issued_at), (child.expiration, now()));
    assert!(known.last_use.is_none() && entry.provider_arn.is_none());
}

#[tokio::test]
async fn a_filter_shows_what_its_revocation_then_ends() {
    let (mut stage, ada) = Stage::with(|world| world.user("ada", ALLOW_ALL));
    let inventory = inventory();
    let admin = stage.admin.clone();
    let own = {
        let caller = stage.caller(&ada).unwrap();
        let issued = stage.world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap();
        enter(&inventory, &caller, issued)
    };
    let other = stage.issue(&inventory, &ada, "other");
    let chained = stage.issue(&inventory, &other, "deploy");
    let by_admin = stage.issue(&inventory, &admin, "deploy");
    let line = ListSessions { access_key_id: other.access_key_id.to_string(), ..Default::default() };
    for (input, which, expected) in [
        (line, one(&other), vec![&other, &chained]),
        (principal(role_arn("deploy")), Which::RoleArn(role_arn("deploy")), vec![&chained, &by_admin]),
        (principal(user_arn("ada")), Which::PrincipalArn(user_arn("ada")), vec![&own, &other, &chained]),
    ] {
        let seen = stage.seen(&inventory, &input);
        assert_eq!(keys(&seen), ids(expected.clone()), "{input:?}");
        stage.revoke(which).await;
        let seen = stage.seen(&inventory, &input);
        assert!(seen.iter().all(|listed| listed.revoked), "{input:?}: {seen:?}");
        for credentials in expected {
            assert!(stage.is_refused(credentials));
        }
    }
    // What is made afterwards is good.
    let after = stage.issue(&inventory, &admin, "deploy");
    let live: Vec<_> = stage.seen(&inventory, &ListSessions::default());
    let live: Vec<_> = live.into_iter().filter(|listed| !listed.revoked).collect();
    assert_eq!(keys(&live), ids([&after]));
}

#[tokio::test]
async fn c24_the_list_takes_a_permission_on_all_sessions_of_the_account() {
    let (mut stage, callers) = Stage::with(|world| {
        let policies = [ALL, "arn:aws:brevet:*:*:session/ASIA*", "arn:aws:brevet:*:222222222222:session/*"];
        let [all, some, elsewhere] = policies.map(|resource| allow("brevet:ListSessions", resource));
        [("all", all), ("some", some), ("elsewhere", elsewhere), ("revoker", allow("brevet:RevokeSession", "*"))]
            .map(|(name, policy)| world.user(name, &policy))
    });
    let inventory = inventory();
    for (n, caller) in callers.iter().enumerate() {
        match stage.list(&inventory, caller, &ListSessions::default()) {
            Ok(_) => assert_eq!(n, 0),
            Err(error) => {
                assert!(n > 0 && matches!(error.kind(), Kind::AccessDenied(_)), "{n}: {error}");
                assert!(error.message().contains(&format!("brevet:ListSessions on resource: {ALL}")), "{error}");
            }
        }
    }
    // Who may not list does not learn what is there.
    let error = stage.list(&inventory, &callers[3], &principal(user_arn("absent"))).unwrap_err();
    assert!(matches!(error.kind(), Kind::AccessDenied(_)), "{error}");
}

#[tokio::test]
async fn c21_no_account_sees_sessions_of_another_nor_pages_with_its_markers() {
    let (mut stage, stranger) = Stage::with(|world| {
        let user = world.user_record("bob");
        world.put_user(records::User { account: OTHER_ACCOUNT.into(), inline_policies: inline(ALLOW_ALL), ..user })
    });
    let inventory = inventory();
    let admin = stage.admin.clone();
    let ours: Vec<_> = (0..3).map(|_| stage.issue(&inventory, &admin, "deploy")).collect();
    let theirs = {
        let caller = stage.caller(&stranger).unwrap();
        let issued = stage.world.issuer.session_token(&caller, &GetSessionToken::default()).unwrap();
        enter(&inventory, &caller, issued)
    };
    let of = |id: &Credentials| ListSessions { access_key_id: id.access_key_id.to_string(), ..Default::default() };
    assert_eq!(keys(&stage.seen(&inventory, &ListSessions::default())), ids(&ours));
    assert!(stage.seen(&inventory, &of(&theirs)).is_empty());
    let list = |stage: &mut Stage, input: &ListSessions| stage.list(&inventory, &stranger, input);
    assert_eq!(keys(&list(&mut stage, &ListSessions::default()).unwrap().page.items), ids([&theirs]));
    assert!(list(&mut stage, &of(&ours[0])).unwrap().page.items.is_empty());
    for arn in [role_arn("deploy"), user_arn("admin"), format!("arn:aws:iam::{ACCOUNT}:root")] {
        let error = list(&mut stage, &principal(arn)).unwrap_err();
        assert_eq!(error.kind(), Kind::NoSuchEntity, "{error}");
    }

    let page = |size, token: &str| PageRequest { size, token: token.to_owned() };
    let first = ListSessions { page: page(2, ""), ..Default::default() };
    let first = stage.list(&inventory, &admin, &first).unwrap().page;
    let marker = first.marker.unwrap();
    let next = ListSessions { page: page(2, &marker), ..Default::default() };
    let second = stage.list(&inventory, &admin, &next).unwrap().page;
    assert_eq!((first.items.len(), second.items.len(), second.marker), (2, 1, None));
    let everything: Vec<_> = first.items.into_iter().chain(second.items).collect();
    assert_eq!(keys(&everything), ids(&ours));
    // Neither for another account nor for other filters.
    assert_eq!(list(&mut stage, &next).unwrap_err().kind(), Kind::ValidationError);
    let filtered = ListSessions { page: page(2, &marker), ..principal(role_arn("deploy")) };
    assert_eq!(stage.list(&inventory, &admin, &filtered).unwrap_err().kind(), Kind::ValidationError);
}

#[tokio::test]
async fn what_is_no_filter_is_refused() {
    let mut stage = Stage::new();
    let (inventory, admin) = (inventory(), stage.admin.clone());
    for input in [
        principal("ada".into()),
        principal(format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/x")),
        principal(format!("arn:aws:iam::{ACCOUNT}:oidc-provider/id.test")),
        ListSessions { provider_arn: role_arn("deploy"), ..Default::default() },
        ListSessions { access_key_id: admin.access_key_id.to_string(), ..Default::default() },
        ListSessions { page: PageRequest { size: 1001, token: String::new() }, ..Default::default() },
        ListSessions { page: PageRequest { size: 1, token: "x".into() }, ..Default::default() },
    ] {
        let error = stage.list(&inventory, &admin, &input).unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError, "{input:?}: {error}");
    }
}
