//! What the operations on identity providers are asked.

use serde::{Serialize, Serializer};

use super::{PageInput, TagInput};

parameters! {
    /// `CreateOpenIDConnectProvider`
    CreateOpenIDConnectProvider {
        url: Option<String>,
        client_id_list: Vec<String>,
        thumbprint_list: Vec<String>,
        tags: Vec<TagInput>,
    }
    /// One identity provider.
    OpenIDConnectProviderArn { open_id_connect_provider_arn: Option<String> }
    /// `AddClientIDToOpenIDConnectProvider`, `RemoveClientIDFromOpenIDConnectProvider`
    OpenIDConnectProviderClient { open_id_connect_provider_arn: Option<String>, client_id: Option<String> }
    /// `UpdateOpenIDConnectProviderThumbprint`
    OpenIDConnectProviderThumbprints { open_id_connect_provider_arn: Option<String>, thumbprint_list: Vec<String> }
    /// `TagOpenIDConnectProvider`
    TagOpenIDConnectProvider { open_id_connect_provider_arn: Option<String>, tags: Vec<TagInput> }
    /// `UntagOpenIDConnectProvider`
    UntagOpenIDConnectProvider { open_id_connect_provider_arn: Option<String>, tag_keys: Vec<String> }
    /// How to get and use an issuer's keys, where the usual way will not do.
    ReachInput {
        discovery_url: Option<String>,
        /// Told by its length alone.
        #[serde(serialize_with = "length")]
        jwks: Option<String>,
        /// Told by their length alone.
        #[serde(serialize_with = "length")]
        ca_certificates: Option<String>,
        allow_private: bool,
        algorithms: Vec<String>,
    }
    /// A session tag and the claim that it comes from.
    MappedTagInput { key: String, claim: String }
    /// Claims that name session tags and the source identity.
    ClaimMappingInput { tags: Vec<MappedTagInput>, transitive_tags: Vec<String>, source_identity: Option<String> }
    /// Makes or replaces a provider; not on AWS's wire.
    PutOidcProvider {
        issuer: Option<String>,
        client_ids: Vec<String>,
        /// Not given: as it is.
        disabled: Option<bool>,
        claim_mapping: ClaimMappingInput,
        #[serde(flatten)]
        reach: ReachInput,
    }
    /// A provider by its issuer; not on AWS's wire.
    OidcProviderIssuer { issuer: Option<String> }
    /// `ListOpenIDConnectProviderTags`
    ListOpenIDConnectProviderTags { open_id_connect_provider_arn: Option<String>, #[serde(flatten)] page: PageInput }
}

fn length<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_ref().map(String::len).serialize(serializer)
}
