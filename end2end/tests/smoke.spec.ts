// The shortest walk through the whole store: it opens, a book can be found,
// put into the cart, taken out again, and bought.

import type { Page } from "@playwright/test";
import { addToCart, buy, expectInCart } from "../support/buying";
import { expect, test } from "../support/test";

/** Any book of the catalogue. */
const BOOKS = 'a[href^="/books/"]';

test("the catalogue shows the demo books", async ({ page, axe }) => {
  const answer = await page.goto("/");
  expect(answer?.status()).toBe(200);
  await expect(page).toHaveTitle(/\S/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  const slugs = await page.locator(BOOKS).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(new Set(slugs).size).toBeGreaterThanOrEqual(8);
  await expectInCart(page, 0);
  await axe();
});

test("a book goes into the cart and out again", async ({ page, axe }) => {
  const slug = await firstBook(page);
  await addToCart(page, slug);
  await axe();
  await page.goto("/cart");
  await axe();
  await page.getByRole("button", { name: /^Remove/ }).click();
  await expectInCart(page, 0);
});

test("a book is bought and its files are there", async ({ page, axe }) => {
  const slug = await firstBook(page);
  await buy(page, [slug]);
  await axe();
  await page.goto("/");
  await expectInCart(page, 0);
});

test("an address that leads nowhere says so", async ({ page, guard, axe }) => {
  guard.allow(/status of 404/);
  const answer = await page.goto("/books/no-such-book");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await axe();
});

test("the store says that it is well", async ({ request }) => {
  expect((await request.get("/healthz")).status()).toBe(200);
  expect((await request.get("/readyz")).status()).toBe(200);
});

async function firstBook(page: Page): Promise<string> {
  await page.goto("/");
  const href = await page.locator(BOOKS).first().getAttribute("href");
  expect(href).not.toBeNull();
  return (href ?? "").replace("/books/", "");
}
