// The `test` of all our specs: Playwright's, with a store, a guard and axe.
//
//   import { test, expect } from "../support/test";
//
//   test("…", async ({ page, store, axe }) => { await page.goto("/"); await axe(); });

import { test as base, type BrowserContext, type Page } from "@playwright/test";
import { axe, axeWithoutJavaScript } from "./axe";
import { Guard } from "./guard";
import { Store } from "./store";

export interface StoreOptions {
  /**
   * "worker": the store that the tests of one worker share; "test": one that
   * nobody has touched, for a test that breaks or counts things.
   */
  storeFor: "worker" | "test";
  /** Added to the environment of a store of its own. */
  storeEnvironment: Record<string, string>;
}

interface Fixtures {
  /** The store; `page.goto("/")` is its front page. */
  store: Store;
  /** Fails the test on console errors, warnings, exceptions and third-party requests. */
  guard: Guard;
  /** Runs axe on the page, or on another one, in light and dark. */
  axe: (other?: Page) => Promise<void>;
  /** A browser with no cookies of ours, watched by the same guard. */
  anotherBrowser: () => Promise<BrowserContext>;
}

interface WorkerFixtures {
  shared: () => Promise<Store>;
}

export const test = base.extend<StoreOptions & Fixtures, WorkerFixtures>({
  storeFor: ["worker", { option: true }],
  storeEnvironment: [{}, { option: true }],

  shared: [
    async ({}, use) => {
      let opened: Promise<Store> | undefined;
      await use(() => (opened ??= Store.open()));
      const store = await opened?.catch(() => undefined);
      await store?.close();
    },
    { scope: "worker" },
  ],

  store: async ({ shared, storeFor, storeEnvironment }, use, info) => {
    const own = storeFor === "test" || Object.keys(storeEnvironment).length > 0;
    const store = own ? await Store.open(storeEnvironment) : await shared();
    const before = store.log.length;
    await use(store);
    if (info.status !== info.expectedStatus) {
      await info.attach("octavo.log", { body: store.log.slice(before), contentType: "text/plain" });
    }
    if (own) await store.close();
  },

  baseURL: async ({ store }, use) => use(store.url),

  guard: [
    async ({ store, context }, use) => {
      const guard = new Guard(store);
      guard.watch(context);
      await use(guard);
      base.expect(guard.complaints, "the browser has nothing to complain about").toEqual([]);
    },
    { auto: true },
  ],

  axe: async ({ page, javaScriptEnabled }, use) => {
    const look = javaScriptEnabled === false ? axeWithoutJavaScript : axe;
    await use((other) => look(other ?? page));
  },

  anotherBrowser: async ({ browser, guard }, use) => {
    const opened: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext();
      opened.push(context);
      guard.watch(context);
      return context;
    });
    for (const context of opened) await context.close();
  },
});

export { expect } from "@playwright/test";
