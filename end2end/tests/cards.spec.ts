// Cards that do not pay at once (https://docs.stripe.com/testing).

import { tempest } from "../support/books";
import { addToCart, cards, checkOut, expectInCart, payButton, payWith, someReader } from "../support/buying";
import { count } from "../support/database";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

for (const [what, card, sentence] of [
  ["is declined", cards.declined, "Your card was declined."],
  ["lacks funds", cards.insufficientFunds, "Your card has insufficient funds."],
] as const) {
  test(`a card that ${what} says so and keeps the form; another card pays`, async ({ page, store }) => {
    const email = someReader();
    await addToCart(page, tempest.slug);
    await checkOut(page);
    await payWith(page, card, { email, name: "Ann Reader", country: "FR" });
    await expect(page.getByRole("alert")).toContainText(sentence);
    await expect(page.getByLabel("Email", { exact: true })).toHaveValue(email);
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Ann Reader");
    await expect(page.getByLabel("Country", { exact: true })).toHaveValue("FR");
    expect(count(store, "orders")).toBe(0);

    await payWith(page, cards.good, { email });
    await page.waitForURL(/\/checkout\/success\?/);
    await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
    expect(count(store, "orders")).toBe(1);
    await page.goto("/");
    await expectInCart(page, 0);
    await store.octavo("doctor");
  });
}

test("a card that asks for authentication: failed, then completed", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  await payWith(page, cards.asksForAuthentication);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Confirm your payment");
  await page.getByRole("button", { name: "Fail authentication" }).click();
  await expect(page.getByRole("alert")).toContainText("We are unable to authenticate your payment method.");
  await expect(payButton(page)).toBeVisible();
  expect(count(store, "orders")).toBe(0);

  await payWith(page, cards.asksForAuthentication);
  await page.getByRole("button", { name: "Complete authentication" }).click();
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("button", { name: "Download PDF" })).toBeVisible({ timeout: 15_000 });
  expect(count(store, "orders")).toBe(1);
  await store.octavo("doctor");
});

test("a field that makes no sense is named, and nothing is tried", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  await payWith(page, "4242 4242 4242 4241", { expiry: "13 / 34", cvc: "12" });
  await expect(page.getByRole("alert")).toContainText("Please check the form.");
  await expect(page.getByLabel("Card number", { exact: true })).toHaveAccessibleDescription(/card number is incorrect/);
  await expect(page.getByLabel("Expiry", { exact: true })).toHaveAccessibleDescription(/expiration month is invalid/);
  await expect(page.getByLabel("CVC", { exact: true })).toHaveAccessibleDescription(/security code is incomplete/);
  expect(count(store, "orders")).toBe(0);
});
