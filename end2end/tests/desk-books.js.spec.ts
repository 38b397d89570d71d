// What the desk's book pages do with scripts.

import { tempest } from "../support/books";
import { openDesk } from "../support/desk";
import { demoFile } from "../support/desk-books";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

test("a large upload shows how far it has come", async ({ page }) => {
  await openDesk(page);
  await page.goto(`/admin/books/${tempest.slug}`);
  const seen = page.evaluate(
    () =>
      new Promise<boolean>((resolve) => {
        new MutationObserver((_, observer) => {
          if (document.querySelector("progress") === null) return;
          observer.disconnect();
          resolve(true);
        }).observe(document.body, { childList: true, subtree: true });
      }),
  );
  await page.getByLabel("Files for the newest edition").setInputFiles(demoFile("files/persuasion.epub"));
  await page.getByRole("button", { name: "Upload files" }).click();
  expect(await seen).toBe(true);
  await expect(page.getByRole("status").first()).toHaveText("The files are there. Everybody who has bought the book has them now.");
});

test("an upload loses nothing that was typed beside it", async ({ page }) => {
  await openDesk(page);
  await page.goto(`/admin/books/${tempest.slug}`);
  const description = page.getByRole("textbox", { name: "Description" });
  await description.fill("Not saved yet.");
  await page.getByLabel("Files for the newest edition").setInputFiles(demoFile("files/persuasion.epub"));
  await page.getByRole("button", { name: "Upload files" }).click();
  await expect(page.getByText("The files are there.")).toContainText("still here, and not saved yet");
  await expect(page.getByRole("button", { name: "Upload files" })).toBeEnabled();
  await expect(page).toHaveURL(new RegExp(`/admin/books/${tempest.slug}$`));
  await expect(description).toHaveValue("Not saved yet.");
  // The book is another version by the upload alone, and nobody else has saved it.
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("status").first()).toHaveText("Saved.");
  await expect(description).toHaveValue("Not saved yet.");
});

test("an upload that comes to nothing says why", async ({ page, guard }) => {
  guard.allow(/status of (413|503)/, /ERR_CONNECTION_RESET/);
  await openDesk(page);
  await page.goto(`/admin/books/${tempest.slug}`);
  await page.getByLabel("Files for the newest edition").setInputFiles(demoFile("files/persuasion.epub"));
  const says = async (words: string) => {
    await page.getByRole("button", { name: "Upload files" }).click();
    await expect(page.getByText(words)).toBeVisible();
    await page.unroute("**/files");
  };
  for (const [status, words] of [[413, "too large: a file has at most 7 MB"], [503, "busy with other uploads"]] as const) {
    await page.route("**/files", (route) =>
      route.fulfill({ status, headers: { "octavo-upload-mb": "7" }, contentType: "text/html", body: "<p>No.</p>" }),
    );
    await says(words);
  }
  await page.route("**/files", (route) => route.abort("connectionreset"));
  await says("Nothing has changed; please try again.");
});

test("a description is shown as it will look while somebody types", async ({ page, axe }) => {
  await openDesk(page);
  await page.goto(`/admin/books/${tempest.slug}`);
  await page.getByRole("button", { name: "Preview description" }).click();
  const preview = page.getByRole("region", { name: "How the description will look" });
  await expect(preview).toBeVisible();
  await page.getByRole("textbox", { name: "Description" }).fill("A **storm** <script>alert(1)</script>.");
  await expect(preview.getByText("storm", { exact: true })).toHaveCSS("font-weight", "700");
  await expect(preview.locator("script")).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(`/admin/books/${tempest.slug}$`));
  await axe();
});
