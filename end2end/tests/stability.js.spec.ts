// Nothing moves while a page loads, however late its fonts and pictures come.

import type { Page } from "@playwright/test";
import { setTimeout as later } from "node:timers/promises";
import { islands } from "../support/buying";
import { expect, test } from "../support/test";

interface Shift {
  value: number;
  what: string[];
}

/** The layout shifts from the first paint to the living page. */
async function shifts(page: Page, address: string): Promise<Shift[]> {
  await page.goto(address);
  await islands(page);
  return page.evaluate(async () => {
    await document.fonts.ready;
    await Promise.all(
      [...document.images].filter((image) => image.loading !== "lazy").map((image) => image.decode().catch(() => undefined)),
    );
    // Two frames: what was decoded is painted.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return new Promise<{ value: number; what: string[] }[]>((resolve) => {
      const seen: { value: number; what: string[] }[] = [];
      const observer = new PerformanceObserver((list) => add(list.getEntries()));
      const add = (entries: PerformanceEntryList): void => {
        for (const entry of entries as (PerformanceEntry & { value: number; sources: { node: Node | null }[] })[]) {
          const name = (node: Node | null): string =>
            node instanceof Element ? `${node.nodeName} ${node.className}` : (node?.parentElement?.outerHTML.slice(0, 80) ?? "?");
          seen.push({ value: entry.value, what: entry.sources.map(({ node }) => name(node)) });
        }
      };
      observer.observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => {
        add(observer.takeRecords());
        observer.disconnect();
        resolve(seen);
      });
    });
  });
}

const total = (seen: Shift[]): number => seen.reduce((sum, { value }) => sum + value, 0);

/** What matches takes 400 ms longer. */
async function late(page: Page, what: RegExp): Promise<void> {
  await page.route(what, async (route) => {
    await later(400);
    await route.continue();
  });
}

for (const width of [390, 1280]) {
  for (const [name, address] of [
    ["catalogue", "/"],
    ["book", "/books/the-tempest"],
  ] as const) {
    test(`the ${name} does not move at ${width} px`, async ({ page }) => {
      await page.setViewportSize({ width, height: 800 });
      const seen = await shifts(page, address);
      // 0.00, as every tool writes it.
      expect(total(seen), JSON.stringify(seen)).toBeLessThan(0.005);
    });

    test(`the ${name} does not move at ${width} px when covers come late`, async ({ page }) => {
      await page.setViewportSize({ width, height: 800 });
      await late(page, /\.webp$/);
      const seen = await shifts(page, address);
      expect(total(seen), JSON.stringify(seen)).toBeLessThan(0.005);
    });

    test(`the ${name} does not move at ${width} px when fonts come late`, async ({ page }) => {
      await page.setViewportSize({ width, height: 800 });
      await late(page, /\.woff2$/);
      const seen = await shifts(page, address);
      expect(total(seen), JSON.stringify(seen)).toBeLessThan(0.005);
    });
  }
}
