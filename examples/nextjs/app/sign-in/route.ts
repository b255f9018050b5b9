import { getSignInUrl, withAuth } from "@workos-inc/authkit-nextjs";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";

export async function GET(request: Request): Promise<Response> {
  const { user } = await withAuth();
  const cookie = (await cookies()).get(process.env.WORKOS_COOKIE_NAME || "wos-session");
  const isAskedFor = new URL(request.url).searchParams.has("anyway");
  if (user || !cookie || isAskedFor) redirect(await getSignInUrl());
  // The proxy could not refresh the session. If it was rejected, its cookie is gone when the browser reloads.
  const page = 'Cannot tell who is signed in right now. <a href="?anyway">Sign in anyway</a>';
  return new Response(page, { status: 503, headers: { "content-type": "text/html", refresh: "5" } });
}
