// Accessibility, in light and in dark.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/**
 * Runs axe's rules (WCAG and best practices) on the page as it is now; in the
 * other colour scheme, where only colours differ, the rules about colour.
 */
export async function axe(page: Page): Promise<void> {
  await look(page, "light");
  await look(page, "dark");
  await page.emulateMedia({ colorScheme: null });
}

/** All rules by default; of a mail only WCAG's, since the landmarks around it are its reader's program's. */
export type Rules = "all" | "wcag";

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

async function look(page: Page, colorScheme: "light" | "dark", rules: Rules = "all"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  // The one frame that we have is a demo's mail, in which nothing runs, axe neither: it is looked at by itself. Else
  // axe would open a second page for it.
  const all = new AxeBuilder({ page }).setLegacyMode(true).options({ iframes: false });
  const { violations, passes } = await (colorScheme === "dark" ? all.withTags(["cat.color"]) : rules === "wcag" ? all.withTags(WCAG) : all).analyze();
  const found = violations.map(({ id, help, nodes }) => ({
    rule: `${id}: ${help}`,
    where: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
  }));
  expect(found, `axe on ${page.url()}, ${colorScheme}`).toEqual([]);
  expect(passes.length, `axe looked at ${page.url()}, ${colorScheme}`).toBeGreaterThan(0);
}

/**
 * The same, in light (a mail's in dark too), for a page whose scripts are off. axe is a script itself
 * and waits for timers, which such a page never fires: so it looks at a copy,
 * the same document at the same address with the same styles and cookies, in a
 * browser that can run axe but none of the page's scripts.
 */
export async function axeWithoutJavaScript(page: Page, rules: Rules = "all"): Promise<void> {
  const browser = page.context().browser();
  if (browser === null) throw new Error("the page's browser is gone");
  const html = (await page.content())
    // With scripts on, the parser takes what <noscript> holds for mere text.
    .replaceAll(/<\/?noscript[^>]*>/g, "")
    // A page that waits for something would be gone while axe looks at it.
    .replaceAll(/<meta[^>]*http-equiv="?refresh[^>]*>/gi, "");
  const address = page.url();
  const context = await browser.newContext({
    storageState: await page.context().storageState(),
    viewport: page.viewportSize(),
    // The rest comes from playwright.config.ts, as for every context.
    javaScriptEnabled: true,
  });
  try {
    const copy = await context.newPage();
    await copy.route(address, (route) =>
      route.fulfill({
        body: html,
        contentType: "text/html; charset=utf-8",
        headers: { "content-security-policy": "script-src 'none'" },
      }),
    );
    await copy.goto(address);
    await look(copy, "light", rules);
    if (rules === "wcag") await look(copy, "dark");
  } finally {
    await context.close();
  }
}
