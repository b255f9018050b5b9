// Redirects to WorkOS and back. WorkOS sends people back to an address that is registered there: the
// application's. The playground asks for its own instead, which the stand-in knows too; at a real WorkOS,
// register it in the dashboard.

/** The page to come back to. */
export const returnTo = `${location.origin}/`;

/** The same URL with this page to return to. */
export function returningHere(url) {
  const address = new URL(url);
  for (const name of ["redirect_uri", "return_to"]) {
    if (address.searchParams.has(name)) address.searchParams.set(name, returnTo);
  }
  return address.href;
}

/** Leaves the page. */
export function leave(url) {
  location.assign(returningHere(url));
}
