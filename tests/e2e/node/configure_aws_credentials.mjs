// What aws-actions/configure-aws-credentials v6 does with an identity token, step by step, on the action's own SDK. Its
// bundle is in no package registry. Facts, from its sources, that a service has to do with:
//
// - Inputs are INPUT_* of the environment; `aws-region` must be there and match ^[a-z0-9-]+$. With `role-to-assume` and
//   ACTIONS_ID_TOKEN_REQUEST_TOKEN, and without keys of its own, the action asks GitHub for a token, once: GET
//   ACTIONS_ID_TOKEN_REQUEST_URL&audience=… (`audience`, sts.amazonaws.com by default) with that token as bearer.
// - One STS client, with `sts-endpoint` if it is set, does the exchange and asks who the caller is.
// - The exchange is tried `retry-max-attempts` times (12), whatever the error is, with the same token, after a sleep of
//   random() * 50 ms * 2^n. Its parameters: RoleArn, RoleSessionName (`role-session-name`, GitHubActions by default),
//   DurationSeconds (`role-duration-seconds`, 3600). Tags are never sent: they come from the token.
// - The keys are exported; outside of GITHUB_ACTIONS the action then looks whether the SDK finds them.
// - GetCallerIdentity with the new keys, always. Account and Arn must be there; they are outputs.
//
// HASTE divides the sleeps: twelve tries take two minutes.

import { appendFileSync } from "node:fs";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { env } = process;
const input = (name) => (env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
const failures = [];

function exported(variables) {
  for (const [name, value] of Object.entries(variables)) {
    env[name] = value;
    if (env.GITHUB_ENV) appendFileSync(env.GITHUB_ENV, `${name}=${value}\n`);
  }
}

async function identityToken(audience) {
  const url = `${env.ACTIONS_ID_TOKEN_REQUEST_URL}&audience=${encodeURIComponent(audience)}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}` } });
  if (!answer.ok) throw new Error(`getIDToken call failed: ${answer.status}`);
  return (await answer.json()).value;
}

async function patiently(call) {
  const most = Number.parseInt(input("retry-max-attempts"), 10) || 12;
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const { httpStatusCode: status, attempts } = error.$metadata ?? {};
      failures.push({ name: error.name, message: error.message, status, attempts });
      await new Promise((slept) => setTimeout(slept, (Math.random() * 50 * 2 ** tries) / Number(env.HASTE ?? 1)));
      if (tries + 1 >= most) throw error;
    }
  }
}

async function run() {
  const region = input("aws-region");
  if (!/^[a-z0-9-]+$/.test(region)) throw new Error(`Region is not valid: ${region}`);
  exported({ AWS_DEFAULT_REGION: region, AWS_REGION: region });
  const client = new STSClient({
    region,
    customUserAgent: "configure-aws-credentials-for-github-actions",
    ...(input("sts-endpoint") && { endpoint: input("sts-endpoint") }),
  });

  if (!env.ACTIONS_ID_TOKEN_REQUEST_TOKEN) throw new Error("the job has no `id-token: write`");
  const token = await identityToken(input("audience") || "sts.amazonaws.com");
  const answer = await patiently(() =>
    client.send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: input("role-to-assume"),
        RoleSessionName: input("role-session-name") || "GitHubActions",
        DurationSeconds: Number.parseInt(input("role-duration-seconds"), 10) || 3600,
        WebIdentityToken: token,
      }),
    ),
  );

  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials;
  exported({ AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey, AWS_SESSION_TOKEN: SessionToken });
  if (!env.GITHUB_ACTIONS) {
    const found = await new STSClient({ region }).config.credentials();
    if (found.accessKeyId !== AccessKeyId) throw new Error("Credentials loaded by the SDK do not match");
  }
  const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
  if (!Account || !Arn) throw new Error("Could not get Account ID or ARN from STS. Did you set credentials?");
  return { identity: { Account, Arn }, assumed: answer.AssumedRoleUser, lifetime: (Expiration - Date.now()) / 1000 };
}

try {
  console.log(JSON.stringify({ failures, ...(await run()) }));
} catch (error) {
  console.log(JSON.stringify({ failures, failed: error.message }));
  process.exitCode = 1;
}
