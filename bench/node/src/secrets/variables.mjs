// Secrets from environment variables: the value of each variable that is set.

/** The secrets with these names. `Secrets Manager` is not involved, so the groups do not matter. */
export async function secrets(groups) {
  const names = Object.values(groups).flat();
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
