use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::test_world::{ACCOUNT, OTHER_ACCOUNT};

fn list_users(page: PageInput) -> Request {
    Request::ListUsers(ListByPath { path_prefix: None, page })
}

async fn users(stage: &mut Stage, page: PageInput) -> (Vec<String>, Option<String>) {
    match stage.done(list_users(page)).await {
        Answer::Users(page) => (page.items.into_iter().filter_map(|user| user.name).collect(), page.marker),
        other => panic!("{other:?}"),
    }
}

async fn named(count: usize) -> Stage {
    let (stage, ()) = Stage::with(|world| {
        for n in 0..count {
            world.user(&format!("u{n:02}"), "");
        }
        let theirs = world.user_record("their-user");
        world.put_user(crate::store::records::User { account: OTHER_ACCOUNT.into(), ..theirs });
    })
    .await;
    stage
}

#[tokio::test]
async fn pages_together_are_the_whole_list_each_item_once() {
    let mut stage = named(7).await;
    let (mut all, mut marker) = users(&mut stage, page("3", None)).await;
    assert_eq!(all.len(), 3);
    while marker.is_some() {
        let (more, next) = users(&mut stage, page("3", marker)).await;
        all.extend(more);
        marker = next;
    }
    assert_eq!(all, ["admin", "u00", "u01", "u02", "u03", "u04", "u05", "u06"]);
    // A page that ends with the list is not cut.
    assert_eq!(users(&mut stage, page("8", None)).await.1, None);
    // One that is deleted in between is not missed as the place to go on from.
    let (_, marker) = users(&mut stage, page("2", None)).await;
    let keys = stage.directory.snapshot().user(ACCOUNT.parse().unwrap(), "u00").unwrap().access_keys.clone();
    let key = DeleteAccessKey { user_name: some("u00"), access_key_id: some(keys[0].as_str()) };
    stage.done(Request::DeleteAccessKey(key)).await;
    stage.done(Request::DeleteUser(user_name("u00"))).await;
    assert_eq!(users(&mut stage, page("1", marker)).await.0, ["u01"]);
}

#[tokio::test]
async fn e16_page_sizes_out_of_bounds_are_refused() {
    let mut stage = Stage::new().await;
    for size in ["0", "1001", "2147483648", "-1", "1e3", "", "99999999999999999999"] {
        let (kind, text) = stage.refused(list_users(page(size, None))).await;
        assert_eq!(kind, Kind::ValidationError, "{size}");
        assert!(text.contains("at 'maxItems' failed to satisfy constraint"), "{text}");
    }
    users(&mut stage, page("1000", None)).await;
}

#[tokio::test]
async fn e16_a_marker_of_another_list_or_account_is_refused() {
    let (mut stage, stranger) = Stage::with(|world| {
        for name in ["a", "b"] {
            world.user(name, "");
            world.role(name, NO_ONE, "");
        }
        let theirs = world.user_record("their-user");
        let policies = crate::service::test_world::inline(&allow("*", "*"));
        world.put_user(crate::store::records::User {
            account: OTHER_ACCOUNT.into(),
            inline_policies: policies,
            ..theirs
        })
    })
    .await;
    let (_, marker) = users(&mut stage, page("1", None)).await;
    let marker = marker.unwrap();
    let foreign = stage.call_as(&stranger, list_users(page("1", Some(marker.clone())))).await.unwrap_err();
    assert_eq!((foreign.kind(), foreign.message()), (Kind::ValidationError, "Invalid Marker."));

    let roles = Request::ListRoles(ListByPath { path_prefix: None, page: page("1", Some(marker.clone())) });
    let cut = marker[..marker.len() - 8].to_owned();
    assert_eq!(stage.refused(roles).await, (Kind::ValidationError, "Invalid Marker.".into()));
    for forged in ["", "u00", "////", &"A".repeat(400), &format!("{marker}="), &cut[..4]] {
        let refusal = stage.refused(list_users(page("1", some(forged)))).await;
        assert_eq!(refusal, (Kind::ValidationError, "Invalid Marker.".into()), "{forged}");
    }
}

#[tokio::test]
async fn c21_lists_end_at_the_account() {
    let mut stage = named(1).await;
    let (names, _) = users(&mut stage, PageInput::default()).await;
    assert_eq!(names, ["admin", "u00"]);
}

#[tokio::test]
async fn lists_are_narrowed_to_a_path() {
    let mut stage = Stage::new().await;
    for (path, name) in [("/", "a"), ("/ops/", "b"), ("/ops/eu/", "c"), ("/opsx/", "d")] {
        stage
            .done(Request::CreateUser(CreateUser { path: some(path), user_name: some(name), ..Default::default() }))
            .await;
    }
    for (prefix, expected) in [("/ops/", &["b", "c"][..]), ("/ops", &["b", "c", "d"]), ("/no", &[])] {
        let request = Request::ListUsers(ListByPath { path_prefix: some(prefix), page: PageInput::default() });
        let Answer::Users(page) = stage.done(request).await else { panic!("no users") };
        assert_eq!(page.items.iter().filter_map(|user| user.name.as_deref()).collect::<Vec<_>>(), expected);
    }
    for bad in ["", "ops", "/a b"] {
        let request = Request::ListUsers(ListByPath { path_prefix: some(bad), page: PageInput::default() });
        assert_eq!(stage.refused(request).await.0, Kind::ValidationError, "{bad}");
    }
}

#[tokio::test]
async fn policies_are_filtered_by_their_use() {
    let mut stage = Stage::new().await;
    stage.done(create_user("ada")).await;
    stage.done(create_role("r", NO_ONE)).await;
    for name in ["attached", "boundary", "unused"] {
        stage.done(create_policy(name, &allow("s3:*", "*"))).await;
    }
    stage.done(of_user("ada", attach("attached"))).await;
    stage.done(of_role("r", attach("attached"))).await;
    stage.done(of_role("r", put_boundary("boundary"))).await;

    let list = |scope: &str, only_attached: &str, way: Option<&str>| {
        Request::ListPolicies(ListPolicies {
            scope: some(scope),
            only_attached: some(only_attached),
            policy_usage_filter: way.map(str::to_owned),
            ..Default::default()
        })
    };
    for (request, expected) in [
        (list("All", "false", None), &["attached", "boundary", "unused"][..]),
        (list("Local", "true", None), &["attached", "boundary"]),
        (list("Local", "false", Some("PermissionsPolicy")), &["attached"]),
        (list("All", "true", Some("PermissionsBoundary")), &["boundary"]),
        (list("AWS", "false", None), &[]),
    ] {
        let Answer::Policies(page) = stage.done(request).await else { panic!("no policies") };
        assert_eq!(page.items.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), expected);
    }
    for request in [list("all", "false", None), list("All", "yes", None), list("All", "true", Some("x"))] {
        assert_eq!(stage.refused(request).await.0, Kind::ValidationError);
    }

    let entities = |filter: Option<&str>, max: &str, marker| {
        Request::ListEntitiesForPolicy(ListEntitiesForPolicy {
            policy_arn: Some(policy_arn("attached")),
            entity_filter: filter.map(str::to_owned),
            page: page(max, marker),
            ..Default::default()
        })
    };
    let Answer::PolicyEntities(first) = stage.done(entities(None, "1", None)).await else { panic!("no entities") };
    assert_eq!((first.items[0].kind, first.items[0].name.as_str()), (OwnerKind::Role, "r"));
    let Answer::PolicyEntities(second) = stage.done(entities(None, "1", first.marker)).await else { panic!("none") };
    assert_eq!((second.items[0].kind, second.items[0].name.as_str()), (OwnerKind::User, "ada"));
    assert_eq!(second.marker, None);
    let Answer::PolicyEntities(groups) = stage.done(entities(Some("Group"), "1", None)).await else { panic!("none") };
    assert!(groups.items.is_empty());
}
