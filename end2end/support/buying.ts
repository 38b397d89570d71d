// What a reader does, in words of the flow. Everything is found by role and
// name, as a person would.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test, type Locator, type Page } from "@playwright/test";

/** Stripe's test cards. */
export const cards = {
  good: "4242 4242 4242 4242",
  declined: "4000 0000 0000 0002",
  insufficientFunds: "4000 0000 0000 9995",
  asksForAuthentication: "4000 0025 0000 3155",
} as const;

/** Who pays. */
export interface Payer {
  email?: string;
  name?: string;
  /** ISO 3166 code. */
  country?: string;
  expiry?: string;
  cvc?: string;
}

let readers = 0;

/** An address that no other test uses. */
export function someReader(): string {
  readers += 1;
  return `reader-${process.pid}-${Date.now()}-${readers}@example.com`;
}

/** The link to the cart in the header; its name says how many titles are in it. */
export function cartLink(page: Page): Locator {
  return page.getByRole("link", { name: /^Cart, / });
}

/** Waits until the header says so many titles are in the cart. */
export async function expectInCart(page: Page, titles: number): Promise<void> {
  const name = titles === 0 ? "Cart, empty" : titles === 1 ? "Cart, 1 item" : `Cart, ${titles} items`;
  await expect(cartLink(page)).toHaveAccessibleName(name);
}

/** How many titles are in the cart, by the header. */
export async function inCart(page: Page): Promise<number> {
  const name = (await cartLink(page).getAttribute("aria-label")) ?? "";
  return Number(/\d+/.exec(name)?.[0] ?? "0");
}

/** Whether this project's pages run scripts. */
export function scripted(): boolean {
  return test.info().project.use.javaScriptEnabled !== false;
}

/**
 * Waits until the islands of the page live, where there are scripts: so that
 * each project walks its own way, and not by chance the other one's.
 */
export async function islands(page: Page): Promise<void> {
  if (scripted()) await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
}

/** Puts a book into the cart from its page; without scripts that ends in the cart. */
export async function addToCart(page: Page, slug: string): Promise<void> {
  await page.goto(`/books/${slug}`);
  await islands(page);
  const before = await inCart(page);
  await page.getByRole("button", { name: "Add to cart" }).click();
  // The count runs ahead of the server; what is said does not.
  if (scripted()) await expect(page.getByRole("status")).toHaveText("Added to cart");
  else await expect(page).toHaveURL("/cart");
  await expectInCart(page, before + 1);
}

/** From wherever to Stripe's payment page. */
export async function checkOut(page: Page): Promise<void> {
  await page.goto("/cart");
  await page.getByRole("button", { name: "Checkout" }).click();
  await expect(payButton(page)).toBeVisible();
}

/** The button on the payment page. */
export function payButton(page: Page): Locator {
  return page.getByRole("button", { name: /^(Pay\b|Complete order$)/ });
}

/** Fills in the payment page and presses "Pay …"; what comes then is up to the card. */
export async function payWith(page: Page, card: string, payer: Payer = {}): Promise<void> {
  const field = (label: string): Locator => page.getByLabel(label, { exact: true });
  // The store may have said who pays; then the address stands there for good.
  if (await field("Email").isEditable()) await field("Email").fill(payer.email ?? someReader());
  await field("Card number").fill(card);
  await field("Expiry").fill(payer.expiry ?? "12 / 34");
  await field("CVC").fill(payer.cvc ?? "123");
  await field("Name").fill(payer.name ?? "Ada Reader");
  await field("Country").selectOption(payer.country ?? "DE");
  await payButton(page).click();
}

/**
 * Buys the books and ends on the success page, with the downloads there.
 * Returns the address that was paid with.
 */
export async function buy(page: Page, slugs: string[], payer: Payer = {}): Promise<string> {
  const email = payer.email ?? someReader();
  for (const slug of slugs) await addToCart(page, slug);
  await checkOut(page);
  await payWith(page, cards.good, { ...payer, email });
  await page.waitForURL(/\/checkout\/success\?/);
  // The page waits for Stripe's word and then shows the files by itself.
  await expect(page.getByRole("button", { name: /^Download / }).first()).toBeVisible({ timeout: 15_000 });
  return email;
}

/** The number of the order that the page shows. */
export async function orderNumber(page: Page): Promise<string> {
  const number = page.getByRole("definition").filter({ hasText: /^[2-9A-Z]{5}-[2-9A-Z]{5}$/ });
  return (await number.textContent()) ?? "";
}

/** A title's line in the cart or in an order. */
export function line(page: Page, title: string): Locator {
  return page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
}

/** The session that the payment page is about. */
export function sessionId(page: Page): string {
  const id = /\/c\/pay\/(cs_[A-Za-z0-9_]+)/.exec(page.url())?.[1];
  if (id === undefined) throw new Error(`${page.url()} is no payment page`);
  return id;
}

/** A file as it arrived. */
export interface Downloaded {
  filename: string;
  bytes: number;
  sha256: string;
}

/** Clicks, and takes the file that comes. */
export async function download(page: Page, button: Locator): Promise<Downloaded> {
  const coming = page.waitForEvent("download");
  await button.click();
  const file = await coming;
  const content = readFileSync(await file.path());
  return {
    filename: file.suggestedFilename(),
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}
