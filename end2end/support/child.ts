// Processes that the tests start: each with its output in a file, each stopped
// by its own id.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "./places";

type Environment = Record<string, string>;

/** Only what a program needs to run at all: no setting of the tester's shell reaches it. */
function clean(environment: Environment): Environment {
  const kept = ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "RUST_BACKTRACE"];
  const inherited = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), ...environment };
}

/** A port of 127.0.0.1 that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Runs a program to its end; the error of one that fails holds what it wrote. */
export function run(program: string, args: string[], environment: Environment): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, env: clean(environment) }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

/** A program that runs until it is stopped. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #log: string;
  readonly #lastResort: () => void;

  constructor(name: string, program: string, args: string[], environment: Environment, log: string) {
    this.#name = name;
    this.#log = log;
    const out = openSync(log, "a");
    this.#process = spawn(program, args, { cwd: root, env: clean(environment), stdio: ["ignore", out, out] });
    closeSync(out);
    // Whatever happens to the tests, their servers don't outlive them.
    this.#lastResort = () => this.#process.kill("SIGKILL");
    process.once("exit", this.#lastResort);
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined;
  }

  /** What it wrote so far. */
  get output(): string {
    return readFileSync(this.#log, "utf8");
  }

  /** Waits until GET of the address gives the status, or any answer when none is named. */
  async ready(address: string, status?: number): Promise<void> {
    const limit = Date.now() + 20_000;
    for (;;) {
      if (this.#ended) throw new Error(`${this.#name} ended before it was ready:\n${tail(this.output)}`);
      const answer = await fetch(address, { redirect: "manual" }).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer !== undefined && (status === undefined || answer.status === status)) return;
      if (Date.now() > limit) {
        throw new Error(`${this.#name} is not ready at ${address} (${answer?.status ?? "no answer"}):\n${tail(this.output)}`);
      }
      await sleep(50);
    }
  }

  /** Asks it to end, and ends it after five seconds; or at once, as a crash would. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    process.removeListener("exit", this.#lastResort);
    if (this.#ended) return;
    const gone = new Promise<void>((resolve) => this.#process.once("exit", () => resolve()));
    this.#process.kill(signal);
    const inTime = await Promise.race([gone.then(() => true), sleep(5_000, false, { ref: false })]);
    if (!inTime) {
      this.#process.kill("SIGKILL");
      await gone;
    }
  }
}

function tail(text: string): string {
  return text.split("\n").slice(-40).join("\n");
}
