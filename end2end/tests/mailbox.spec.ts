// A demo's mailbox: the receipt is there, and its link opens the order.

import type { Page } from "@playwright/test";
import { axeWithoutJavaScript } from "../support/axe";
import { dollars, mobyDick, tempest } from "../support/books";
import { buy, line, orderNumber, scripted } from "../support/buying";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

// Nothing runs in a mail: not what Playwright puts into every frame either, of which Chromium tells.
test.beforeEach(({ guard }) => guard.allow(/Blocked script execution in '[^']*\/html' because .* sandboxed/));

/** Waits in the list until a mail of this subject is there, as the worker sends it when it comes by; gives its link. */
async function comes(page: Page, subject: RegExp): Promise<ReturnType<Page["getByRole"]>> {
  const mail = page.getByRole("link", { name: subject });
  await expect(async () => {
    await page.reload();
    await expect(mail).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 15_000 });
  return mail;
}

/** Presses the button of the order's page. Without scripts the link's code, which no server sees, is typed in first. */
async function openOrder(page: Page, link: string): Promise<void> {
  if (!scripted()) await page.getByLabel("Code from the mail").fill(new URL(link).hash.slice(1));
  await page.getByRole("button", { name: "Show my books" }).click();
}

test("a purchase's receipt comes, and its link opens the order for whoever reads it", async ({
  page,
  store,
  axe,
  anotherBrowser,
}) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Its mailbox" }).click();
  await expect(page.getByText(/^Nothing yet\./)).toBeVisible();
  await axe();
  const email = await buy(page, [tempest.slug, mobyDick.slug]);
  const number = await orderNumber(page);

  // Who reads the mail need not have the browser that paid.
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(`${store.url}/demo/mailbox`);
  const subject = new RegExp(`^Your books and your receipt from .* \\(order ${number}\\)$`);
  const mail = await comes(reader, subject);
  await expect(reader.getByText(`To ${email}, `)).toBeVisible();
  await axe(reader);
  await mail.click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText(subject);
  await axe(reader);

  const frame = reader.frameLocator('iframe[title="The mail"]');
  for (const words of ["Thank you", tempest.title, mobyDick.title, dollars(tempest.price + mobyDick.price), number]) {
    await expect(frame.getByText(words).filter({ visible: true }).first()).toBeVisible();
  }
  // It is a page of its own in a mail program, and must hold there too.
  const alone = await reader.context().newPage();
  await alone.goto(`${store.url}${(await reader.locator("iframe").getAttribute("src")) ?? ""}`);
  await axeWithoutJavaScript(alone, "wcag");
  await alone.close();
  // Its plain text says the same.
  await reader.getByText("The same as plain text").click();
  await expect(reader.locator("pre")).toContainText(tempest.title);

  // The link leads the whole window away, out of the frame.
  const button = frame.getByRole("link", { name: "Open your books" });
  const link = (await button.getAttribute("href")) ?? "";
  await button.click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await openOrder(reader, link);
  await expect(line(reader, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
  await expect(line(reader, mobyDick.title)).toBeVisible();
});

test("the link in a mail's plain text opens the order too", async ({ page, store, anotherBrowser }) => {
  await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(`${store.url}/demo/mailbox`);
  await (await comes(reader, new RegExp(`order ${number}`))).click();
  await reader.getByText("The same as plain text").click();
  const link = (await store.octavo("order-link", number)).trim();
  await reader.getByRole("link", { name: link }).click();
  await openOrder(reader, link);
  await expect(line(reader, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
});

test("a mail that is not there is a page that says so", async ({ page, guard }) => {
  guard.allow(/status of 404/);
  expect((await page.goto("/demo/mailbox/00000000-0000-0000-0000-000000000000"))?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page is not here");
});
