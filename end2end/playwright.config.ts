import { defineConfig, devices } from "@playwright/test";
import type { StoreOptions } from "./support/test";
import { chromium } from "./support/places";

const desktop = devices["Desktop Chrome"];

export default defineConfig<StoreOptions>({
  testDir: "tests",
  globalSetup: "./support/global-setup.ts",
  // A flaky test is a defect, in the test or in the store: no second try.
  retries: 0,
  forbidOnly: true,
  // Pictures are for people: see tests/shots.spec.ts.
  ...(process.env["SHOTS"] === undefined ? { grepInvert: /@shots/ } : {}),
  // Two cores, and each worker also runs a store and a sandbox.
  workers: 2,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 5_000 },
  reporter: [["list"]],
  use: {
    ...desktop,
    locale: "en-GB",
    timezoneId: "UTC",
    // Pages are judged at rest.
    contextOptions: { reducedMotion: "reduce" },
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromium,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  // Every flow runs twice: the store must be whole without JavaScript. What
  // only concerns scripts is in tests/*.js.spec.ts.
  projects: [
    { name: "js", use: { javaScriptEnabled: true } },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: "**/*.js.spec.ts" },
  ],
});
