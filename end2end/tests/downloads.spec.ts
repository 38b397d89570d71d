// Download tokens: used up, over, renewed, somebody else's.

import type { Page } from "@playwright/test";
import { mobyDick, tempest } from "../support/books";
import { buy, download, orderNumber, scripted } from "../support/buying";
import { ageEntitlements, expireDownloads } from "../support/database";
import { expect, test } from "../support/test";

/** The address of the one title's download page, by its button. */
async function tokenPage(page: Page): Promise<string> {
  const form = page.locator('form[action^="/d/"]').first();
  return ((await form.getAttribute("action")) ?? "").replace(/\/claim$/, "");
}

test("a token serves three times twice over, then is used up, and is renewed", async ({ page, guard }) => {
  guard.allow(/status of 404/);
  await buy(page, [mobyDick.slug]);
  const address = await tokenPage(page);
  await page.goto(address);
  const button = page.getByRole("button", { name: "Download EPUB" });
  for (let time = 1; time <= 6; time += 1) {
    expect((await download(page, button)).sha256, `download ${time}`).toBe(mobyDick.files[0]?.sha256);
  }
  await page.reload();
  await expect(page.getByText("All 3 downloads have been used.")).toBeVisible();
  await expect(button).toHaveCount(0);

  await page.getByRole("button", { name: "Renew" }).click();
  await expect(page.getByText("3 of 3 downloads left")).toBeVisible();
  expect(new URL(page.url()).pathname).not.toBe(address);
  expect((await download(page, button)).sha256).toBe(mobyDick.files[0]?.sha256);
  const renewed = page.url();

  // The old address is nothing any more.
  expect((await page.goto(address))?.status()).toBe(404);
  expect((await page.goto(renewed))?.status()).toBe(200);
});

test("a page that was open while the token was used up says so", async ({ page, context }) => {
  await buy(page, [mobyDick.slug]);
  const address = await tokenPage(page);
  await page.goto(address);
  const stale = await context.newPage();
  await stale.goto(address);
  for (let time = 1; time <= 6; time += 1) await download(page, page.getByRole("button", { name: "Download EPUB" }));
  await stale.getByRole("button", { name: "Download EPUB" }).click();
  await expect(stale.getByText("All 3 downloads have been used.")).toBeVisible();
  await expect(stale.getByRole("button", { name: "Renew" })).toBeVisible();
});

test("of a used-up token, what the last use still serves can be had", async ({ page }) => {
  await buy(page, [tempest.slug]);
  await page.goto(await tokenPage(page));
  for (let time = 1; time <= 6; time += 1) await download(page, page.getByRole("button", { name: "Download EPUB" }));
  await page.reload();
  await expect(page.getByRole("button", { name: "Download EPUB" })).toHaveCount(0);
  const pdf = await download(page, page.getByRole("button", { name: "Download PDF" }));
  expect(pdf.sha256).toBe(tempest.files.find((file) => file.format === "PDF")?.sha256);
});

test("a token that expired says so, and is renewed as long as the store allows", async ({ page, store }) => {
  await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const address = await tokenPage(page);
  await page.goto(address);
  expireDownloads(store, number);
  // Pressed on a page from before.
  await page.getByRole("button", { name: "Download EPUB" }).click();
  await expect(page.getByText("The time for this download is over.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Download/ })).toHaveCount(0);
  await page.goto(`/orders/${number}`);
  await expect(page.getByText("The time for this download is over.")).toBeVisible();

  await page.getByRole("button", { name: "Renew" }).click();
  await expect(page.getByText("3 of 3 downloads left")).toBeVisible();
  const pdf = await download(page, page.getByRole("button", { name: "Download PDF" }));
  expect(pdf.sha256).toBe(tempest.files.find((file) => file.format === "PDF")?.sha256);

  expireDownloads(store, number);
  ageEntitlements(store, number, 366);
  await page.reload();
  await expect(page.getByText("It cannot be renewed any more. Please write to the store.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Renew" })).toHaveCount(0);
});

test("another browser with the download address gets nothing; with the order's link everything", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const success = page.url();
  const address = await tokenPage(page);

  const stranger = await (await anotherBrowser()).newPage();
  await stranger.goto(success);
  await expect(stranger.getByRole("heading", { level: 1 })).toHaveText(`Payment received for order ${number}`);
  await expect(stranger.getByText(email)).toHaveCount(0);
  await expect(stranger.getByText(tempest.title)).toHaveCount(0);
  await expect(stranger.getByRole("button", { name: /^Download/ })).toHaveCount(0);

  await stranger.goto(`${store.url}${address}`);
  await expect(stranger.getByText(/^To download, open this page in the browser you paid with/)).toBeVisible();
  await expect(stranger.getByRole("button", { name: /^Download/ })).toHaveCount(0);
  await expect(stranger.getByText(number)).toHaveCount(0);
  const taken = await stranger.request.post(`${store.url}${address}/claim`, {
    form: { format: "epub" },
    headers: { accept: "text/html", origin: store.url },
  });
  expect(taken.url(), "to the library, not to the file").toBe(`${store.url}/library?next=${address}`);

  // A claim belongs to the browser that took it.
  const request = page.waitForRequest(/\/f\//);
  await download(page, page.getByRole("button", { name: "Download EPUB" }));
  const file = (await request).url();
  expect((await stranger.request.get(file)).status()).toBe(404);

  // What the receipt's mail will hold.
  const link = (await store.octavo("order-link", number)).trim();
  expect(link).toMatch(new RegExp(`^${store.url}/orders/${number}#[\\w-]{20,}$`));
  await stranger.goto(link);
  await expect(stranger.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await expect(stranger.getByText(tempest.title)).toHaveCount(0);
  if (scripted()) {
    // The code has moved from the address into the form.
    await expect(stranger).toHaveURL(`${store.url}/orders/${number}`);
  } else {
    await stranger.getByLabel("Code from the mail").fill(link.split("#")[1] ?? "");
  }
  await stranger.getByRole("button", { name: "Show my books" }).click();
  const pdf = await download(stranger, stranger.getByRole("button", { name: "Download PDF" }));
  expect(pdf.sha256).toBe(tempest.files.find((one) => one.format === "PDF")?.sha256);
});

test("a wrong code opens nothing", async ({ page, store, anotherBrowser }) => {
  await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const stranger = await (await anotherBrowser()).newPage();
  await stranger.goto(`${store.url}/orders/${number}`);
  await stranger.getByLabel("Code from the mail").fill("not the code");
  await stranger.getByRole("button", { name: "Show my books" }).click();
  await expect(stranger.getByRole("alert")).toHaveText(
    "The code is wrong or too old, or it belongs to another browser.",
  );
  await expect(stranger.getByText(tempest.title)).toHaveCount(0);
});
