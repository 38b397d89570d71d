// Watches a browser context: one console error or warning, one uncaught
// exception, one request to a third party fails the test. Violations of the
// Content-Security-Policy are console errors in Chromium.

import type { BrowserContext } from "@playwright/test";
import type { Store } from "./store";

export class Guard {
  readonly #hosts: Set<string>;
  readonly #complaints: string[] = [];
  readonly #allowed: RegExp[] = [];

  constructor(store: Store) {
    this.#hosts = new Set([new URL(store.url).host, new URL(store.sandboxUrl).host]);
  }

  /** Watches one more context, for a test that has a second browser. */
  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (["error", "warning", "assert"].includes(message.type())) {
        const { url, lineNumber } = message.location();
        this.#complain(`console ${message.type()}: ${message.text()} (${url}:${lineNumber})`);
      }
    });
    context.on("weberror", (error) => this.#complain(`uncaught: ${error.error().stack ?? error.error().message}`));
    context.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (!["data:", "blob:", "about:"].includes(protocol) && !this.#hosts.has(host)) {
        this.#complain(`third-party request: ${request.method()} ${request.url()}`);
      }
    });
  }

  /**
   * Lets complaints that match pass, in a test that is about them: Chromium
   * reports every answer ≥ 400 as a console error.
   */
  allow(...patterns: RegExp[]): void {
    this.#allowed.push(...patterns);
  }

  /** What there is to complain about. */
  get complaints(): string[] {
    return this.#complaints.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
  }

  #complain(text: string): void {
    this.#complaints.push(text);
  }
}
