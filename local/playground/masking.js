// Values that are shown only when somebody asks: whoever has them can act as the user.

const names = /token|code$|secret|password|^state$|authorization|invitation$/i;

/** A copy in which such values are replaced by their length. */
export function masked(value, name = "") {
  if (typeof value === "string") return isSecret(name, value) ? hidden(value) : withoutState(value);
  if (Array.isArray(value)) return value.map((item) => masked(item, name));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, key)]));
  }
  return value;
}

/** Whether there is anything to hide. */
export function secretsIn(value) {
  return value !== undefined && JSON.stringify(masked(value)) !== JSON.stringify(value);
}

export function hidden(value) {
  return `••• ${value.length} characters`;
}

function isSecret(name, value) {
  return names.test(name) && value.length > 0;
}

/** An address without what makes it valuable: the state of a sign-in, the signature of a link. */
function withoutState(value) {
  return value.replace(/([?&](?:state|session_id|X-Amz-Signature|X-Amz-Security-Token)=)[^&]+/g, "$1•••");
}
