// The desk's book pages in every state that somebody can bring them into.

import { join } from "node:path";
import { expect } from "@playwright/test";
import { mobyDick } from "./books";
import { openDesk } from "./desk";
import { root } from "./places";
import type { Tour } from "./tour";

/** A file of the demo. */
export const demoFile = (name: string): string => join(root, "server/demo", name);

export async function deskBooks({ page, look }: Tour): Promise<void> {
  await openDesk(page);
  await page.goto("/admin/books");
  await look("desk books", page);
  await page.goto("/admin/books?q=nothing");
  await look("desk books not found", page);
  await page.goto("/admin/books/new");
  await look("desk book new", page);
  await page.getByLabel("EPUB", { exact: true }).setInputFiles(demoFile("files/persuasion.epub"));
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByLabel("Title", { exact: true })).toHaveValue("Persuasion");
  await look("desk book from an EPUB", page);
  await page.getByLabel("Price 1", { exact: true }).fill("7,50");
  await page.getByRole("button", { name: "Save as a draft" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look("desk book not saved", page);
  await page.goto(`/admin/books/${mobyDick.slug}?done=book-saved`);
  await look("desk book", page);
  const files = page.getByLabel("Files for the newest edition");
  await files.setInputFiles({ name: "x.epub", mimeType: "application/epub+zip", buffer: Buffer.from("<html>") });
  await page.getByRole("button", { name: "Upload files" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look("desk book with a file refused", page);
  await page.goto("/admin/books/import");
  await look("desk table", page);
  const table = `slug,title,price_USD,mood\n${mobyDick.slug},The Whale,8.99,odd\nno-title,,x,\n`;
  await page.getByLabel("CSV file").setInputFiles({ name: "x.csv", mimeType: "text/csv", buffer: Buffer.from(table) });
  await page.getByRole("button", { name: "Look it over" }).click();
  await expect(page.getByRole("heading", { name: "What the table says" })).toBeVisible();
  await look("desk table looked over", page);
}
