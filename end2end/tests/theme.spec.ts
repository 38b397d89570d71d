// Light, dark, or as the device is.

import type { Page } from "@playwright/test";
import { islands } from "../support/buying";
import { expect, test } from "../support/test";

const background = (page: Page): Promise<string> =>
  page.locator("html").evaluate((html) => getComputedStyle(html).backgroundColor);

test("the theme is switched, kept in a cookie, and never flashes", async ({ page, context, axe }) => {
  const html = page.locator("html");
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/");
  await islands(page);
  await expect(html).toHaveAttribute("data-theme", "auto");
  await expect(button("Theme of the device")).toHaveAttribute("aria-pressed", "true");
  const light = await background(page);
  expect(await context.cookies()).toEqual([]);

  await button("Dark theme").click();
  await expect(html).toHaveAttribute("data-theme", "dark");
  await expect(button("Dark theme")).toHaveAttribute("aria-pressed", "true");
  await expect(button("Theme of the device")).toHaveAttribute("aria-pressed", "false");
  await expect(page).toHaveURL("/");
  const dark = await background(page);
  expect(dark).not.toBe(light);
  await expect
    .poll(async () => (await context.cookies()).map(({ name, value }) => `${name}=${value}`))
    .toEqual(["theme=dark"]);
  const [cookie] = await context.cookies();
  expect((cookie?.expires ?? 0) - Date.now() / 1000).toBeGreaterThan(364 * 86_400);
  expect(cookie?.sameSite).toBe("Lax");

  // The next page is dark in its first byte, before any style or script.
  const answer = await page.goto("/books/hamlet");
  expect(await answer?.text()).toMatch(/<html[^>]*data-theme="dark"/);
  expect(await background(page)).toBe(dark);
  await axe();

  await islands(page);
  await button("Light theme").click();
  await expect(html).toHaveAttribute("data-theme", "light");
  await expect(page).toHaveURL("/books/hamlet");
  await expect.poll(async () => (await context.cookies())[0]?.value).toBe("light");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/");
  expect(await background(page)).toBe(light);
  await axe();

  // As the device: follows it.
  await page.emulateMedia({ colorScheme: "dark" });
  await islands(page);
  await button("Theme of the device").click();
  await expect(html).toHaveAttribute("data-theme", "auto");
  expect(await background(page)).toBe(dark);
});
