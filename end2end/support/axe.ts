// Accessibility, in light and in dark.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/**
 * Runs axe's rules (WCAG and best practices) on the page as it is now, in both
 * colour schemes.
 */
export async function axe(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations, passes } = await new AxeBuilder({ page }).analyze();
    const found = violations.map(({ id, help, nodes }) => ({
      rule: `${id}: ${help}`,
      where: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    }));
    expect(found, `axe on ${page.url()}, ${colorScheme}`).toEqual([]);
    expect(passes.length, `axe looked at ${page.url()}, ${colorScheme}`).toBeGreaterThan(0);
  }
  await page.emulateMedia({ colorScheme: null });
}

/**
 * The same for a page whose scripts are off. axe is a script itself and waits
 * for timers, which such a page never fires: so it looks at a copy, the same
 * document at the same address with the same styles and cookies, in a browser
 * that can run axe but none of the page's scripts.
 */
export async function axeWithoutJavaScript(page: Page): Promise<void> {
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
    await axe(copy);
  } finally {
    await context.close();
  }
}
