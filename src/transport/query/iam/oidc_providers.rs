//! Identity providers on the wire: their parameters in, their answers out.

use super::parse::{page, tags};
use super::render::tags as render_tags;
use crate::service::error::Error;
use crate::service::iam::*;
use crate::transport::query::form::Form;
use crate::transport::query::xml::Xml;

/// Reads the parameters of an action; `None` if it is not one on identity providers.
pub(super) fn parse(action: &str, form: &mut Form) -> Result<Option<Request>, Error> {
    let arn = |form: &mut Form| form.take("OpenIDConnectProviderArn");
    let provider = |form: &mut Form| OpenIDConnectProviderArn { open_id_connect_provider_arn: arn(form) };
    let client = |form: &mut Form| OpenIDConnectProviderClient {
        open_id_connect_provider_arn: arn(form),
        client_id: form.take("ClientID"),
    };
    Ok(Some(match action {
        "CreateOpenIDConnectProvider" => Request::CreateOpenIDConnectProvider(CreateOpenIDConnectProvider {
            url: form.take("Url"),
            client_id_list: form.take_list("ClientIDList")?,
            thumbprint_list: form.take_list("ThumbprintList")?,
            tags: tags(form)?,
        }),
        "GetOpenIDConnectProvider" => Request::GetOpenIDConnectProvider(provider(form)),
        "ListOpenIDConnectProviders" => Request::ListOpenIDConnectProviders,
        "DeleteOpenIDConnectProvider" => Request::DeleteOpenIDConnectProvider(provider(form)),
        "AddClientIDToOpenIDConnectProvider" => Request::AddClientIDToOpenIDConnectProvider(client(form)),
        "RemoveClientIDFromOpenIDConnectProvider" => Request::RemoveClientIDFromOpenIDConnectProvider(client(form)),
        "UpdateOpenIDConnectProviderThumbprint" => {
            Request::UpdateOpenIDConnectProviderThumbprint(OpenIDConnectProviderThumbprints {
                open_id_connect_provider_arn: arn(form),
                thumbprint_list: form.take_list("ThumbprintList")?,
            })
        }
        "TagOpenIDConnectProvider" => Request::TagOpenIDConnectProvider(TagOpenIDConnectProvider {
            open_id_connect_provider_arn: arn(form),
            tags: tags(form)?,
        }),
        "UntagOpenIDConnectProvider" => Request::UntagOpenIDConnectProvider(UntagOpenIDConnectProvider {
            open_id_connect_provider_arn: arn(form),
            tag_keys: form.take_list("TagKeys")?,
        }),
        "ListOpenIDConnectProviderTags" => Request::ListOpenIDConnectProviderTags(ListOpenIDConnectProviderTags {
            open_id_connect_provider_arn: arn(form),
            page: page(form),
        }),
        _ => return Ok(None),
    }))
}

/// `GetOpenIDConnectProvider`
pub(super) fn render(provider: &ProviderDetail, xml: &mut Xml) {
    xml.leaf("Url", &provider.url);
    xml.list("ClientIDList", &provider.client_ids, |xml, id| xml.text(id));
    xml.list("ThumbprintList", &provider.thumbprints, |xml, thumbprint| xml.text(thumbprint));
    xml.leaf("CreateDate", provider.created_at);
    render_tags(xml, &provider.tags);
}
