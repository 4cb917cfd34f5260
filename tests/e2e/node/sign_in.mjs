// A person's client, made of the library openid-client: signs somebody in at ISSUER as CLIENT_ID, by the FLOW "code" or
// "device". Prints what a browser is to open, and then what came of it.

import { createServer } from "node:http";
import * as oidc from "openid-client";

const { ISSUER, CLIENT_ID, FLOW } = process.env;
const SCOPE = "openid email offline_access";
const say = (what) => console.log(JSON.stringify(what));

const insecure = { execute: [oidc.allowInsecureRequests] };
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.None(), insecure);
// Otherwise it takes ID tokens from the token endpoint without looking at their signatures.
oidc.enableNonRepudiationChecks(config);

async function code() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const redirect = `http://127.0.0.1:${server.address().port}/callback`;
  const arrival = new Promise((arrived) =>
    server.on("request", (request, response) => {
      response.end("You can close this page.");
      arrived(new URL(request.url, redirect));
    }),
  );
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()];
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: SCOPE,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  say({ open: url.href });
  const arrived = await arrival;
  server.close();
  return oidc.authorizationCodeGrant(config, arrived, { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true });
}

async function device() {
  const begun = await oidc.initiateDeviceAuthorization(config, { scope: SCOPE });
  say({ open: begun.verification_uri_complete, user_code: begun.user_code });
  return oidc.pollDeviceAuthorizationGrant(config, begun);
}

try {
  const tokens = await (FLOW === "device" ? device() : code());
  const claims = tokens.claims();
  const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  say({ id_token: tokens.id_token, claims, info, refreshed: refreshed.claims() });
} catch (fault) {
  say({ error: fault.error ?? fault.code ?? fault.message });
}
