// A child process, from start to end.
//
// A test that starts a program always stops it in its clean-up. When this process exits, any program that
// still runs is killed together with its children.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const running = new Set();
process.on("exit", () => {
  for (const program of running) program.signal("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

export class Program {
  #name;
  #child;
  #ended;
  #lines = [];
  #rest = "";

  /**
   * Starts `command` with exactly the variables `env` besides PATH and HOME.
   */
  constructor(name, command, args, { env = {}, cwd } = {}) {
    this.#name = name;
    this.#child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve({ error }));
      this.#child.once("close", (code, signal) => {
        // The last line may lack its newline.
        if (this.#rest) this.#read("\n");
        resolve({ code, signal });
      });
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => this.#read(text));
    this.#child.stderr.setEncoding("utf8").on("data", (text) => this.#read(text));
    running.add(this);
    this.#ended.then(() => running.delete(this));
  }

  get pid() {
    return this.#child.pid;
  }

  /** The lines of its standard output and error so far. */
  get lines() {
    return [...this.#lines, this.#rest];
  }

  /**
   * Waits until a complete line matches, and gives the match; if none does in time, the error has everything
   * that the program wrote. With `from`, only the lines from that index on count: take `written` before the
   * request. With `times`, waits for that many lines and gives the last match.
   */
  async line(pattern, seconds, from = 0, times = 1) {
    return this.#within(seconds, `a line like ${pattern}`, () => {
      const matches = this.#lines.slice(from).map((line) => line.match(pattern));
      return matches.filter(Boolean)[times - 1];
    });
  }

  /** How many complete lines it has written so far. */
  get written() {
    return this.#lines.length;
  }

  /** Waits until `url` answers at all. */
  async answering(url, seconds) {
    await this.#within(seconds, `an answer from ${url}`, async () => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      await answer?.body?.cancel();
      return answer;
    });
  }

  /** Waits for its end and gives its exit status. */
  async end(seconds) {
    const ended = await this.#within(seconds, "its end", () => this.#endedNow());
    if (ended.error) throw new Error(`${this.#name} did not start: ${ended.error.message}`);
    return ended.code;
  }

  /** Stops it: SIGTERM, then SIGKILL after five seconds. */
  async stop() {
    this.signal("SIGTERM");
    const deadline = AbortSignal.timeout(5000);
    const late = once(deadline, "abort").then(() => this.signal("SIGKILL"));
    await Promise.race([this.#ended, late]);
    await this.#ended;
    // Children that it left behind.
    this.signal("SIGKILL");
  }

  signal(name) {
    try {
      process.kill(-this.#child.pid, name);
    } catch (error) {
      if (error.code !== "ESRCH" && this.#child.pid !== undefined) throw error;
    }
  }

  #read(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    this.#lines.push(...lines);
  }

  async #within(seconds, what, look) {
    const deadline = Date.now() + seconds * 1000;
    while (Date.now() < deadline) {
      const found = await look();
      if (found !== undefined) return found;
      const ended = await this.#endedNow();
      if (ended !== undefined) {
        // The awaited line may be the last.
        const last = await look();
        if (last !== undefined) return last;
        throw new Error(`${this.#name} ended before ${what}:\n${this.lines.join("\n")}`);
      }
      await pause(50);
    }
    throw new Error(`${this.#name} did not give ${what} in ${seconds} s:\n${this.lines.join("\n")}`);
  }

  #endedNow() {
    return Promise.race([this.#ended, pause(0)]);
  }
}

/** Runs a program to its end, and returns its exit status and output. */
export async function run(command, args, { seconds, ...options }) {
  const program = new Program(command, command, args, options);
  try {
    const code = await program.end(seconds);
    return { code, output: program.lines.join("\n") };
  } finally {
    await program.stop();
  }
}

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The same for UDP, which has its own ports. */
export async function freeUdpPort() {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

/** Waits. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until a condition holds, which may be asynchronous. Throws an error if it takes too long. */
export async function until(condition, what, seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await pause(20);
  }
}
