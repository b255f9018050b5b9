// A real browser: Chromium without a window, told what to do by Playwright.

import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where this machine has Chromium, or nothing. `CHROMIUM` says it for one at an unusual place. */
export const executable = process.env.CHROMIUM ?? onPath(names);

export class Chromium {
  #browser;
  #strangers = new Set();

  static async start() {
    const { chromium } = createRequire(new URL("nextjs-app/package.json", import.meta.url))(
      "playwright-core",
    );
    const started = new Chromium();
    // Its sandbox does not work for root, which a container's user is; it opens nothing but our own pages.
    started.#browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox"] });
    return started;
  }

  /** A new window with no cookies, that reaches nothing but this machine. */
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

  /** What its pages asked of other machines. */
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
