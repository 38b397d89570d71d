// What arrives at the webhook's door.

import { tempest } from "../support/books";
import { addToCart, buy, checkOut, sessionId } from "../support/buying";
import { count, value } from "../support/database";
import { completion, deliverAgain, postWebhook, signature } from "../support/stripe";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

test("a forged webhook is refused and changes nothing", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  const body = JSON.stringify({
    id: "evt_forged0000000000",
    object: "event",
    api_version: "2025-01-01",
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    type: "checkout.session.completed",
    data: { object: { id: sessionId(page), object: "checkout.session", status: "complete", payment_status: "paid" } },
  });
  const now = Math.floor(Date.now() / 1000);
  for (const [what, header] of [
    ["another secret", signature(body, "whsec_not_ours_0123456789abcdef")],
    ["another body", signature(`${body} `, store.webhookSecret)],
    ["ten minutes ago", signature(body, store.webhookSecret, now - 600)],
    ["in ten minutes", signature(body, store.webhookSecret, now + 600)],
    ["nothing that reads", "t=,v1="],
    ["no header", undefined],
  ] as const) {
    expect(await postWebhook(store, body, header), what).toBe(400);
  }
  expect(value(store, "SELECT count(*) FROM stripe_event WHERE id = 'evt_forged0000000000'")).toBe(0);
  expect(count(store, "orders")).toBe(0);

  // Even Stripe's own signature makes an unpaid session no paid one: the body is a hint, Stripe is asked.
  expect(await postWebhook(store, body, signature(body, store.webhookSecret))).toBe(200);
  const tried = "SELECT attempts FROM stripe_event WHERE id = 'evt_forged0000000000' AND state <> 'leased'";
  await expect.poll(() => Number(value(store, tried)), { timeout: 10_000 }).toBeGreaterThan(0);
  expect(count(store, "orders")).toBe(0);
  await page.goto(`/checkout/success?session_id=${sessionId(page)}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The payment is not finished");
});

test("a webhook that comes twice makes one order", async ({ page, store }) => {
  await addToCart(page, tempest.slug);
  await checkOut(page);
  const session = sessionId(page);
  await buy(page, []);
  const event = await completion(store, session);
  await expect.poll(() => value(store, "SELECT state FROM stripe_event WHERE id = ?", event.id)).toBe("done");
  const before = {
    orders: count(store, "orders"),
    tokens: count(store, "download_token"),
    outbox: count(store, "outbox"),
    invoices: count(store, "invoice"),
  };
  expect(before.orders).toBe(1);

  const body = JSON.stringify(event);
  expect(await postWebhook(store, body, signature(body, store.webhookSecret))).toBe(200);
  // The same news under another name.
  const again = JSON.stringify({ ...event, id: "evt_thesamenews00000" });
  expect(await postWebhook(store, again, signature(again, store.webhookSecret))).toBe(200);
  await deliverAgain(store, event.id);
  await expect
    .poll(() => value(store, "SELECT state FROM stripe_event WHERE id = 'evt_thesamenews00000'"), { timeout: 10_000 })
    .toBe("done");

  expect({
    orders: count(store, "orders"),
    tokens: count(store, "download_token"),
    outbox: count(store, "outbox"),
    invoices: count(store, "invoice"),
  }).toEqual(before);
  await store.octavo("doctor");
  await page.reload();
  await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible();
});
