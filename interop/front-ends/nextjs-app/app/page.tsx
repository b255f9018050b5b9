import { getWorkOS, signOut, switchToOrganization, withAuth } from "@workos-inc/authkit-nextjs";

import { Anteroom } from "./Anteroom";
import { Facts } from "./Facts";

/** One page, two servers: what Next.js reads in the session on the left, what Anteroom does on the right. */
export default async function Page() {
  const { user, sessionId, organizationId, role } = await withAuth();
  const organizations = user ? await organizationsOf(user.id) : [];
  return (
    <main>
      <h1>One session, two servers</h1>
      <div className="servers">
        <section aria-label="Next.js">
          <h2>Next.js</h2>
          <p className="how">authkit-nextjs, on the server</p>
          {user ? (
            <>
              <Facts user={user} organizationId={organizationId} role={role} sessionId={sessionId} />
              <nav>
                {organizations.map(({ id, name }) => (
                  <form key={id} action={switchTo.bind(null, id)}>
                    <button type="submit" disabled={id === organizationId}>
                      {name}
                    </button>
                  </form>
                ))}
                <form action={leave}>
                  <button type="submit" className="leave">
                    Sign out
                  </button>
                </form>
              </nav>
            </>
          ) : (
            <>
              <p role="status">Nobody is signed in</p>
              <nav>
                <a className="button" href="/sign-in">
                  Sign in with AuthKit
                </a>
              </nav>
            </>
          )}
        </section>
        <Anteroom organizations={organizations} key={`${sessionId} ${organizationId}`} />
      </div>
    </main>
  );
}

async function organizationsOf(userId: string) {
  const { data } = await getWorkOS().userManagement.listOrganizationMemberships({ userId });
  return data.map(({ organizationId, organizationName }) => ({ id: organizationId, name: organizationName }));
}

async function switchTo(organizationId: string) {
  "use server";
  await switchToOrganization(organizationId, { returnTo: "/" });
}

async function leave() {
  "use server";
  await signOut({ returnTo: process.env.PAGE_URL });
}
