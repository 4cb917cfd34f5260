//! The authorization request: a client sends somebody's browser here, and wants a code sent back with it.

use super::parameters::Parameters;
use super::pkce::Challenge;
use super::redirect::RedirectUri;
use super::refusal::Refusal;
use super::scope::Scope;

/// A request that can be granted.
#[derive(Debug)]
pub(super) struct Authorization {
    pub(super) client_id: String,
    pub(super) reply: Reply,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Challenge,
}

/// Where the answer goes, and what is said with every answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) redirect: RedirectUri,
    state: Option<String>,
    /// RFC 9207: a client of many issuers can tell whose answer it got.
    issuer: String,
}

/// Why a request cannot be granted.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Where an answer would go is not to be trusted: whoever is at the browser is told.
    Shown(&'static str),
    /// The client is told, by this URL.
    Sent(String),
}

impl Authorization {
    pub(super) fn read(parameters: &Parameters, clients: &[String], issuer: &str) -> Result<Self, Unfit> {
        let client_id = parameters.get("client_id").filter(|id| clients.iter().any(|known| known == id));
        let client_id = client_id.ok_or(Unfit::Shown("Nobody here knows this client_id."))?.to_owned();
        let redirect = parameters.get("redirect_uri").and_then(RedirectUri::parse).ok_or(Unfit::Shown(
            "The redirect_uri must be a URL on this machine, http://127.0.0.1:PORT/… for instance.",
        ))?;
        let state = parameters.get("state").map(str::to_owned);
        let reply = Reply { redirect, state, issuer: issuer.to_owned() };
        match terms(parameters) {
            Ok((scope, challenge)) => {
                let nonce = parameters.get("nonce").map(str::to_owned);
                Ok(Self { client_id, reply, scope, nonce, challenge })
            }
            Err(refusal) => Err(Unfit::Sent(reply.refusal(&refusal))),
        }
    }
}

fn terms(parameters: &Parameters) -> Result<(Scope, Challenge), Refusal> {
    let get = |name| parameters.get(name);
    if let Some(name) = parameters.repeated() {
        return Err(Refusal::repeated(name));
    }
    if get("request").is_some() {
        return Err(Refusal::RequestNotSupported);
    }
    if get("request_uri").is_some() {
        return Err(Refusal::RequestUriNotSupported);
    }
    match get("response_type") {
        Some("code") => (),
        Some(_) => return Err(Refusal::UnsupportedResponseType),
        None => return Err(Refusal::invalid("the response_type is missing")),
    }
    if get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(Refusal::invalid("the response_mode is query"));
    }
    let challenge = get("code_challenge").and_then(|text| Challenge::parse(text, get("code_challenge_method")));
    let challenge = challenge.ok_or_else(|| Refusal::invalid("a code_challenge of the method S256 is needed"))?;
    let scope = get("scope").and_then(Scope::parse).ok_or(Refusal::InvalidScope)?;
    if get("prompt").is_some_and(|prompt| prompt.split(' ').any(|one| one == "none")) {
        return Err(Refusal::LoginRequired);
    }
    Ok((scope, challenge))
}

impl Reply {
    pub(super) fn code(&self, code: &str) -> String {
        self.url(vec![("code", code)])
    }

    pub(super) fn refusal(&self, refusal: &Refusal) -> String {
        self.url(vec![("error", refusal.code()), ("error_description", &refusal.to_string())])
    }

    fn url<'a>(&'a self, mut parameters: Vec<(&'a str, &'a str)>) -> String {
        parameters.extend(self.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", &self.issuer));
        self.redirect.with(&parameters)
    }
}
