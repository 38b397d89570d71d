// Every page in every state: axe in light and dark, and no sideways scrolling
// from the narrowest phone to the desk. With scripts only: without them the
// server sends the same HTML.

import { expect, test } from "../support/test";
import { tours } from "../support/tour";

test.use({ storeFor: "test" });

const WIDTHS = [320, 390, 768, 1280];

for (const [name, tour] of Object.entries(tours)) {
  test(`axe finds nothing and nothing scrolls sideways: ${name}`, async ({ page, store, guard, anotherBrowser, axe }) => {
    test.slow();
    guard.allow(/status of (400|403|404|503)/);
    // All pages are walked before the verdict.
    const found: string[] = [];
    let looked = 0;
    await tour({
      page,
      store,
      anotherBrowser,
      look: async (state, shown) => {
        looked += 1;
        const before = shown.viewportSize();
        for (const width of WIDTHS) {
          await shown.setViewportSize({ width, height: 800 });
          const wide = await shown.evaluate(() => document.documentElement.scrollWidth);
          if (wide > width) found.push(`${state} at ${width}: ${wide} wide`);
        }
        if (before !== null) await shown.setViewportSize(before);
        await axe(shown).catch((error: unknown) => found.push(`${state}: ${String(error)}`));
      },
    });
    expect(found.join("\n\n")).toBe("");
    expect(looked).toBeGreaterThan(5);
  });
}
