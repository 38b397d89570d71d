// Every page of the store in every state that a reader can bring it into, for
// what is asked of all of them: axe, widths, screenshots.

import type { BrowserContext, Page } from "@playwright/test";
import { expect } from "@playwright/test";
import { draft, hamlet, mobyDick, tempest } from "./books";
import { addToCart, buy, cards, checkOut, download, orderNumber, payWith, sessionId, someReader } from "./buying";
import { ageEntitlements, change, expireDownloads, reprice, setStatus } from "./database";
import { codeOf, DEMO, openDesk, PASSWORD } from "./desk";
import { deskBooks } from "./desk-books";
import { addEdition } from "./editions";
import { askForLibrary, readMail } from "./library";
import type { Store } from "./store";
import { deskOrders } from "./tour-orders";
import { deskTax } from "./tour-tax";
import { deskWebhooks } from "./tour-webhooks";
import { expireSession, fault, noFaults } from "./stripe";

/** Called with each page as it should be looked at. */
export type Look = (name: string, page: Page) => Promise<void>;

/** What a tour needs: a store that nobody else uses, and two browsers. */
export interface Tour {
  page: Page;
  store: Store;
  anotherBrowser: () => Promise<BrowserContext>;
  look: Look;
}

const heading = (page: Page, text: string | RegExp): Promise<void> =>
  expect(page.getByRole("heading", { level: 1 })).toHaveText(text);

/** The shelf, the books, and addresses that lead nowhere. */
export async function browsing({ page, store, look }: Tour): Promise<void> {
  for (const sort of ["", "title", "price", "-price"]) {
    await page.goto(sort === "" ? "/" : `/?sort=${sort}`);
    await heading(page, "Books");
    await look(sort === "" ? "catalogue" : `catalogue by ${sort}`, page);
  }
  await page.goto(`/books/${tempest.slug}`);
  await look("book", page);
  await addToCart(page, mobyDick.slug);
  await page.goto(`/books/${mobyDick.slug}`);
  await look("book in the cart", page);
  await page.goto(`/books/${draft.slug}`);
  await heading(page, "This page is not here");
  await look("404", page);
  await page.goto("/?sort=colour");
  await heading(page, "That address does not work");
  await look("400", page);
  change(store, "DELETE FROM book_price WHERE book_id = (SELECT id FROM book WHERE slug = ?)", hamlet.slug);
  await page.goto(`/books/${hamlet.slug}`);
  await expect(page.getByText("This book is not for sale here at the moment.")).toBeVisible();
  await look("book not for sale", page);
}

/** The cart, and books that cost nothing. */
export async function cart({ page, store, look }: Tour): Promise<void> {
  await page.goto("/cart");
  await heading(page, "Your cart is empty");
  await look("cart empty", page);
  await page.goto("/checkout/free");
  await heading(page, "Nothing free to check out");
  await look("free checkout of nothing", page);
  await addToCart(page, tempest.slug);
  await addToCart(page, mobyDick.slug);
  await addToCart(page, hamlet.slug);
  await page.goto("/cart");
  await heading(page, "Your cart");
  await look("cart", page);
  await page.getByRole("button", { name: "Remove" }).first().click();
  await expect(page.getByRole("button", { name: "Undo" })).toBeVisible();
  await look("cart after removing", page);
  reprice(store, mobyDick.slug, 999);
  setStatus(store, hamlet.slug, "archived");
  await page.goto("/cart?error=cart-changed");
  await expect(page.getByRole("alert")).toHaveCount(2);
  await look("cart with problems", page);

  const remove = page.getByRole("button", { name: "Remove" });
  for (let left = await remove.count(); left > 0; left -= 1) {
    await remove.first().click();
    await expect(remove).toHaveCount(left - 1);
  }
  reprice(store, tempest.slug, 0);
  await addToCart(page, tempest.slug);
  await page.goto("/cart");
  await look("cart of nothing to pay", page);
  await page.getByRole("button", { name: "Checkout" }).click();
  await heading(page, "Where shall we send them?");
  await look("free checkout", page);
  await page.goto("/checkout/free?error=invalid-email");
  await look("free checkout refused", page);
  await page.getByLabel("Email").fill(someReader());
  await page.getByRole("button", { name: "Send my books" }).click();
  await heading(page, "Check your mail");
  await look("free checkout sent", page);
}

/** Stripe's page in our sandbox, and ways back from it. */
export async function paying({ page, store, look }: Tour): Promise<void> {
  await addToCart(page, tempest.slug);
  await addToCart(page, mobyDick.slug);
  await checkOut(page);
  const session = sessionId(page);
  const payment = page.url();
  await look("payment", page);
  await payWith(page, "1", { expiry: "1", cvc: "1", email: "nobody", name: "" });
  await expect(page.getByRole("alert")).toBeVisible();
  await look("payment with wrong fields", page);
  await payWith(page, cards.declined, { email: someReader() });
  await expect(page.getByRole("alert")).toContainText("declined");
  await look("payment declined", page);
  await page.goto(`${store.url}/checkout/success?session_id=${session}`);
  await heading(page, "The payment is not finished");
  await look("success unfinished", page);
  await page.goto("/checkout/cancel");
  await heading(page, "Payment cancelled");
  await look("cancel", page);
  await page.goto(payment);
  await payWith(page, cards.asksForAuthentication);
  await heading(page, "Confirm your payment");
  await look("payment authentication", page);

  await fault(store, { kind: "status", status: 500, method: "GET", path: "/v1/", times: 1_000 });
  await page.getByRole("button", { name: "Complete authentication" }).click();
  await page.waitForURL(/\/checkout\/success\?/);
  await heading(page, "Payment received, preparing your books");
  await look("success preparing", page);
  await noFaults(store);
  await expect(page.getByRole("button", { name: "Download PDF" })).toBeVisible({ timeout: 15_000 });
  await look("success", page);
  await page.goto(payment);
  await heading(page, "This order is already paid");
  await look("payment already paid", page);

  await addToCart(page, hamlet.slug);
  await checkOut(page);
  await expireSession(store, sessionId(page));
  const expired = page.url();
  await page.goto(expired);
  await heading(page, "This checkout has expired");
  await look("payment expired", page);
  await page.goto(`${store.url}/checkout/success?session_id=${/cs_\w+/.exec(expired)?.[0] ?? ""}`);
  await heading(page, "This checkout ran out");
  await look("success expired", page);

  await checkOut(page);
  change(store, "UPDATE checkout SET subtotal = subtotal + 100 WHERE state = 'open'");
  await payWith(page, cards.good);
  await page.waitForURL(/\/checkout\/success\?/);
  await heading(page, "We are looking at your payment");
  await look("success under review", page);

  // What was paid for has left the cart.
  await addToCart(page, tempest.slug);
  await page.goto("/cart");
  await store.stopSandbox();
  await page.getByRole("button", { name: "Checkout" }).click();
  await heading(page, "Payments are resting");
  await look("503", page);
  await store.startSandbox();
}

/** An order and its downloads, in the buyer's browser and in another one. */
export async function owning({ page, store, anotherBrowser, look }: Tour): Promise<void> {
  await buy(page, [tempest.slug, mobyDick.slug]);
  const success = page.url();
  const number = await orderNumber(page);
  const address = async (format: "PDF" | "EPUB"): Promise<string> => {
    const form = page.locator("form").filter({ has: page.getByRole("button", { name: `Download ${format}` }) }).last();
    return ((await form.getAttribute("action")) ?? "").replace(/\/claim$/, "");
  };
  const [both, single] = [await address("PDF"), await address("EPUB")];
  await page.goto(`/orders/${number}`);
  await look("order", page);
  await page.goto(both);
  await look("download", page);
  await download(page, page.getByRole("button", { name: "Download PDF" }));
  await page.reload();
  await look("download running", page);
  await page.goto(single);
  for (let time = 1; time <= 6; time += 1) await download(page, page.getByRole("button", { name: "Download EPUB" }));
  await page.reload();
  await expect(page.getByText("All 3 downloads have been used.")).toBeVisible();
  await look("download used up", page);
  await page.goto(`/orders/${number}`);
  await look("order with a title used up", page);

  const stranger = await (await anotherBrowser()).newPage();
  await stranger.goto(success);
  await heading(stranger, `Payment received for order ${number}`);
  await look("success elsewhere", stranger);
  await stranger.goto(`${store.url}${both}`);
  await look("download elsewhere", stranger);
  await stranger.goto(`${store.url}/orders/${number}`);
  await look("order elsewhere", stranger);
  await stranger.goto(`${store.url}/orders/${number}?error=forbidden`);
  await look("order refused", stranger);
  await stranger.goto((await store.octavo("order-link", number)).trim());
  await look("order by its link", stranger);

  expireDownloads(store, number);
  await page.goto(both);
  await expect(page.getByText("The time for this download is over.")).toBeVisible();
  await look("download expired", page);
  ageEntitlements(store, number, 366);
  await page.reload();
  await expect(page.getByText("It cannot be renewed any more.")).toBeVisible();
  await look("download over for good", page);
  change(store, "UPDATE entitlement SET state = 'frozen'");
  await page.reload();
  await look("download suspended", page);
}

/** The way into a library, and what is in it. */
export async function library({ page, store, anotherBrowser, look }: Tour): Promise<void> {
  const email = await buy(page, [tempest.slug, mobyDick.slug, hamlet.slug]);
  await buy(page, [tempest.slug], { email });
  const mailbox = await (await anotherBrowser()).newPage();
  await mailbox.goto(store.url);
  await page.goto("/library");
  await heading(page, "Your library");
  await look("library closed", page);
  await askForLibrary(page, email);
  await look("library sent", page);
  await page.goto("/library/sent?error=forbidden");
  await look("library refused", page);
  const { link, code } = await readMail(mailbox, email);
  await mailbox.goto(link);
  await expect(mailbox.getByText("This browser has not asked for the link")).toBeVisible();
  await look("library link elsewhere", mailbox);
  await page.goto(link);
  await expect(page.getByLabel("Code")).toBeHidden();
  await look("library link", page);
  await page.goto("/library/sent");
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Open my library" }).click();
  await expect(page.getByRole("heading", { name: "Orders" })).toBeVisible();
  await look("library", page);
  const [fresh] = tempest.files.filter((file) => file.format === "EPUB");
  if (fresh !== undefined) await addEdition(store, mobyDick, fresh);
  await page.reload();
  await page.getByText("What is new").click();
  await page.getByText("Earlier editions").click();
  await look("library with a new edition", page);
  change(store, "UPDATE download_token SET used_count = max_uses");
  await page.reload();
  await page.getByText("Sizes and checksums").first().click();
  await look("library used up", page);
  change(store, "UPDATE entitlement SET state = 'revoked', reason = 'refunded' WHERE book_id = (SELECT id FROM book WHERE slug = ?)", hamlet.slug);
  await page.reload();
  await look("library with a returned title", page);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByText("You are signed out in every browser.")).toBeVisible();
  await look("library left", page);
}

/** The desk: the way in, the team, one's own account. */
export async function desk({ page, store, anotherBrowser, look }: Tour): Promise<void> {
  await page.goto("/admin/login");
  await look("desk sign-in", page);
  await page.goto("/admin/login?error=sign-in-refused");
  await look("desk sign-in refused", page);
  await page.goto("/admin/password#pl_0");
  await look("desk password", page);
  await openDesk(page);
  await look("desk", page);
  const link = (await store.octavo("admin", "add", "colleague@example.org", "--role", "support")).split("\n")[0] ?? "";
  await page.goto("/admin/team?link=2&done=invited");
  await expect(page.getByText("colleague@example.org").first()).toBeVisible();
  await look("desk team", page);
  await page.goto("/admin/audit");
  await look("desk audit", page);
  await page.goto("/admin/audit?of=nothing");
  await look("desk audit of nothing", page);
  await page.goto("/admin/account");
  await look("desk account", page);
  await page.getByRole("button", { name: "Make a token" }).scrollIntoViewIfNeeded();
  const tokens = page.getByRole("region", { name: "Tokens for programs" });
  for (const name of ["Catalogue", "Newsletter"]) {
    await tokens.getByLabel("Name").fill(name);
    await tokens.getByLabel("Your password").fill(DEMO.password);
    await tokens.getByRole("button", { name: "Make a token" }).click();
  }
  await look("desk account with a token", page);
  const codes = page.getByRole("region", { name: "Codes of your telephone" });
  const secret = (await codes.getByRole("code").textContent()) ?? "";
  await codes.getByLabel("Your password").fill(DEMO.password);
  await codes.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await codes.getByRole("button", { name: "Ask for codes" }).click();
  await look("desk recovery codes", page);
  const other = await (await anotherBrowser()).newPage();
  await other.goto(link);
  await other.getByLabel("New password").fill(PASSWORD);
  await other.getByRole("button", { name: "Set password" }).click();
  await other.getByLabel("Email").fill("colleague@example.org");
  await other.getByLabel("Password").fill(PASSWORD);
  await other.getByRole("button", { name: "Sign in" }).click();
  await heading(other, "Overview");
  await other.goto(`${store.url}/admin/team`);
  await heading(other, "Your role does not allow this");
  await look("desk refused", other);
  await other.goto(`${store.url}/admin`);
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.getByLabel("Email").fill(DEMO.email);
  await other.getByLabel("Password").fill(DEMO.password);
  await other.getByRole("button", { name: "Sign in" }).click();
  await heading(other, "Your code");
  await look("desk code", other);
}

/** All of it. */
export const tours = { browsing, cart, paying, owning, library, desk, deskBooks, deskOrders, deskTax, deskWebhooks };
