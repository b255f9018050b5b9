import type { ReactNode } from "react";

import "./style.css";

export const metadata = { title: "One session, two servers" };

// The address of the API is told when the server starts, so that one build serves every test.
export const dynamic = "force-dynamic";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" data-api={process.env.ANTEROOM_URL}>
      <body>{children}</body>
    </html>
  );
}
