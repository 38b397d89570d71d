// The whole point of the store: browse, cart, pay, own the files.

import type { Page } from "@playwright/test";
import { type Book, dollars, mobyDick, tempest } from "../support/books";
import { addToCart, buy, cards, checkOut, download, expectInCart, line, orderNumber, payWith, someReader } from "../support/buying";
import { expect, test } from "../support/test";

/** Fetches every format of a book that the page shows, and looks at the bytes. */
async function downloadAll(page: Page, book: Book): Promise<void> {
  for (const file of book.files) {
    const button = line(page, book.title).getByRole("button", { name: `Download ${file.format}` });
    const got = await download(page, button);
    expect(got, `${book.slug}, ${file.format}`).toEqual({
      filename: file.filename,
      bytes: file.bytes,
      sha256: file.sha256,
    });
  }
}

test("two books are bought and every format downloaded, byte for byte", async ({ page }) => {
  const email = await buy(page, [tempest.slug, mobyDick.slug]);

  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you");
  const number = await orderNumber(page);
  expect(number).toMatch(/^[2-9A-Z]{5}-[2-9A-Z]{5}$/);
  await expect(page.getByRole("definition").filter({ hasText: email })).toBeVisible();
  await expect(page.getByRole("definition").filter({ hasText: dollars(tempest.price + mobyDick.price) })).toBeVisible();
  for (const book of [tempest, mobyDick]) {
    await expect(line(page, book.title)).toContainText(dollars(book.price));
    await expect(line(page, book.title)).toContainText(/3 of 3 downloads left, until \d+ \w+ \d{4}, \d\d:\d\d UTC\./);
    await expect(line(page, book.title).getByRole("button", { name: /^Download / })).toHaveText(
      book.files.map((file) => `Download ${file.format}`),
    );
  }

  await downloadAll(page, tempest);
  await downloadAll(page, mobyDick);

  // Both formats together took one use.
  await page.reload();
  await expect(line(page, tempest.title)).toContainText("2 of 3 downloads left");
  await expect(line(page, mobyDick.title)).toContainText("2 of 3 downloads left");
  expect(await orderNumber(page)).toBe(number);
  await downloadAll(page, tempest);

  // The order has a page of its own, and the cart is empty for the next one.
  await page.getByRole("link", { name: "This order has a page of its own" }).click();
  await expect(page).toHaveURL(`/orders/${number}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await expect(line(page, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
  await page.goto("/cart");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your cart is empty");
  await expectInCart(page, 0);
});

test("the page that says thank you knows that the cart is empty", async ({ page }) => {
  await buy(page, [mobyDick.slug]);
  await expectInCart(page, 0);
});

test("the way to a title's own download page and back", async ({ page, store }) => {
  await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: "Download PDF" }) });
  const claim = (await form.getAttribute("action")) ?? "";
  expect(claim).toMatch(/^\/d\/[\w-]+\/claim$/);
  await page.goto(claim.replace(/\/claim$/, ""));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(tempest.title);
  await expect(page.getByText("3 of 3 downloads left")).toBeVisible();
  await download(page, page.getByRole("button", { name: "Download PDF" }));
  await page.reload();
  await expect(page.getByText(/^Your download is running: until /)).toBeVisible();
  await page.getByRole("link", { name: `Order ${number}` }).click();
  await expect(page).toHaveURL(`${store.url}/orders/${number}`);
});

test("what is put into the cart while paying for something else stays there", async ({ page, context }) => {
  await addToCart(page, mobyDick.slug);
  await checkOut(page);
  const other = await context.newPage();
  await addToCart(other, tempest.slug);
  await payWith(page, cards.good, { email: someReader() });
  await page.waitForURL(/\/checkout\/success\?/);
  await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
  await page.goto("/cart");
  await expect(line(page, tempest.title)).toBeVisible();
  await expectInCart(page, 1);
});
