// Once before all tests: are the executables there, and what do stores begin with?

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, isExecutable, octavo, sandbox, site } from "./places";
import { makeTemplate } from "./store";

export default async function globalSetup(): Promise<() => void> {
  const missing = [octavo, sandbox, chromium].filter((path) => !isExecutable(path));
  if (!existsSync(join(site, "pkg"))) missing.push(site);
  if (missing.length > 0) {
    throw new Error(
      `Not there: ${missing.join(", ")}. \`make test\` makes everything; by hand: ` +
        "scripts/setup.sh wasm apt npm leptos && scripts/build-site.sh dev && " +
        "cargo build -p server -p stripe-sandbox",
    );
  }
  const template = mkdtempSync(join(tmpdir(), "octavo-e2e-template-"));
  try {
    await makeTemplate(template);
  } catch (error) {
    rmSync(template, { recursive: true, force: true });
    throw error;
  }
  process.env["OCTAVO_E2E_TEMPLATE"] = template;
  return () => rmSync(template, { recursive: true, force: true });
}
