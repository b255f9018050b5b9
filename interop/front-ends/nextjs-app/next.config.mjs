// One app on two versions of AuthKit's SDK: 3, or 4 where AUTHKIT says so. `paths` in the tsconfig leads the
// compiler and the bundler alike to the other one.
const version = process.env.AUTHKIT ?? "3";

export default {
  distDir: `.next/authkit-${version}`,
  typescript: { tsconfigPath: version === "3" ? "tsconfig.json" : `tsconfig.authkit-${version}.json` },
  // Otherwise Next.js would take the lock file in a folder above for this app's.
  outputFileTracingRoot: import.meta.dirname,
};
