// Stripe is down, slow, or of another opinion.

import { tempest } from "../support/books";
import { addToCart, cards, checkOut, expectInCart, line, payWith, sessionId } from "../support/buying";
import { change, count } from "../support/database";
import { expireSession, fault, noFaults } from "../support/stripe";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

test("Stripe is down: a page says so and keeps the cart; later it works", async ({ page, store, guard }) => {
  guard.allow(/status of 503/);
  await addToCart(page, tempest.slug);
  await page.goto("/cart");
  await store.stopSandbox();
  const answer = page.waitForResponse(/\/actions\/start-checkout$/);
  await page.getByRole("button", { name: "Checkout" }).click();
  expect((await answer).status()).toBe(503);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payments are resting");
  await expect(page.getByText("Nothing was charged and your cart is safe.")).toBeVisible();
  await page.getByRole("link", { name: "Back to your cart" }).click();
  await expect(line(page, tempest.title)).toBeVisible();
  await expectInCart(page, 1);

  await store.startSandbox();
  await checkOut(page);
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
  expect(count(store, "orders")).toBe(1);
});

for (const [what, trouble] of [
  ["answers with an error of its own", { kind: "status", status: 500 }],
  ["loses its answer", { kind: "lost_answer" }],
] as const) {
  test(`Stripe ${what}: 503, and the next try works`, async ({ page, store, guard }) => {
    guard.allow(/status of 503/);
    await addToCart(page, tempest.slug);
    await page.goto("/cart");
    await fault(store, { ...trouble, method: "POST", path: "/v1/checkout/sessions" });
    await page.getByRole("button", { name: "Checkout" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payments are resting");
    await checkOut(page);
    await payWith(page, cards.good);
    await page.waitForURL(/\/checkout\/success\?/);
    await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
    expect(count(store, "orders")).toBe(1);
    await store.octavo("doctor");
  });
}

test("Stripe's word is late: the page waits and then shows the downloads by itself", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  await fault(store, { kind: "delay", millis: 5_000, method: "GET", path: "/v1/checkout/sessions", times: 100 });
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payment received, preparing your books");
  await expect(page.getByText("The page refreshes by itself.")).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await noFaults(store);
  await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
});

test("Stripe is down after the payment: the page waits until it is back", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  await fault(store, { kind: "status", status: 500, method: "GET", path: "/v1/", times: 1_000 });
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Payment received, preparing your books");
  await noFaults(store);
  await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
  expect(count(store, "orders")).toBe(1);
});

test("a checkout that ran out says so and keeps the cart", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  const session = sessionId(page);
  await expireSession(store, session);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This checkout has expired");
  await page.goto(`/checkout/success?session_id=${session}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This checkout ran out");
  await expectInCart(page, 1);
  // A new one begins.
  await checkOut(page);
  expect(sessionId(page)).not.toBe(session);
});

test("an amount that is not ours opens nothing and says that a person will look", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  change(store, "UPDATE checkout SET subtotal = subtotal + 100");
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("We are looking at your payment");
  await expect(page.getByRole("button", { name: /^Download/ })).toHaveCount(0);
  // Nobody is invited to pay again.
  await expect(page.getByRole("main").getByRole("link", { name: /cart/i })).toHaveCount(0);
  await expectInCart(page, 0);
  expect(count(store, "orders")).toBe(0);
});
