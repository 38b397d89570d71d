// The desk's orders, buyers and what needs attention, in the states that a reader and her bank bring them into.

import { expect } from "@playwright/test";
import { mobyDick, tempest } from "./books";
import { buy, orderNumber } from "./buying";
import { change } from "./database";
import { openDesk } from "./desk";
import type { Store } from "./store";
import type { Tour } from "./tour";

/** What Stripe has refused: a payment of another amount than was asked for, a refund, a cart. */
export function trouble(store: Store): void {
  change(
    store,
    `INSERT INTO checkout (idem_key, cart_snapshot, snapshot_hash, subtotal, currency, stripe_session, browser_hash, state, last_error, created_at, expires_at, updated_at)
     SELECT idem_key || '-2', cart_snapshot, snapshot_hash || '-2', subtotal, currency, 'cs_test_another_amount', browser_hash || '-2', 'quarantined',
            'Stripe took 1.00 USD', created_at, expires_at, updated_at FROM checkout LIMIT 1`,
  );
  change(
    store,
    `INSERT INTO refund (idem_key, stripe_id, order_id, amount, tax, currency, status, reason, failure_reason, created_at, updated_at)
     SELECT 'refund-1', 're_failed', id, 100, 0, currency, 'failed', 'requested_by_customer', 'lost_or_stolen_card', datetime('now'), datetime('now')
     FROM orders LIMIT 1`,
  );
  change(
    store,
    `INSERT INTO refused_title (book_id, cause, times, first_at, last_at)
     SELECT id, 'Your account cannot currently make live charges.', 3, datetime('now', '-2 days'), datetime('now') FROM book LIMIT 1`,
  );
}

/** The desk: orders, buyers, attention. */
export async function deskOrders({ page, store, anotherBrowser, look }: Tour): Promise<void> {
  const desk = await (await anotherBrowser()).newPage();
  await desk.goto(store.url);
  await openDesk(desk);
  await look("desk first steps", desk);
  await desk.goto("/admin/orders");
  await look("desk no orders", desk);
  await desk.goto("/admin/orders/not-fetched");
  await look("desk nothing that was not fetched", desk);
  await desk.goto("/admin/attention");
  await look("desk nothing needs attention", desk);
  await buy(page, [tempest.slug, mobyDick.slug]);
  const number = await orderNumber(page);
  await desk.goto("/admin/orders");
  await expect(desk.getByRole("link", { name: number })).toBeVisible();
  await look("desk orders", desk);
  await desk.goto("/admin/orders?refused=nobody&books=the");
  await look("desk orders of which book", desk);
  await desk.goto(`/admin/orders/${number}`);
  for (const step of ["All of it", "One title", "An amount"]) await desk.getByText(new RegExp(`^${step}.* …$`)).click();
  await look("desk order", desk);
  change(store, "UPDATE outbox SET state = 'bounced', sent_at = datetime('now'), error = 'no such mailbox' WHERE kind = 'receipt'");
  change(
    store,
    `INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, evidence_due_by, created_at, updated_at)
     SELECT 'du_1', id, amount_total, currency, 'needs_response', 'fraudulent', datetime('now', '+7 days'), datetime('now'), datetime('now')
     FROM orders LIMIT 1`,
  );
  await desk.goto(`/admin/orders/${number}?refused=too-much`);
  await look("desk order in trouble", desk);
  await desk.goto(`/admin/buyers`);
  await look("desk buyers", desk);
  await desk.goto(`/admin/buyers/${number}`);
  await desk.getByText("Erase this buyer …").click();
  await look("desk buyer", desk);
  trouble(store);
  await desk.goto("/admin/attention");
  await expect(desk.getByText("no such mailbox")).toBeVisible();
  await desk.getByText("Settled elsewhere …").click();
  await look("desk attention", desk);
  await desk.goto("/admin/orders/not-fetched");
  await expect(desk.getByText("Came back").first()).toBeVisible();
  await look("desk not fetched", desk);
  await desk.goto("/admin/health");
  await look("desk health", desk);
  await desk.goto(`/admin/orders/new?titles=${tempest.slug}&q=the`);
  await look("desk gift", desk);
}
