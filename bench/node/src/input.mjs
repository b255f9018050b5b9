// Checks of what callers send.

import { Refusal } from "./reply.mjs";

const email = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const unprintable = /\p{Cc}/u;

/** A text of 1 to `max` printable characters. */
export function text(value, name, max = 128) {
  if (typeof value !== "string" || value === "" || value.length > max || unprintable.test(value)) {
    throw new Refusal(400, `${name} must be a text of 1 to ${max} characters`);
  }
  return value;
}

export function emailAddress(value) {
  const address = typeof value === "string" ? value.trim() : "";
  if (address.length > 254 || !email.test(address)) throw new Refusal(400, "Bad request");
  return address;
}
