// Away from Stripe's page without paying.

import { mobyDick, tempest } from "../support/books";
import { addToCart, cards, checkOut, expectInCart, line, payWith } from "../support/buying";
import { expect, test } from "../support/test";

test("cancelling charges nothing and keeps the cart, which can be paid afterwards", async ({ page }) => {
  await addToCart(page, tempest.slug);
  await addToCart(page, mobyDick.slug);
  await checkOut(page);
  await page.getByRole("link", { name: /^← Back to |^Back to / }).click();
  await expect(page).toHaveURL("/checkout/cancel");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payment cancelled");
  await expect(page.getByText("Nothing was charged. Your cart still has all its books.")).toBeVisible();
  await expectInCart(page, 2);

  await page.getByRole("link", { name: "Back to your cart" }).click();
  await expect(line(page, tempest.title)).toBeVisible();
  await expect(line(page, mobyDick.title)).toBeVisible();
  await checkOut(page);
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("button", { name: /^Download / })).toHaveCount(3, { timeout: 15_000 });
  await page.goto("/");
  await expectInCart(page, 0);
});

test("coming back unpaid to the success page offers the way on", async ({ page, store, anotherBrowser }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  const payment = page.url();
  const session = /cs_\w+/.exec(payment)?.[0] ?? "";
  await page.goto(`/checkout/success?session_id=${session}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The payment is not finished");
  await expectInCart(page, 1);
  await page.getByRole("link", { name: "Continue to payment" }).click();
  expect(page.url()).toBe(payment);

  // Somebody else learns nothing that leads to the payment.
  const stranger = await (await anotherBrowser()).newPage();
  await stranger.goto(`${store.url}/checkout/success?session_id=${session}`);
  await expect(stranger.getByRole("heading", { level: 1 })).toHaveText("The payment is not finished");
  await expect(stranger.getByRole("link", { name: "Continue to payment" })).toHaveCount(0);
});

test("pressing Checkout twice leads to the same payment", async ({ page }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  const payment = page.url();
  await checkOut(page);
  expect(page.url()).toBe(payment);
});
