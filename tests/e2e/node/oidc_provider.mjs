// An OpenID provider of the library oidc-provider. Its tokens are those of the authorization code flow, with the pages that
// the library brings for development filled in as by a browser, or of the device grant, for the public client `brevet`.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { control } from "./control.mjs";

// Standard output is for the test.
console.info = console.error;

const KINDS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const SECRET = "a secret that is none";
const REDIRECT = "http://127.0.0.1/signed-in";
const DEVICE = "brevet";

const keys = new Map();
const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
let handler;
let fetches = 0;
server.on("request", (request, response) => {
  if (request.url === "/jwks") fetches += 1;
  handler(request, response);
});

/** Publishes these keys, given as [kid, algorithm]. The first of an algorithm signs. The library takes keys at its start. */
function publish({ published }) {
  for (const [kid, alg] of published) {
    if (!keys.has(kid)) keys.set(kid, { ...KINDS[alg]().privateKey.export({ format: "jwk" }), kid, alg, use: "sig" });
  }
  const provider = new Provider(issuer, {
    clients: [
      ...Object.keys(KINDS).map((alg) => ({
        client_id: alg,
        client_secret: SECRET,
        redirect_uris: [REDIRECT],
        id_token_signed_response_alg: alg,
      })),
      {
        client_id: DEVICE,
        token_endpoint_auth_method: "none",
        grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: { deviceFlow: { enabled: true } },
    jwks: { keys: published.map(([kid]) => keys.get(kid)) },
    cookies: { keys: ["cookies of a test"] },
    ttl: { IdToken: 3 * 3600 },
  });
  handler = provider.callback();
}

/** A browser without JavaScript: where it is sent to, or the page. */
function browser() {
  const cookies = new Map();
  return async function visit(url, form) {
    const headers = { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") };
    const body = form && new URLSearchParams(form);
    const response = await fetch(url, { method: form ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const location = response.headers.get("location");
    return location ? new URL(location, issuer) : response.text();
  };
}

/** Fills in the library's pages for this subject, until a place or a page is the one. */
async function signIn(visit, place, subject, isOver) {
  while (!isOver(place)) {
    const page = place instanceof URL ? await visit(place) : place;
    if (page instanceof URL || isOver(page)) {
      place = page;
      continue;
    }
    const prompt = /name="prompt" value="(\w+)"/.exec(page);
    if (!prompt) throw new Error(page);
    place = await visit(place, { prompt: prompt[1], login: subject, password: "any" });
  }
  return place;
}

/** What a person does who was told a code by a device: signs in and says yes. */
async function approve({ user_code, subject }) {
  const visit = browser();
  const xsrf = (page) => /name="xsrf" value="(\w+)"/.exec(page)[1];
  const asked = await visit(`${issuer}/device`);
  const confirmed = await visit(`${issuer}/device`, { xsrf: xsrf(asked), user_code });
  const place = await visit(`${issuer}/device`, { xsrf: xsrf(confirmed), user_code, confirm: "yes" });
  await signIn(visit, place, subject, (at) => typeof at === "string" && at.includes("Sign-in Success"));
}

/** Signs a subject in at a client and gives the ID token. A client is called as the algorithm of its tokens. */
async function token({ subject, client }) {
  const visit = browser();
  const question = { client_id: client, response_type: "code", scope: "openid", redirect_uri: REDIRECT };
  const begin = await visit(`${issuer}/auth?${new URLSearchParams(question)}`);
  const place = await signIn(visit, begin, subject, (at) => at.href?.startsWith(REDIRECT));
  const answer = await fetch(`${issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`${client}:${encodeURIComponent(SECRET)}`)}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code: place.searchParams.get("code"), redirect_uri: REDIRECT }),
  });
  const { id_token } = await answer.json();
  return id_token;
}

/** One after the other: a provider that was started anew knows nothing of a sign-in that was under way. */
let last = Promise.resolve();
const inTurn = (command) => (body) => {
  const answer = last.then(() => command(body));
  last = answer.catch(() => {});
  return answer;
};

await control({ publish: inTurn(publish), token: inTurn(token), approve: inTurn(approve), fetches: () => fetches }, { issuer });
