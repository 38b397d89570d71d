// A store of its own for a worker or a test: own port, own data folder, own
// Stripe sandbox.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, freePort, run } from "./child";
import { octavo, sandbox, site } from "./places";

type Environment = Record<string, string>;

const WEBHOOK_SECRET = "whsec_end2end_0123456789abcdef0123456789abcdef";

/** What every store of the tests is configured by. */
function environment(data: string, port: number, sandboxUrl: string): Environment {
  return {
    DATABASE_URL: `sqlite://${join(data, "octavo.db")}`,
    DATA_DIR: data,
    BASE_URL: `http://127.0.0.1:${port}`,
    LISTEN_ADDR: `127.0.0.1:${port}`,
    LEPTOS_SITE_ROOT: site,
    OCTAVO_DEMO: "1",
    SECRET_KEY: "end2end-secret-key-0123456789abcdef0123456789abcdef",
    STRIPE_SECRET_KEY: "sk_test_end2end0123456789abcdef",
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_BASE: sandboxUrl,
    RUST_LOG: process.env["RUST_LOG"] ?? "info",
  };
}

/** Makes the seeded data folder that every store begins as a copy of. */
export async function makeTemplate(folder: string): Promise<void> {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const settings = environment(data, 1, "http://127.0.0.1:1");
  await run(octavo, ["migrate"], settings);
  await run(octavo, ["seed", "--demo"], settings);
}

/** A running store and its sandbox. */
export class Store {
  /** Where the store is, without a slash at the end. */
  readonly url: string;
  /** Where its Stripe is. */
  readonly sandboxUrl: string;
  /** Its data folder: the database is `octavo.db` in it. */
  readonly data: string;
  /** The secret that signs webhooks to it. */
  readonly webhookSecret = WEBHOOK_SECRET;

  readonly #folder: string;
  readonly #settings: Environment;
  readonly #sandboxPort: number;
  #store: Child | undefined;
  #sandbox: Child | undefined;

  private constructor(folder: string, port: number, sandboxPort: number, extra: Environment) {
    this.#folder = folder;
    this.data = join(folder, "data");
    this.url = `http://127.0.0.1:${port}`;
    this.sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
    this.#sandboxPort = sandboxPort;
    this.#settings = { ...environment(this.data, port, this.sandboxUrl), ...extra };
  }

  /** A new store with the demo books, up and ready. `extra` adds to its environment. */
  static async open(extra: Environment = {}): Promise<Store> {
    const template = process.env["OCTAVO_E2E_TEMPLATE"];
    if (template === undefined) throw new Error("global-setup did not run");
    const folder = mkdtempSync(join(tmpdir(), "octavo-e2e-"));
    cpSync(join(template, "data"), join(folder, "data"), { recursive: true });
    const store = new Store(folder, await freePort(), await freePort(), extra);
    try {
      await store.startSandbox();
      await store.start();
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  /** Starts the store (again). */
  async start(): Promise<void> {
    this.#store = new Child("octavo", octavo, ["serve"], this.#settings, join(this.#folder, "octavo.log"));
    await this.#store.ready(`${this.url}/readyz`, 200);
  }

  /** Stops the store; SIGKILL is a crash. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#store?.stop(signal);
  }

  /** Starts the store as on its first day: without a book, an order or anybody who works there. */
  async startEmpty(): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
    mkdirSync(this.data);
    await this.start();
  }

  /** Starts the sandbox (again), with the state that it had. */
  async startSandbox(): Promise<void> {
    const args = [
      ...["--listen", `127.0.0.1:${this.#sandboxPort}`],
      ...["--webhook-url", `${this.url}/webhooks/stripe`, "--webhook-secret", WEBHOOK_SECRET],
      ...["--state", join(this.#folder, "stripe-sandbox.json")],
    ];
    this.#sandbox = new Child("stripe-sandbox", sandbox, args, {}, join(this.#folder, "stripe-sandbox.log"));
    await this.#sandbox.ready(this.sandboxUrl);
  }

  /** Stops the sandbox: Stripe is down. */
  async stopSandbox(): Promise<void> {
    await this.#sandbox?.stop();
  }

  /** What the store has logged. */
  get log(): string {
    return this.#store?.output ?? "";
  }

  /** Runs a command of the store's executable on its data: `octavo("doctor")`. */
  octavo(...args: string[]): Promise<string> {
    return run(octavo, args, this.#settings);
  }

  /** Stops both and deletes everything. */
  async close(): Promise<void> {
    await Promise.all([this.#store?.stop(), this.#sandbox?.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
