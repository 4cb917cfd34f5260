// An issuer of the library oauth2-mock-server, as its documentation starts it.

import { OAuth2Server } from "oauth2-mock-server";
import { control } from "./control.mjs";

const server = new OAuth2Server();
await server.issuer.keys.generate("RS256", { kid: "first" });
await server.start(0, "127.0.0.1");

await control(
  {
    generate: ({ kid, algorithm }) => server.issuer.keys.generate(algorithm, { kid }),
    // What the token endpoint cannot be asked for: a token of a chosen key.
    token: ({ kid, claims }) =>
      server.issuer.buildToken({ kid, scopesOrTransform: (_, payload) => Object.assign(payload, claims) }),
  },
  { issuer: server.issuer.url },
);
