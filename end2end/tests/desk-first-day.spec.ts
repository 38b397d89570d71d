// A stranger opens a store of her own: from nothing at all to a sold book, through the desk alone.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { buy, download, orderNumber, scripted } from "../support/buying";
import { PASSWORD } from "../support/desk";
import { demoFile } from "../support/desk-books";
import { expect, test } from "../support/test";

test.use({ storeEnvironment: { OCTAVO_DEMO: "0" } });

test("an empty store sells a book of one's own", async ({ page, store, anotherBrowser }) => {
  await store.startEmpty();
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();

  // What the program prints when it starts.
  const link = /http\S+\/admin\/setup#\S+/.exec(store.log)?.[0] ?? "";
  await page.goto(link);
  if (!scripted()) await page.getByLabel("Secret").fill(link.split("#")[1] ?? "");
  await page.getByLabel("Email").fill("ann@example.org");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Open the desk" }).click();
  const steps = page.getByRole("region", { name: "First steps" });
  await expect(steps.getByText("To do")).toHaveCount(5);

  await steps.getByRole("link", { name: "Begin with its EPUB" }).click();
  const epub = demoFile("files/persuasion.epub");
  await page.getByLabel("EPUB", { exact: true }).setInputFiles(epub);
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByLabel("Title", { exact: true })).toHaveValue("Persuasion");
  await page.getByLabel("Price 1", { exact: true }).fill("5.00");
  await page.getByLabel("Description").fill("A second *chance*.");
  await page.getByRole("button", { name: "Save as a draft" }).click();
  const shop = page.getByRole("heading", { name: "In the shop" }).locator("..");
  await shop.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("status").first()).toHaveText("The book is on sale.");
  const slug = new URL(page.url()).pathname.split("/").at(-1) ?? "";

  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(store.url);
  await expect(reader.getByRole("link", { name: "Persuasion" }).first()).toBeVisible();
  const email = await buy(reader, [slug]);
  const number = await orderNumber(reader);
  const file = await download(reader, reader.getByRole("button", { name: "Download EPUB" }));
  expect(file.sha256).toBe(createHash("sha256").update(readFileSync(epub)).digest("hex"));

  await page.goto("/admin");
  // All but the mail, which has no relay here, and who sells.
  await expect(steps.getByText("To do")).toHaveCount(2);
  await page.getByRole("link", { name: "Orders", exact: true }).click();
  const row = page.getByRole("row").filter({ hasText: email });
  await expect(row).toContainText("Paid");
  await expect(row).toContainText("$5.00");
  await row.getByRole("link", { name: number }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await expect(page.getByText("Paid; the titles are open")).toBeVisible();
});
