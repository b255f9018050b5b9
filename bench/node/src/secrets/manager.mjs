// Secrets from AWS Secrets Manager, fetched once per process, before the first request.

import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

/** The secrets with these names, grouped by the variable that names their secret. */
export async function secrets(groups) {
  const client = new SecretsManagerClient({});
  const fetched = await Promise.all(
    Object.keys(groups).map(async (variable) => {
      const command = new GetSecretValueCommand({ SecretId: process.env[variable] });
      return JSON.parse((await client.send(command)).SecretString);
    }),
  );
  return Object.assign({}, ...fetched);
}
