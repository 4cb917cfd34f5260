// The steps of aws-actions/configure-aws-credentials with an identity token, for ROLE and TOKEN of the environment: the
// exchange, TRIES times whatever the error is, then the caller's identity through the same client, with the keys exported.

import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { AWS_REGION: region, ROLE, TOKEN, TRIES } = process.env;
const client = new STSClient({ region, customUserAgent: "configure-aws-credentials-for-github-actions" });
const failures = [];

async function exchange() {
  while (failures.length < Number(TRIES)) {
    try {
      return await client.send(
        new AssumeRoleWithWebIdentityCommand({
          RoleArn: ROLE,
          RoleSessionName: "GitHubActions",
          DurationSeconds: 3600,
          WebIdentityToken: TOKEN,
        }),
      );
    } catch (error) {
      const { httpStatusCode, attempts } = error.$metadata;
      failures.push({ name: error.name, message: error.message, status: httpStatusCode, attempts });
      await new Promise((slept) => setTimeout(slept, Math.random() * 50 * 2 ** failures.length));
    }
  }
}

const answer = await exchange();
let identity;
if (answer) {
  const { AccessKeyId, SecretAccessKey, SessionToken } = answer.Credentials;
  const keys = { AWS_ACCESS_KEY_ID: AccessKeyId, AWS_SECRET_ACCESS_KEY: SecretAccessKey, AWS_SESSION_TOKEN: SessionToken };
  Object.assign(process.env, keys);
  // The action checks that what it exported is what the SDK finds.
  const found = await new STSClient({ region }).config.credentials();
  if (found.accessKeyId !== AccessKeyId) throw new Error(`the SDK found ${found.accessKeyId}`);
  identity = await client.send(new GetCallerIdentityCommand({}));
}
const lifetime = answer && (answer.Credentials.Expiration - Date.now()) / 1000;
console.log(JSON.stringify({ failures, identity, lifetime, assumed: answer?.AssumedRoleUser }));
