// Pictures of every page for people to look at; no part of the normal run:
//
//   SHOTS=/tmp/shots npx playwright test --project=js shots

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "../support/test";
import { tours } from "../support/tour";

const folder = process.env["SHOTS"] ?? "";

test.use({ storeFor: "test" });

for (const [name, tour] of Object.entries(tours)) {
  test(`pictures of ${name} @shots`, async ({ page, store, guard, anotherBrowser }) => {
    test.slow();
    guard.allow(/status of (400|403|404|503)/);
    mkdirSync(folder, { recursive: true });
    await tour({
      page,
      store,
      anotherBrowser,
      look: async (state, shown) => {
        const before = shown.viewportSize();
        for (const colorScheme of ["light", "dark"] as const) {
          for (const width of [390, 1280]) {
            await shown.emulateMedia({ colorScheme });
            await shown.setViewportSize({ width, height: width === 390 ? 844 : 800 });
            const path = join(folder, `${state.replaceAll(" ", "-")}.${width}.${colorScheme}.png`);
            await shown.screenshot({ path, fullPage: true });
          }
        }
        await shown.emulateMedia({ colorScheme: null });
        if (before !== null) await shown.setViewportSize(before);
      },
    });
  });
}
