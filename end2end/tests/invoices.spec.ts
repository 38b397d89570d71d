// Whom the invoice is made out to: the buyer says so later, and gets a credit note and a new invoice.

import { tempest } from "../support/books";
import { buy, islands, line, orderNumber } from "../support/buying";
import { openLibrary } from "../support/library";
import { expect, test } from "../support/test";
import type { Page } from "@playwright/test";

/** What stands on a PDF's links, as people read them. */
const documents = (page: Page) => page.getByRole("link", { name: /^(Invoice|Credit note) / });

/** Opens the form; gives its fields. */
async function form(page: Page) {
  await islands(page);
  await page.getByText("Company, VAT ID or address on the invoice").click();
  // By their names: the words of a label around a filled text area are more than the label.
  const field = (label: string) => page.getByRole("textbox", { name: label, exact: true });
  await expect(field("Company")).toBeVisible();
  return { field, send: page.getByRole("button", { name: "Make out a new invoice" }) };
}

test("from the library a buyer has her invoice made out to her company", async ({ page, store, axe, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(store.url);
  await openLibrary(reader, page, email);
  await reader.getByRole("link", { name: `Order ${number}`, exact: true }).click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await expect(documents(reader)).toHaveCount(1);
  const invoice = (await documents(reader).textContent())?.replace("Invoice ", "") ?? "";

  // What no invoice can say is refused, and nothing is issued.
  let { field, send } = await form(reader);
  await expect(field("Name")).toHaveValue("Ada Reader");
  await field("Company").fill("Harbour Books Ltd");
  await field("VAT ID").fill("123");
  await send.click();
  await expect(reader.getByRole("alert")).toContainText("a VAT ID that begins with two letters");
  await expect(documents(reader)).toHaveCount(1);

  ({ field, send } = await form(reader));
  await field("Company").fill("Harbour Books Ltd");
  await field("VAT ID").fill("DE 123456789");
  await field("Address").fill("Harbour Street 1\n20459 Hamburg");
  await field("Country, as two letters").fill("de");
  await axe(reader);
  await send.click();
  await expect(reader.getByRole("status")).toContainText("The invoice is made out anew.");
  await expect(documents(reader)).toHaveText([`Invoice ${invoice}`, /^Credit note /, /^Invoice /]);
  await expect(reader.getByText(`, corrects ${invoice}`)).toBeVisible();
  await axe(reader);

  // Each is a PDF that only she can open.
  for (const link of await documents(reader).all()) {
    const address = (await link.getAttribute("href")) ?? "";
    const answer = await reader.request.get(new URL(address, store.url).href);
    expect([answer.status(), answer.headers()["content-type"]]).toEqual([200, "application/pdf"]);
    const stranger = await (await anotherBrowser()).newPage();
    expect((await stranger.request.get(new URL(address, store.url).href, { maxRedirects: 0 })).status()).toBe(303);
  }

  // What was said is there, and saying it again changes nothing.
  ({ field, send } = await form(reader));
  await expect(field("Company")).toHaveValue("Harbour Books Ltd");
  await expect(field("VAT ID")).toHaveValue("DE123456789");
  await expect(field("Address")).toHaveValue("Harbour Street 1\n20459 Hamburg");
  await send.click();
  await expect(reader.getByRole("status")).toContainText("The invoice says so already");
  await expect(documents(reader)).toHaveCount(3);
  await expect(line(reader, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
});

test("a form that shows an older invoice is told so", async ({ page, store }) => {
  await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  await page.goto(`/orders/${number}`);
  const other = await page.context().newPage();
  await other.goto(`${store.url}/orders/${number}`);
  const first = await form(page);
  const second = await form(other);
  await first.field("Company").fill("Harbour Books Ltd");
  await first.send.click();
  await expect(documents(page)).toHaveCount(3);
  await second.field("Company").fill("Tide Press");
  await second.send.click();
  await expect(other.getByRole("alert")).toContainText("The invoice was changed meanwhile");
  await expect(documents(other)).toHaveCount(3);
});
