// JSON Web Tokens, decoded and modified without a library, which would refuse to make an invalid one.

/** A token's header or claims, as JSON in base64url. */
export function encode(part) {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

/** The claims of a token, unverified. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

/** The token with some claims changed, or removed if `undefined`, and its original signature. */
export function withClaims(token, changes) {
  const [header, , signature] = token.split(".");
  return `${header}.${encode({ ...claimsOf(token), ...changes })}.${signature}`;
}

/** The `Authorization` header with a token. */
export function bearer(token) {
  return { authorization: `Bearer ${token}` };
}
