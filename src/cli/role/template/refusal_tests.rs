//! What a template does not take: a value that could mean more than it says, and options that it has no use for.

use super::tests::{circleci, read};

fn refusal(line: &str) -> String {
    read(line).err().unwrap_or_else(|| panic!("{line} was taken")).to_string()
}

#[test]
fn b18_no_value_makes_a_trust_wider_than_its_words() {
    let branch = |value: &str| format!("github  --repo  acme/shop  --branch  {value}");
    for value in [
        "*",
        "ma?n",
        "release-*",
        "${oidc:ref}",
        "$x",
        "x:environment:prod",
        "a b",
        "a\nb",
        "a\u{7}",
        "a\u{e9}",
        "..",
        "a..b",
        "a//b",
        "/a",
        "a/",
        ".a",
        "a.lock",
        "a@{1}",
        "a\\b",
        "a^",
        "a~1",
        "a[b]",
        "refs/heads/main",
        "",
    ] {
        for line in [
            branch(value),
            branch(value).replace("--branch", "--tag"),
            format!("gitlab  --project  acme/shop  --branch  {value}"),
            format!("buildkite  --organization  acme  --pipeline  shop  --branch  {value}"),
            circleci(&format!("  --repo  github.com/acme/shop  --branch  {value}")),
        ] {
            assert!(refusal(&line).contains("is not taken"), "{line}: {}", refusal(&line));
        }
    }
    for value in [
        "acme",
        "acme/",
        "/shop",
        "acme/*",
        "*/shop",
        "acme/shop:environment:prod",
        "acme/shop/x",
        "acme@1/shop",
        "acme/..",
        "a b/c",
    ] {
        assert!(refusal(&format!("github  --repo  {value}  --branch  main")).contains("--repo"), "{value}");
    }
    for value in ["prod:x", "prod%3Ax", "*", "${a}", " prod", "pr\u{6f}\u{301}d", "a\tb"] {
        assert!(
            refusal(&format!("github  --repo  acme/shop  --environment  {value}")).contains("--environment"),
            "{value}"
        );
    }
    for value in ["0", "1:2", "1/2", "-1", "*", "", "1e3"] {
        let line = format!("github  --repo  acme/shop  --branch  main  --owner-id={value}  --repo-id  1");
        assert!(refusal(&line).contains("it is a number"), "{line}");
    }
    for value in [
        "acme/ci/.github/workflows/x.yml",
        "acme/ci/.github/workflows/x.yml@main",
        "acme/ci/.github/workflows/*@refs/heads/main",
        "acme/ci/.github/workflows/x.yml@refs/heads/*",
        "acme/ci@refs/heads/main",
        "acme/.github/workflows/x.yml@refs/heads/main",
    ] {
        let line = format!("github  --repo  acme/shop  --branch  main  --workflow  {value}");
        assert!(refusal(&line).contains("--workflow"), "{line}");
    }
    for (line, option) in [
        ("gitlab  --project  acme  --branch  main", "--project"),
        ("gitlab  --project  acme/shop:ref_type:branch  --branch  main", "--project"),
        ("buildkite  --organization  a:pipeline:b  --pipeline  c  --branch  main", "--organization"),
        ("buildkite  --organization  acme  --pipeline  *  --branch  main", "--pipeline"),
        ("circleci  --org-id  acme  --project-id  shop", "--org-id"),
        ("jenkins  --issuer  https://ci.example.com/oidc  --job  team//shop", "--job"),
        ("jenkins  --issuer  https://ci.example.com/oidc  --job  *", "--job"),
        ("jenkins  --issuer  https://ci.example.com/oidc  --job  a  --jenkins-url  https://*", "--jenkins-url"),
        (
            "azure-pipelines  --issuer  https://a.example/b  --organization  a  --project  b/c  --service-connection  d",
            "--project",
        ),
        ("kubernetes  --issuer  https://k8s.example.com  --namespace  prod:x  --service-account  web", "--namespace"),
        ("kubernetes  --issuer  https://k8s.example.com  --namespace  prod  --service-account  *", "--service-account"),
        (
            "kubernetes  --issuer  https://k8s.example.com  --audience  *  --namespace  a  --service-account  b",
            "--audience",
        ),
        ("kubernetes  --issuer  https://k8s.example.com/*  --namespace  a  --service-account  b", "issuer URL"),
    ] {
        assert!(refusal(line).contains(option), "{line}: {}", refusal(line));
    }
}

#[test]
fn what_is_missing_and_what_has_no_use_is_named() {
    let jobs = "exactly one of --branch, --tag, --environment, --pull-request";
    for (line, told) in [
        ("github  --branch  main", "--from github needs --repo"),
        ("github  --repo  acme/shop", jobs),
        ("github  --repo  acme/shop  --branch  a  --tag  b", jobs),
        ("github  --repo  acme/shop  --branch  a  --pull-request", jobs),
        ("github  --repo  acme/shop  --branch  a  --repo-id  1", "--owner-id and --repo-id go together"),
        ("github  --repo  acme/shop  --branch  a  --namespace  prod", "--from github has no use for --namespace"),
        ("kubernetes  --namespace  a  --service-account  b", "kubernetes needs --issuer"),
        ("jenkins  --issuer  https://keys.example.com  --job  a", "--jenkins-url"),
        ("buildkite  --organization  acme  --pipeline  shop", "--from buildkite needs --branch"),
    ] {
        assert!(refusal(line).contains(told), "{line}: {}", refusal(line));
    }
    assert!(refusal(&circleci("  --branch  main")).contains("--branch needs --repo"));
}

#[test]
fn a_provider_that_is_not_registered_is_registered_by_the_command_that_is_named() {
    for (line, command) in [
        ("github  --repo  acme/shop  --branch  main", "brevet provider apply --preset github"),
        (
            "gitlab  --issuer  https://git.example.com  --audience  brevet  --project  acme/shop  --tag  v1",
            "brevet provider apply --preset gitlab --issuer https://git.example.com --client-id brevet",
        ),
        (
            "kubernetes  --issuer  https://k8s.example.com  --namespace  a  --service-account  b",
            "brevet provider apply --preset kubernetes --issuer https://k8s.example.com --client-id sts.amazonaws.com",
        ),
    ] {
        assert_eq!(read(line).unwrap().provider.register(), command);
    }
}
