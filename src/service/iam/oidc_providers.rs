//! OIDC identity providers: the issuers whose tokens an account trusts.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::token::Subject;

use super::answer::{Answer, ProviderDetail};
use super::call::{Call, Question};
use super::paging::Paging;
use super::request::{
    CreateOpenIDConnectProvider, ListOpenIDConnectProviderTags, OpenIDConnectProviderArn, OpenIDConnectProviderClient,
    OpenIDConnectProviderThumbprints, TagOpenIDConnectProvider, UntagOpenIDConnectProvider,
};
use super::{parameters, tags};
use crate::service::directory::{OidcProvider, Reach, Snapshot, oidc_provider_arn};
use crate::service::error::{Error, Kind};
use crate::service::federation::{ClaimMapping, Issuer};
use crate::service::hex::hex;
use crate::service::parameters::{Text, check_count, is_forging, shown};

/// AWS's quotas of an account and of a provider.
const MOST_PROVIDERS: usize = 100;
const MOST_CLIENT_IDS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;

/// `OpenIDConnectProviderUrlType`
const URL: Text = Text { min: 1, max: 255, pattern: ".*", matches: |_| true, shown: true };
/// `clientIDType`. A control character in an audience could only forge a line.
const CLIENT_ID: Text =
    Text { min: 1, max: 255, pattern: r"[^\p{C}]+", matches: |text| !text.chars().any(is_forging), shown: true };
/// `thumbprintType`
const THUMBPRINT: Text = Text {
    min: 40,
    max: 40,
    pattern: "[0-9A-Fa-f]*",
    matches: |text| text.bytes().all(|c| c.is_ascii_hexdigit()),
    shown: true,
};

/// Thumbprints are kept and shown; TLS is checked against certificate authorities, as AWS does for most issuers.
pub(super) async fn create(call: Call<'_>, input: CreateOpenIDConnectProvider) -> Result<Answer, Error> {
    let provider = OidcProvider {
        account: call.account(),
        issuer: issuer(call, input.url)?,
        id: hex(&call.iam.random_bytes::<16>()?),
        created_at: call.caller.now(),
        client_ids: client_ids(input.client_id_list)?,
        thumbprints: thumbprints(input.thumbprint_list)?,
        tags: tags::checked(input.tags)?,
        disabled: false,
        claim_mapping: ClaimMapping::default(),
        reach: Reach::default(),
    };
    call.change(|edit| {
        let before = edit.before();
        call.resource(provider.arn()).tagged("TagOpenIDConnectProvider", &provider.tags).permit()?;
        if before.provider(provider.account, provider.issuer.provider_name()).is_some() {
            let url = provider.issuer.as_str();
            return Err(Error::new(Kind::EntityAlreadyExists, format!("Provider with url {url} already exists.")));
        }
        within_quota(&before, provider.account)?;
        let made = Answer::NewProvider(provider.arn(), provider.tags.clone());
        edit.put(provider);
        Ok(made)
    })
    .await
}

pub(super) fn get(call: Call<'_>, input: OpenIDConnectProviderArn) -> Result<Answer, Error> {
    let arn = provider_arn(input.open_id_connect_provider_arn)?;
    let provider = existing(call, call.caller.snapshot(), &arn).permit()?;
    Ok(Answer::Provider(ProviderDetail::from(provider)))
}

pub(super) fn list(call: Call<'_>) -> Result<Answer, Error> {
    call.resource(oidc_provider_arn(call.account(), "*")).permit()?;
    Ok(Answer::Providers(call.caller.snapshot().providers(call.account()).map(OidcProvider::arn).collect()))
}

/// AWS answers this one alike for a provider that is not there.
pub(super) async fn delete(call: Call<'_>, input: OpenIDConnectProviderArn) -> Result<Answer, Error> {
    let arn = provider_arn(input.open_id_connect_provider_arn)?;
    call.change(|edit| {
        let before = edit.before();
        let provider = existing(call, &before, &arn).permit()?;
        edit.delete(provider);
        edit.revoke(Subject::Provider(provider.id.as_str().into()), call.caller.now());
        Ok(Answer::Done)
    })
    .await
}

pub(super) async fn add_client_id(call: Call<'_>, input: OpenIDConnectProviderClient) -> Result<Answer, Error> {
    let id = parameters::required("clientID", input.client_id)?;
    CLIENT_ID.check(&id, "clientID")?;
    let change = |provider: &mut OidcProvider| {
        if !provider.client_ids.contains(&id) {
            provider.client_ids.push(id);
        }
        match provider.client_ids.len() > MOST_CLIENT_IDS {
            true => Err(quota("ClientIdsPerOpenIdConnectProvider", MOST_CLIENT_IDS)),
            false => Ok(()),
        }
    };
    update(call, input.open_id_connect_provider_arn, |question| question, change).await
}

/// One that is not there is removed already.
pub(super) async fn remove_client_id(call: Call<'_>, input: OpenIDConnectProviderClient) -> Result<Answer, Error> {
    let id = parameters::required("clientID", input.client_id)?;
    CLIENT_ID.check(&id, "clientID")?;
    let change = |provider: &mut OidcProvider| {
        provider.client_ids.retain(|known| *known != id);
        Ok(())
    };
    update(call, input.open_id_connect_provider_arn, |question| question, change).await
}

pub(super) async fn update_thumbprints(
    call: Call<'_>,
    input: OpenIDConnectProviderThumbprints,
) -> Result<Answer, Error> {
    let list = thumbprints(input.thumbprint_list)?;
    let change = |provider: &mut OidcProvider| {
        provider.thumbprints = list;
        Ok(())
    };
    update(call, input.open_id_connect_provider_arn, |question| question, change).await
}

pub(super) async fn tag(call: Call<'_>, input: TagOpenIDConnectProvider) -> Result<Answer, Error> {
    let added = tags::checked(input.tags)?;
    let change =
        |provider: &mut OidcProvider| tags::add(&mut provider.tags, added.clone(), "TagsPerOpenIdConnectProvider");
    update(call, input.open_id_connect_provider_arn, |question| question.request_tags(&added), change).await
}

pub(super) async fn untag(call: Call<'_>, input: UntagOpenIDConnectProvider) -> Result<Answer, Error> {
    let keys = tags::checked_keys(input.tag_keys)?;
    let change = |provider: &mut OidcProvider| {
        tags::remove(&mut provider.tags, &keys);
        Ok(())
    };
    update(call, input.open_id_connect_provider_arn, |question| question.tag_keys(keys.clone()), change).await
}

pub(super) fn list_tags(call: Call<'_>, input: ListOpenIDConnectProviderTags) -> Result<Answer, Error> {
    let arn = provider_arn(input.open_id_connect_provider_arn)?;
    let paging = Paging::read(call, input.page)?;
    let provider = existing(call, call.caller.snapshot(), &arn).permit()?;
    Ok(tags::page(&paging, &provider.tags))
}

/// Changes a provider that exists, if the caller may. `ask` completes the question.
async fn update(
    call: Call<'_>,
    arn: Option<String>,
    ask: impl for<'q> FnOnce(Question<'q, &'q OidcProvider>) -> Question<'q, &'q OidcProvider>,
    change: impl FnOnce(&mut OidcProvider) -> Result<(), Error>,
) -> Result<Answer, Error> {
    let arn = provider_arn(arn)?;
    call.change(|edit| {
        let before = edit.before();
        let mut provider = ask(existing(call, &before, &arn)).permit()?.clone();
        change(&mut provider)?;
        edit.put(provider);
        Ok(Answer::Done)
    })
    .await
}

/// May the caller do this to the provider of this ARN? Opens the provider, if it is of the caller's account.
fn existing<'a>(call: Call<'a>, snapshot: &'a Snapshot, arn: &Arn) -> Question<'a, &'a OidcProvider> {
    let found = snapshot.provider_by_arn(arn).filter(|provider| provider.account == call.account());
    let absent = || Error::new(Kind::NoSuchEntity, format!("OpenIDConnect Provider not found for arn {arn}"));
    call.existing(arn.clone(), found.ok_or_else(absent))
}

fn provider_arn(value: Option<String>) -> Result<Arn, Error> {
    let arn = parameters::arn("openIDConnectProviderArn", value)?;
    let is_provider = arn.service() == "iam" && arn.region().is_empty() && arn.resource().starts_with("oidc-provider/");
    if is_provider { Ok(arn) } else { Err(parameters::invalid_arn(arn.as_str())) }
}

pub(super) fn issuer(call: Call<'_>, url: Option<String>) -> Result<Issuer, Error> {
    let url = parameters::required("url", url)?;
    URL.check(&url, "url")?;
    Issuer::parse(&url, call.iam.plaintext)
        .map_err(|invalid| Error::new(Kind::InvalidInput, format!("The URL {} is refused: {invalid}.", shown(&url))))
}

pub(super) fn within_quota(snapshot: &Snapshot, account: AccountId) -> Result<(), Error> {
    match snapshot.providers(account).count() < MOST_PROVIDERS {
        true => Ok(()),
        false => Err(quota("OpenIdConnectProvidersPerAccount", MOST_PROVIDERS)),
    }
}

pub(super) fn client_ids(list: Vec<String>) -> Result<Vec<String>, Error> {
    check_count(list.len(), MOST_CLIENT_IDS, "clientIDList")?;
    let mut ids: Vec<String> = Vec::with_capacity(list.len());
    for (index, id) in list.into_iter().enumerate() {
        CLIENT_ID.check(&id, &format!("clientIDList.{}.member", index + 1))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn thumbprints(list: Vec<String>) -> Result<Vec<String>, Error> {
    if list.len() > MOST_THUMBPRINTS {
        return Err(quota("ThumbprintsPerOpenIdConnectProvider", MOST_THUMBPRINTS));
    }
    for (index, thumbprint) in list.iter().enumerate() {
        THUMBPRINT.check(thumbprint, &format!("thumbprintList.{}.member", index + 1))?;
    }
    Ok(list.into_iter().map(|thumbprint| thumbprint.to_ascii_lowercase()).collect())
}

fn quota(name: &str, limit: usize) -> Error {
    Error::new(Kind::LimitExceeded, format!("Cannot exceed quota for {name}: {limit}"))
}
