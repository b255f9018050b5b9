// The query of an address.

/** The address with these parameters: an object, or a list of pairs if one is repeated. */
export function withQuery(path, query) {
  return query ? `${path}?${new URLSearchParams(query)}` : path;
}
