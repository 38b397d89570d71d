// Webhooks: an owner adds an endpoint, a reader buys, and the program is told; what fails is seen and sent again.

import type { Page } from "@playwright/test";
import { tempest } from "../support/books";
import { buy, orderNumber } from "../support/buying";
import { openDesk } from "../support/desk";
import { isSigned, Receiver } from "../support/receiver";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

const settings = (tab: Page) => tab.getByRole("region", { name: "Settings" });

test("a program is told of an order, and what it missed is sent again", async ({ page, store, anotherBrowser, axe }) => {
  const receiver = await Receiver.open();
  try {
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await desk.getByRole("link", { name: "Webhooks" }).click();
    await expect(desk.getByText("No program is told what happens here.")).toBeVisible();
    await axe(desk);
    const add = desk.getByRole("region", { name: "Add an endpoint" });
    await add.getByLabel("Address").fill("http://169.254.169.254/latest");
    await add.getByRole("button", { name: "Add" }).click();
    await expect(desk.getByRole("alert")).toContainText("a network that is not public");
    await add.getByLabel("Address").fill(receiver.url);
    await add.getByLabel("What it is for").fill("Newsletter");
    await add.getByRole("checkbox", { name: /download\.renewed/ }).uncheck();
    await add.getByRole("button", { name: "Add" }).click();
    await expect(desk.getByRole("status")).toContainText("The endpoint is there.");
    const secret = (await desk.getByRole("region", { name: "The signing secret" }).getByRole("code").textContent()) ?? "";
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await axe(desk);

    receiver.answer = [500, "no room"];
    await buy(page, [tempest.slug]);
    const number = await orderNumber(page);
    await expect(() => expect(receiver.types().sort()).toEqual(["entitlement.granted", "invoice.created", "order.succeeded"])).toPass();
    expect(receiver.taken.every((taken) => isSigned(taken, secret) && taken.body.includes(number))).toBe(true);
    expect(receiver.taken.some((taken) => taken.body.includes("@"))).toBe(false);
    const row = desk.getByRole("row").filter({ hasText: "order.succeeded" });
    await expect(async () => {
      await desk.reload();
      await expect(row).toContainText("tried again later", { timeout: 500 });
    }).toPass();
    await row.getByRole("link", { name: "order.succeeded" }).click();
    await expect(desk.getByRole("region", { name: "What came back" })).toContainText("no room");
    await axe(desk);

    receiver.answer = [200, ""];
    await desk.getByRole("button", { name: "Send now" }).click();
    await expect(desk.getByRole("status")).toContainText("It goes out within seconds.");
    await expect(async () => {
      await desk.reload();
      await expect(desk.getByText("Delivered", { exact: true })).toBeVisible({ timeout: 500 });
    }).toPass();
    const ids = receiver.taken.filter(({ body }) => body.includes('"order.succeeded"')).map(({ headers }) => headers["webhook-id"]);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(1);
  } finally {
    await receiver.close();
  }
});

test("of two tabs the second is told, and keeps what was typed in it", async ({ page, context, store, axe }) => {
  const receiver = await Receiver.open();
  try {
    await openDesk(page);
    await page.goto("/admin/webhooks");
    const add = page.getByRole("region", { name: "Add an endpoint" });
    await add.getByLabel("Address").fill(receiver.url);
    await add.getByRole("button", { name: "Add" }).click();
    await expect(page.getByRole("status")).toContainText("The endpoint is there.");
    const second = await context.newPage();
    await second.goto(`${store.url}${new URL(page.url()).pathname}`);
    const [first, other] = [settings(page), settings(second)];
    await first.getByLabel("What it is for").fill("Newsletter");
    await first.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status")).toHaveText("Saved.");
    await other.getByLabel("What it is for").fill("Accounts");
    await other.getByRole("button", { name: "Save" }).click();
    await expect(second.getByRole("alert")).toContainText("Somebody has saved these settings since you opened the form");
    await expect(other.getByLabel("What it is for")).toHaveValue("Accounts");
    await expect(second.getByRole("row", { name: /What it is for/ })).toContainText("Newsletter");
    await axe(second);
    await other.getByRole("button", { name: "Save" }).click();
    await expect(second.getByRole("status")).toHaveText("Saved.");
    await expect(other.getByLabel("What it is for")).toHaveValue("Accounts");
  } finally {
    await receiver.close();
  }
});

test("the secret is replaced, the endpoint switched off and deleted", async ({ page, axe }) => {
  const receiver = await Receiver.open();
  try {
    await openDesk(page);
    await page.goto("/admin/webhooks");
    const add = page.getByRole("region", { name: "Add an endpoint" });
    await add.getByLabel("Address").fill(receiver.url);
    await add.getByRole("button", { name: "Add" }).click();
    const shown = page.getByRole("region", { name: "The signing secret" }).getByRole("code");
    const old = (await shown.textContent()) ?? "";
    await page.getByText("Replace the secret …").click();
    await axe();
    await page.getByRole("button", { name: "Replace the secret" }).click();
    await expect(page.getByRole("status")).toContainText("The secret is replaced.");
    const secret = (await shown.textContent()) ?? "";
    expect(secret).not.toBe(old);
    await page.getByRole("button", { name: "Send a test" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("webhook.test");
    await expect(() => expect(receiver.types()).toEqual(["webhook.test"])).toPass();
    const taken = receiver.taken[0];
    expect(taken !== undefined && isSigned(taken, secret) && isSigned(taken, old)).toBe(true);

    await page.getByRole("link", { name: receiver.url }).click();
    await page.getByText("Switch off …").click();
    await page.getByRole("button", { name: "Switch off" }).click();
    await expect(page.getByRole("status")).toContainText("The endpoint is switched off.");
    await axe();
    await page.getByRole("button", { name: "Switch on" }).click();
    await expect(page.getByRole("status")).toHaveText("The endpoint is switched on.");
    await page.getByText("Delete …").click();
    await page.getByRole("button", { name: "Delete the endpoint" }).click();
    await expect(page.getByRole("status")).toHaveText("The endpoint is deleted.");
    await expect(page.getByText("No program is told what happens here.")).toBeVisible();
  } finally {
    await receiver.close();
  }
});
