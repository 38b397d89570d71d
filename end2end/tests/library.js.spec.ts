// What scripts add to opening a library.

import type { BrowserContext, Page } from "@playwright/test";
import { tempest } from "../support/books";
import { buy, islands } from "../support/buying";
import { askForLibrary, readMail } from "../support/library";
import type { Store } from "../support/store";
import { expect, test } from "../support/test";

/** Buys, asks for the library, and follows the mail's link in a browser that has not asked for it. */
async function linkFollowedElsewhere(
  page: Page,
  store: Store,
  anotherBrowser: () => Promise<BrowserContext>,
): Promise<{ other: Page; code: string }> {
  const email = await buy(page, [tempest.slug]);
  await askForLibrary(page, email);
  const other = await (await anotherBrowser()).newPage();
  await other.goto(store.url);
  const { link, code } = await readMail(other, email);
  await other.goto(link);
  await expect(other).toHaveURL(`${store.url}/library/open`);
  return { other, code };
}

test("pasting brings the code out of what was copied with it", async ({ page, context }) => {
  const email = await buy(page, [tempest.slug]);
  const mailbox = await context.newPage();
  await askForLibrary(page, email);
  const { code } = await readMail(mailbox, email);
  await islands(page);
  await page.getByLabel("Code").focus();
  await page.getByLabel("Code").evaluate((field, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, `  Or type this code into the page that asked for it:\n\n    ${code}\n`);
  await expect(page.getByLabel("Code")).toHaveValue(code);
  await page.getByRole("button", { name: "Open my library" }).click();
  await expect(page.getByRole("heading", { name: "Orders" })).toBeVisible();
});

test("in another browser the link needs the code as well", async ({ page, store, anotherBrowser }) => {
  const { other, code } = await linkFollowedElsewhere(page, store, anotherBrowser);
  await expect(other.getByText("This browser has not asked for the link")).toBeVisible();
  await other.getByLabel("Code").fill(code);
  await other.getByRole("button", { name: "Open my library" }).click();
  await expect(other.getByText(tempest.title)).toBeVisible();
});

test("in another browser a mistyped code does not lose the link", async ({ page, store, anotherBrowser }) => {
  const { other, code } = await linkFollowedElsewhere(page, store, anotherBrowser);
  for (const wrong of ["AAAA-AAAA", "BBBB-BBBB"]) {
    await other.getByLabel("Code").fill(wrong);
    await other.getByRole("button", { name: "Open my library" }).click();
    await expect(other).toHaveURL(`${store.url}/library/open?error=forbidden`);
    await expect(other.getByRole("alert")).toHaveText("The code is wrong or too old, or it belongs to another browser.");
    await expect(other.getByText("open the link in the mail again")).toBeVisible();
    await islands(other);
  }
  await other.getByLabel("Code").fill(code);
  await other.getByRole("button", { name: "Open my library" }).click();
  await expect(other.getByText(tempest.title)).toBeVisible();
  // The next time nothing is left of the link.
  await other.goto(`${store.url}/library/open`);
  await islands(other);
  await expect.poll(() => other.evaluate(() => sessionStorage.length)).toBe(0);
  await expect(other.locator("input[name=secret]")).toHaveValue("");
});
