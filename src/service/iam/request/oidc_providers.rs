//! What the operations on identity providers are asked.

use serde::Serialize;

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
    /// `ListOpenIDConnectProviderTags`
    ListOpenIDConnectProviderTags { open_id_connect_provider_arn: Option<String>, #[serde(flatten)] page: PageInput }
}
