// Headless Chromium, controlled by Playwright.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const onlyThisMachine = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1";

/** The path to Chromium, or `undefined`. Set `CHROMIUM` if it is in an unusual place. */
export const executable = process.env.CHROMIUM ?? onPath(names);

export class Chromium {
  #browser;
  #strangers = new Set();

  static async start() {
    const { chromium } = createRequire(new URL("nextjs-app/package.json", import.meta.url))(
      "playwright-core",
    );
    const started = new Chromium();
    // The sandbox does not work for root, the user in containers. Chromium opens our own pages only.
    const args = ["--no-sandbox", `--host-resolver-rules=${onlyThisMachine}`];
    started.#browser = await chromium.launch({ executablePath: executable, args });
    return started;
  }

  /** A new window without cookies, which can reach only this machine. */
  async window(options = {}) {
    const context = await this.#browser.newContext({ viewport: { width: 900, height: 620 }, ...options });
    context.setDefaultTimeout(20_000);
    await context.route(
      ({ hostname }) => !["localhost", "127.0.0.1"].includes(hostname),
      (route) => {
        this.#strangers.add(route.request().url());
        return route.abort();
      },
    );
    return context;
  }

  /**
   * A new window without cookies in which nothing is intercepted: interception would answer preflights itself.
   * No name but those of this machine can be resolved.
   */
  async visitor() {
    const context = await this.#browser.newContext();
    context.setDefaultTimeout(20_000);
    return context;
  }

  /** The requests that pages sent to other machines. */
  get strangers() {
    return [...this.#strangers];
  }

  async stop() {
    await this.#browser.close();
  }
}

function onPath(names) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
