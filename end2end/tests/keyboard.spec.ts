// The whole way to the payment without a mouse.

import type { Locator, Page } from "@playwright/test";
import { tempest } from "../support/books";
import { expectInCart, islands, payButton, scripted } from "../support/buying";
import { expect, test } from "../support/test";

/** What has the focus, in words, and whether one sees that it has. */
async function stop(page: Page): Promise<string> {
  const focused = page.locator(":focus");
  await expect(focused).toHaveCount(1);
  const seen = await focused.evaluate((element) => {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
      name: element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "",
      outline: style.outlineStyle === "none" ? 0 : Number.parseFloat(style.outlineWidth),
      inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
  });
  expect(seen.outline, `the outline of “${seen.name}” on ${page.url()}`).toBeGreaterThan(0);
  expect(seen.inside, `“${seen.name}” is on the screen on ${page.url()}`).toBe(true);
  return seen.name;
}

/** Presses Tab until the element has the focus; every stop on the way shows its focus. Returns the stops' names. */
async function tabTo(page: Page, target: Locator): Promise<string[]> {
  const stops: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    stops.push(await stop(page));
    if (await target.evaluate((element) => element === document.activeElement)) return stops;
  }
  throw new Error(`never came to ${target}: ${stops.join(", ")}`);
}

test("from the catalogue to Stripe's page with the keyboard alone", async ({ page }) => {
  await page.goto("/");
  await islands(page);
  const header = ["Skip to content", "Octavo", "Library", "Cart, empty", "Theme of the device", "Light theme", "Dark theme"];
  const stops = await tabTo(page, page.getByRole("link", { name: tempest.title }));
  expect(stops.slice(0, header.length)).toEqual(header);
  // Each book is one stop.
  expect(new Set(stops).size, stops.join(", ")).toBe(stops.length);

  // The skip link skips.
  await page.goto("/");
  await islands(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const sorts = page.getByRole("navigation", { name: "Sort by" });
  await expect(sorts.getByRole("link").first()).toBeFocused();

  await tabTo(page, page.getByRole("link", { name: tempest.title }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/books/${tempest.slug}`);
  await islands(page);

  await tabTo(page, page.getByRole("button", { name: "Add to cart" }));
  await page.keyboard.press("Enter");
  if (scripted()) {
    // The button has gone: what took its place has the focus.
    await expect(page.getByRole("status")).toHaveText("Added to cart");
    await expect(page.getByRole("link", { name: "In your cart" })).toBeFocused();
    await stop(page);
    await page.keyboard.press("Enter");
  }
  await expect(page).toHaveURL("/cart");
  await expectInCart(page, 1);

  await tabTo(page, page.getByRole("button", { name: "Checkout" }));
  await page.keyboard.press("Enter");
  await expect(payButton(page)).toBeVisible();

  await tabTo(page, page.getByLabel("Email", { exact: true }));
  await page.keyboard.type("keyboard@example.com");
  await tabTo(page, page.getByLabel("Card number", { exact: true }));
  await page.keyboard.type("4242424242424242");
  await tabTo(page, page.getByLabel("Expiry", { exact: true }));
  await page.keyboard.type("1234");
  await tabTo(page, page.getByLabel("CVC", { exact: true }));
  await page.keyboard.type("123");
  await tabTo(page, page.getByLabel("Name", { exact: true }));
  await page.keyboard.type("Key Board");
  await tabTo(page, page.getByLabel("Country", { exact: true }));
  await page.keyboard.type("Germ");
  await tabTo(page, payButton(page));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/checkout\/success\?/);
  const button = page.getByRole("button", { name: "Download EPUB" });
  await expect(button).toBeVisible({ timeout: 15_000 });
  await tabTo(page, button);
  const coming = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await coming).suggestedFilename()).toBe(tempest.files[0]?.filename);
});
