// A new edition reaches everybody who has the title, and the one that was bought stays.

import { mobyDick, tempest } from "../support/books";
import { buy, download, line, orderNumber } from "../support/buying";
import { addEdition } from "../support/editions";
import { openLibrary } from "../support/library";
import { expect, test } from "../support/test";

test.use({ storeFor: "test" });

test("a new edition is on the shelf and in the order, and the old one can still be had", async ({
  page,
  store,
  anotherBrowser,
}) => {
  const email = await buy(page, [mobyDick.slug]);
  const number = await orderNumber(page);
  const [old] = mobyDick.files;
  const fresh = tempest.files.find((file) => file.format === "EPUB");
  if (old === undefined || fresh === undefined) throw new Error("the demo books have no EPUBs");
  await addEdition(store, mobyDick, fresh);

  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(store.url);
  await openLibrary(reader, page, email);
  const shown = line(reader, mobyDick.title);
  await shown.getByText("What is new").click();
  await expect(shown.getByText("A new preface, and the whale is larger.")).toBeVisible();
  const button = shown.getByRole("button", { name: "Download EPUB", exact: true });
  expect((await download(reader, button)).sha256).toBe(fresh.sha256);
  await reader.reload();
  await shown.getByText("Earlier editions").click();
  const earlier = shown.getByRole("button", { name: /^Download EPUB of / });
  expect((await download(reader, earlier)).sha256).toBe(old.sha256);
  // Both under one use of the title's download.
  await reader.reload();
  await expect(shown.getByText("2 of 3 downloads left")).toBeVisible();

  await page.goto(`/orders/${number}`);
  const ordered = page.getByRole("button", { name: "Download EPUB", exact: true });
  expect((await download(page, ordered)).sha256).toBe(fresh.sha256);
});
