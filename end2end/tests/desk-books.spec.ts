// The desk's books: from a file to a book on sale, and nothing that was typed is lost.

import { readFileSync } from "node:fs";
import { mobyDick, tempest } from "../support/books";
import { openDesk } from "../support/desk";
import { demoFile } from "../support/desk-books";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

const epub = demoFile("files/persuasion.epub");

test("an EPUB becomes a book with a price, a cover and a new edition", async ({ page, store, axe }) => {
  await openDesk(page);
  await page.getByRole("link", { name: "Books", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Books");
  await axe();
  await page.getByRole("link", { name: "Add a book" }).click();
  await axe();
  await page.getByLabel("EPUB", { exact: true }).setInputFiles(epub);
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByLabel("Title", { exact: true })).toHaveValue("Persuasion");
  await expect(page.getByLabel("Person 1", { exact: true })).toHaveValue("Jane Austen");
  await expect(page.getByLabel("Language")).toHaveValue(/^en/);
  await axe();

  // The shop has a book of that address; the file waits while this is put right.
  await page.getByLabel("Price 1", { exact: true }).fill("7,50");
  await page.getByRole("button", { name: "Save as a draft" }).click();
  await expect(page.getByRole("alert")).toHaveText("Not saved yet: one field needs another look.");
  await expect(page.getByLabel("Price 1", { exact: true })).toHaveValue("7,50");
  await axe();
  await page.getByLabel("Price 1", { exact: true }).fill("7.50");
  await page.getByRole("button", { name: "Save as a draft" }).click();
  await expect(page.getByText("Another book has this address.")).toBeVisible();
  await page.getByLabel("Address").fill("persuasion-annotated");
  await page.getByLabel("Title", { exact: true }).fill("Persuasion, annotated");
  await page.getByLabel("Description").fill("Notes on *every* page.");
  await page.getByRole("button", { name: "Preview description" }).click();
  await expect(page.getByRole("region", { name: "How the description will look" }).getByText("every")).toHaveCSS(
    "font-style",
    "italic",
  );
  await page.getByRole("button", { name: "Save as a draft" }).click();
  await expect(page).toHaveURL(`${store.url}/admin/books/persuasion-annotated?done=book-created`);
  await axe();

  const shop = page.getByRole("heading", { name: "In the shop" }).locator("..");
  await shop.getByRole("button", { name: "Publish" }).click();
  await expect(page.getByRole("status").first()).toHaveText("The book is on sale.");
  await page.getByLabel("Picture").setInputFiles(demoFile("covers/hamlet-960.webp"));
  await page.getByRole("button", { name: "Upload cover" }).click();
  await expect(page.getByRole("status").first()).toHaveText("The cover is there.");
  await page.getByLabel("Label").fill("Second edition");
  await page.getByLabel("What is new").fill("Typos are gone.");
  await page.getByLabel("Files of the edition").setInputFiles(demoFile("files/persuasion.pdf"));
  await page.getByRole("button", { name: "Add the edition" }).click();
  await expect(page.getByText("persuasion-annotated-2.pdf")).toBeVisible();
  await page.getByRole("link", { name: "See it in the shop" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Persuasion, annotated");
  await expect(page.getByText("$7.50")).toBeVisible();
});

test("a file that is none is refused with the reason, and the page stays", async ({ page, axe }) => {
  await openDesk(page);
  await page.goto(`/admin/books/${tempest.slug}`);
  const files = page.getByLabel("Files for the newest edition");
  await files.setInputFiles({ name: "tempest.epub", mimeType: "application/epub+zip", buffer: Buffer.from("<html>") });
  await page.getByRole("button", { name: "Upload files" }).click();
  await expect(page.getByRole("alert")).toContainText("none of the files that are sold here");
  await axe();
});

test("of two tabs the second is told, and keeps what was typed in it", async ({ page, context, store }) => {
  await openDesk(page);
  const second = await context.newPage();
  for (const tab of [page, second]) await tab.goto(`${store.url}/admin/books/${mobyDick.slug}`);
  await page.getByLabel("Subtitle").fill("First");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("status").first()).toHaveText("Saved.");
  await second.getByLabel("Subtitle").fill("Second");
  await second.getByRole("button", { name: "Save", exact: true }).click();
  await expect(second.getByRole("alert")).toContainText("Somebody has saved this book while you were typing");
  await expect(second.getByLabel("Subtitle")).toHaveValue("Second");
  await expect(second.getByRole("row", { name: /Subtitle/ })).toContainText("First");
  await second.getByRole("button", { name: "Save", exact: true }).click();
  await expect(second.getByRole("status").first()).toHaveText("Saved.");
});

test("the catalogue goes out as a table and comes back after a look", async ({ page, axe }) => {
  await openDesk(page);
  await page.goto("/admin/books/import");
  await axe();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export all books" }).click();
  const table = readFileSync(await (await download).path(), "utf8");
  expect(table.split("\n")[0]).toContain("slug,title");
  const buffer = Buffer.from(table.replace(tempest.title, "The Other Tempest"));
  await page.getByLabel("CSV file").setInputFiles({ name: "books.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: "Look it over" }).click();
  await expect(page.getByRole("row", { name: new RegExp(tempest.slug) })).toContainText("The Other Tempest");
  await axe();
  await page.getByRole("button", { name: "Apply all of it" }).click();
  await expect(page.getByRole("status").first()).toHaveText("Everything in the table is saved.");
  await page.getByRole("searchbox").fill("other temp");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("row").filter({ hasText: "The Other Tempest" })).toHaveCount(1);
});
