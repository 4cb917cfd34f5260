// A program that knows nothing of where its credentials come from.

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const { Account, Arn } = await new STSClient().send(new GetCallerIdentityCommand());
console.log(JSON.stringify({ Account, Arn }));
