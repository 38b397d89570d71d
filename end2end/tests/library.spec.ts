// My books, by the address I paid with.

import { mobyDick, tempest } from "../support/books";
import { buy, download, islands, line, orderNumber, scripted, someReader } from "../support/buying";
import { askForLibrary, openLibrary, readMail } from "../support/library";
import { expect, test } from "../support/test";

test("bought in one browser, read in another: code, download, used up, renewed", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug, mobyDick.slug]);
  const number = await orderNumber(page);
  await page.goto("/library");
  await expect(page.getByRole("button", { name: "Send link" })).toBeVisible();

  const other = await anotherBrowser();
  const reader = await other.newPage();
  await reader.goto(store.url);
  await reader.getByRole("link", { name: "Library" }).click();
  await reader.getByLabel("Email").fill(email.toUpperCase());
  await reader.getByRole("button", { name: "Send link" }).click();
  const { code } = await readMail(page, email);
  await islands(reader);
  await reader.getByLabel("Code").fill(code.toLowerCase().replace("-", " "));
  await reader.getByRole("button", { name: "Open my library" }).click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText("Your library");
  await expect(reader.getByText(email)).toBeVisible();
  await expect(reader.getByRole("listitem").filter({ has: reader.getByRole("link", { name: `Order ${number}` }) })).toContainText("Paid");

  const shown = line(reader, mobyDick.title);
  const button = shown.getByRole("button", { name: "Download EPUB" });
  await expect(shown.getByText("3 of 3 downloads left")).toBeVisible();
  const file = mobyDick.files[0];
  await shown.getByText("Sizes and checksums").click();
  await expect(shown.getByText(file?.sha256 ?? "-")).toBeVisible();
  for (let time = 1; time <= 6; time += 1) {
    expect((await download(reader, button)).sha256, `download ${time}`).toBe(file?.sha256);
    await reader.reload();
  }
  await expect(shown.getByText("All 3 downloads have been used.")).toBeVisible();
  await expect(button).toHaveCount(0);

  await islands(reader);
  await shown.getByRole("button", { name: "Renew" }).click();
  await expect(shown.getByText("3 of 3 downloads left")).toBeVisible();
  await expect(reader).toHaveURL(`${store.url}/library`);
  if (scripted()) await expect(button).toBeFocused();
  expect((await download(reader, button)).sha256).toBe(file?.sha256);
  await reader.reload();
  await expect(shown.getByText("Your download is running")).toBeVisible();

  await reader.getByRole("link", { name: `Order ${number}`, exact: true }).click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText(`Order ${number}`);
  await expect(line(reader, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
});

test("a scanner looks at the link before its reader does", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug]);
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(store.url);
  await askForLibrary(reader, email);
  const { link, code } = await readMail(page, email);
  const scanner = await anotherBrowser();
  const looking = await scanner.newPage();
  for (let time = 1; time <= 3; time += 1) {
    await looking.goto(link);
    await expect(looking.getByRole("button", { name: "Open my library" })).toBeVisible();
    expect((await scanner.request.head(link)).status()).toBe(200);
  }
  await reader.goto(link);
  if (scripted()) {
    // Nothing to type, and the secret is no longer in the address.
    await expect(reader.getByLabel("Code")).toBeHidden();
    await expect(reader).toHaveURL(`${store.url}/library/open`);
  } else {
    await reader.getByLabel("Code").fill(code);
  }
  await reader.getByRole("button", { name: "Open my library" }).click();
  await expect(line(reader, tempest.title).getByRole("button", { name: "Download PDF" })).toBeVisible();
  // Once.
  await reader.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(reader.getByText("You are signed out in this browser.")).toBeVisible();
  await reader.goto("/library/sent");
  await islands(reader);
  await reader.getByLabel("Code").fill(code);
  await reader.getByRole("button", { name: "Open my library" }).click();
  await expect(reader.getByRole("alert")).toHaveText("The code is wrong or too old, or it belongs to another browser.");
});

test("who buys under another's address sees only that order", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [mobyDick.slug]);
  const hers = await orderNumber(page);
  const thief = await (await anotherBrowser()).newPage();
  await thief.goto(store.url);
  await buy(thief, [tempest.slug], { email });
  await thief.goto("/library");
  await expect(thief.getByRole("button", { name: "Send link" })).toBeVisible();
  await expect(thief.getByText(mobyDick.title)).toHaveCount(0);
  await thief.goto(`/orders/${hers}`);
  await expect(thief.getByText(mobyDick.title)).toHaveCount(0);
  await expect(thief.getByRole("button", { name: /^Download/ })).toHaveCount(0);
});

test("a page that is not open leads to the library and back", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug]);
  const number = await orderNumber(page);
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(`${store.url}/orders/${number}`);
  await reader.getByRole("link", { name: "open all your books" }).click();
  await reader.getByLabel("Email").fill(email);
  await reader.getByRole("button", { name: "Send link" }).click();
  const { code } = await readMail(page, email);
  await islands(reader);
  await reader.getByLabel("Code").fill("wrong");
  await reader.getByRole("button", { name: "Open my library" }).click();
  await expect(reader.getByRole("alert")).toBeVisible();
  await islands(reader);
  await reader.getByLabel("Code").fill(code);
  await reader.getByRole("button", { name: "Open my library" }).click();
  await expect(reader).toHaveURL(`${store.url}/orders/${number}`);
  await expect(reader.getByRole("button", { name: "Download PDF" })).toBeVisible();
});

test("signed out everywhere is signed out here and there", async ({ page, store, anotherBrowser }) => {
  const email = await buy(page, [tempest.slug]);
  const [here, there] = [await (await anotherBrowser()).newPage(), await (await anotherBrowser()).newPage()];
  for (const [index, reader] of [here, there].entries()) {
    await reader.goto(store.url);
    await askForLibrary(reader, email);
    const { code } = await readMail(page, email, index + 1);
    await islands(reader);
    await reader.getByLabel("Code").fill(code);
    await reader.getByRole("button", { name: "Open my library" }).click();
    await expect(reader.getByText(tempest.title)).toBeVisible();
  }
  await here.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(here.getByText("You are signed out in every browser.")).toBeVisible();
  await there.reload();
  await expect(there.getByRole("button", { name: "Send link" })).toBeVisible();
  await expect(there.getByText(tempest.title)).toHaveCount(0);
});

test("an address that nothing was bought under is answered alike, and gets no mail", async ({ page }) => {
  const email = someReader();
  await askForLibrary(page, email);
  await page.goto("/demo/mailbox");
  await expect(page.getByText(`To ${email}, `)).toHaveCount(0);
});

test("the shelf in one go", async ({ page, store, anotherBrowser, axe }) => {
  const email = await buy(page, [tempest.slug]);
  const reader = await (await anotherBrowser()).newPage();
  await reader.goto(store.url);
  await openLibrary(reader, page, email);
  await axe(reader);
});
