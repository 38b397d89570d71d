// Where things are. Each can be named in the environment instead.

import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The checkout. */
export const root = resolve(import.meta.dirname, "../..");

const target = resolve(root, process.env["CARGO_TARGET_DIR"] ?? "target");

/** The store's executable. */
export const octavo = process.env["OCTAVO_BIN"] ?? join(target, "debug/octavo");

/** The Stripe sandbox's executable. */
export const sandbox = process.env["SANDBOX_BIN"] ?? join(target, "debug/stripe-sandbox");

/** What the browser loads, as scripts/build-site.sh leaves it. */
export const site = process.env["OCTAVO_SITE"] ?? join(root, "target/site");

/** The machine's Chromium, best the one without windows; Playwright never downloads one of its own here. */
export const chromium =
  process.env["CHROMIUM"] ?? onPath("chromium-headless-shell") ?? onPath("chromium") ?? "/usr/bin/chromium";

/** The first executable of that name on PATH. */
function onPath(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Whether the file is there and may be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
