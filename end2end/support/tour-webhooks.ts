// The desk's webhooks: none, some in every state, one that failed, and what it was told.

import { expect } from "@playwright/test";
import { tempest } from "./books";
import { buy } from "./buying";
import { change } from "./database";
import { openDesk } from "./desk";
import { Receiver } from "./receiver";
import type { Tour } from "./tour";

/** The desk: webhooks. */
export async function deskWebhooks({ page, store, anotherBrowser, look }: Tour): Promise<void> {
  const receiver = await Receiver.open();
  try {
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await desk.goto("/admin/webhooks");
    await look("desk no webhooks", desk);
    await desk.goto("/admin/webhooks?refused=private");
    await look("desk webhook refused", desk);
    const add = async (url: string, what: string): Promise<void> => {
      await desk.goto("/admin/webhooks");
      const form = desk.getByRole("region", { name: "Add an endpoint" });
      await form.getByLabel("Address").fill(url);
      await form.getByLabel("What it is for").fill(what);
      await form.getByRole("button", { name: "Add" }).click();
      await expect(desk.getByRole("status")).toContainText("The endpoint is there.");
    };
    await add(receiver.url, "Newsletter");
    await look("desk webhook new", desk);
    receiver.answer = [503, '{"error":"we are closed for an hour","id":"0123456789abcdef0123456789abcdef0123456789abcdef"}'];
    await buy(page, [tempest.slug]);
    const told = ["entitlement.granted", "invoice.created", "order.succeeded"];
    await expect(() => expect(receiver.types()).toEqual(expect.arrayContaining(told))).toPass();
    receiver.answer = [200, ""];
    await desk.getByRole("button", { name: "Send a test" }).click();
    await expect(() => expect(receiver.types()).toContain("webhook.test")).toPass();
    await expect(async () => {
      await desk.goto("/admin/webhooks/1");
      await expect(desk.getByText("Delivered", { exact: true }).first()).toBeVisible({ timeout: 500 });
    }).toPass();
    for (const step of ["Replace the secret …", "Switch off …", "Delete …"]) await desk.getByText(step).click();
    await look("desk webhook", desk);
    await desk.goto("/admin/webhooks/1/1");
    await look("desk webhook delivery", desk);
    await add(`${receiver.url}/with/a/very/long/path/${"0123456789abcdef".repeat(8)}`, "Bookkeeping, since the spring of last year");
    await add(`${receiver.url}?third`, "");
    change(store, "UPDATE webhook_endpoint SET state = 'disabled', reason = 'failing', failing_since = '2026-11-01 00:00:00' WHERE id = 2");
    change(store, "UPDATE webhook_endpoint SET state = 'disabled', reason = 'switched off' WHERE id = 3");
    await desk.goto("/admin/webhooks");
    await look("desk webhooks", desk);
    await desk.goto("/admin/webhooks/2");
    await look("desk webhook off", desk);
    await desk.goto("/admin/attention");
    await look("desk webhook needs attention", desk);
  } finally {
    await receiver.close();
  }
}
