// The desk's orders: what a reader bought, and what somebody at the desk does about it.

import { mobyDick, tempest } from "../support/books";
import { buy, orderNumber } from "../support/buying";
import { change, value } from "../support/database";
import { openDesk } from "../support/desk";
import { expect, test } from "../support/test";
import { trouble } from "../support/tour-orders";

test("an order is found by address, and its story told; what the desk does is on it", async ({ page, store, anotherBrowser, axe }) => {
  const email = await buy(page, [tempest.slug, mobyDick.slug]);
  const number = await orderNumber(page);
  const desk = await (await anotherBrowser()).newPage();
  await desk.goto(store.url);
  await openDesk(desk);
  await desk.getByRole("link", { name: "Orders", exact: true }).click();
  await desk.getByLabel("Order number or e-mail").fill(email.toUpperCase());
  await desk.getByRole("button", { name: "Search" }).click();
  await expect(desk).toHaveURL(/\/admin\/orders\?of=[2-9A-Z]{10}$/);
  await expect(desk.getByRole("row").filter({ hasText: number })).toContainText("Paid");
  await axe(desk);
  await desk.getByRole("link", { name: number }).click();
  await expect(desk.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  const story = desk.getByRole("region", { name: "What happened" });
  for (const what of ["Checkout begun", "Order placed", "Paid; the titles are open"]) {
    await expect(story.getByText(what, { exact: true })).toBeVisible();
  }
  await axe(desk);

  const note = desk.getByRole("region", { name: "Note" });
  await note.getByLabel("For whoever looks here next").fill("She reads on paper.");
  await note.getByRole("button", { name: "Write down" }).click();
  await expect(desk.getByRole("status")).toHaveText("The note is written down.");
  await expect(story.getByText("She reads on paper.")).toBeVisible();

  const titles = desk.getByRole("region", { name: "Titles" });
  const first = titles.getByRole("listitem").filter({ hasText: tempest.title });
  await first.getByText("Take back …").click();
  await first.getByRole("button", { name: "Take back", exact: true }).click();
  await expect(first.getByText("Taken back by the desk")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: /^Download / })).toHaveCount(mobyDick.files.length);
  await first.getByRole("button", { name: `Give ${tempest.title} back` }).click();
  await expect(first.getByText("3 of 3 downloads left")).toBeVisible();

  const refund = desk.getByRole("region", { name: "Refund" });
  await refund.getByText("An amount …").click();
  await refund.getByLabel(/^Amount, at most/).fill("1.00");
  await refund.getByRole("button", { name: "Refund the amount" }).click();
  await expect(desk.getByRole("status")).toHaveText("The refund is on its way, and the buyer is told.");
  await expect(story.getByText("Refund of $1.00")).toBeVisible();
  expect(value(store, "SELECT count(*) FROM refund")).toBe(1);

  await desk.getByRole("link", { name: email }).click();
  await expect(desk.getByRole("heading", { level: 1 })).toHaveText(email);
  await expect(desk).toHaveURL(`${store.url}/admin/buyers/${number}`);
  await axe(desk);
});

test.describe("in a store of its own", () => {
  test.use({ storeFor: "test" });

  test("a new store says what to do first, and books are given away", async ({ page, axe }) => {
    await openDesk(page);
    const steps = page.getByRole("region", { name: "First steps" });
    await expect(steps.getByRole("listitem")).toHaveCount(5);
    await axe();
    await steps.getByRole("link", { name: "give yourself a book" }).click();
    await page.getByLabel("Title or slug").fill(tempest.title.slice(0, 6));
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: `Add ${tempest.title}` }).click();
    await axe();
    await page.getByLabel("Email").fill("reader@example.org");
    await page.getByRole("button", { name: "Give away" }).click();
    await expect(page.getByRole("status")).toContainText("The titles are given away");
    await expect(page.getByText("Given away", { exact: true }).first()).toBeVisible();
  });

  test("what failed is counted on every page and put right from its own", async ({ page, store, axe }) => {
    await openDesk(page);
    await page.getByRole("link", { name: "Needs attention" }).click();
    await expect(page.getByText("Nothing needs you")).toBeVisible();
    await axe();
    const key = "11111111-1111-4111-8111-111111111111";
    change(
      store,
      `INSERT INTO stripe_event (id, type, object_id, created, livemode, body, state, attempts, received_at, next_at, error)
       VALUES ('evt_${key}', 'payment_intent.created', 'pi_1', datetime('now'), 0, '{}', 'dead', 12, datetime('now'), datetime('now'), 'it failed')`,
    );
    await page.goto("/admin");
    await expect(page.getByRole("link", { name: "Needs attention 1" })).toBeVisible();
    await page.getByRole("link", { name: "Needs attention 1" }).click();
    await axe();
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByRole("status")).toHaveText("The event is worked on within seconds.");
    await page.goto("/admin/health");
    await expect(page.getByRole("row", { name: /^Webhook/ })).toContainText("Last event");
    await axe();
  });

  test("what nothing else can end is taken off the list with a button", async ({ page, store, anotherBrowser, axe }) => {
    await buy(page, [tempest.slug]);
    const number = await orderNumber(page);
    trouble(store);
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await desk.getByRole("link", { name: "Needs attention 3" }).click();
    const part = (name: string) => desk.getByRole("region", { name });
    await part("Payments under review").getByRole("button", { name: "Reviewed" }).click();
    await expect(part("Payments that were reviewed")).toContainText("cs_test_another_amount");
    await part("Refunds that failed").getByText("Settled elsewhere …").click();
    await axe(desk);
    await part("Refunds that failed").getByLabel("How the buyer has the money").fill("by bank transfer");
    await part("Refunds that failed").getByRole("button", { name: "Settled elsewhere" }).click();
    await expect(desk.getByRole("link", { name: "Needs attention 1" })).toBeVisible();
    await desk.getByRole("button", { name: "I have seen to it" }).click();
    await expect(desk.getByText("Nothing needs you")).toBeVisible();
    await desk.goto(`/admin/orders/${number}`);
    await expect(desk.getByText("by bank transfer")).toBeVisible();
  });

  test("a buyer is forgotten after the address is typed", async ({ page, store, anotherBrowser, axe, guard }) => {
    guard.allow(/status of 404/);
    const email = await buy(page, [tempest.slug]);
    const number = await orderNumber(page);
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await desk.getByRole("link", { name: "Buyers" }).click();
    await axe(desk);
    await desk.getByLabel(/^E-mail/).fill(email);
    await desk.getByRole("button", { name: "Find" }).click();
    await expect(desk).toHaveURL(`${store.url}/admin/buyers/${number}`);
    const forget = desk.getByRole("region", { name: "Forget" });
    await forget.getByText("Erase this buyer …").click();
    await forget.getByLabel("Type the address to confirm").fill("somebody@example.org");
    await forget.getByRole("button", { name: "Erase for good" }).click();
    await expect(desk.getByRole("alert")).toHaveText("What was typed is not this buyer's address. Nothing was erased.");
    await forget.getByText("Erase this buyer …").click();
    await forget.getByLabel("Type the address to confirm").fill(email);
    await forget.getByRole("button", { name: "Erase for good" }).click();
    await expect(desk.getByRole("status")).toContainText("The buyer is erased.");
    await desk.goto(`/admin/buyers/${number}`);
    await expect(desk.getByRole("heading", { level: 1 })).toHaveText("This page is not here");
  });
});
