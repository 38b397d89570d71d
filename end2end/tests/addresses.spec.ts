// Addresses that lead nowhere, and what is typed into them.

import { draft } from "../support/books";
import { expectInCart } from "../support/buying";
import { expect, test } from "../support/test";

const NOWHERE = {
  "a draft": `/books/${draft.slug}`,
  "an unknown book": "/books/no-such-book",
  "no slug at all": "/books/%F0%9F%90%8B",
  "bytes that are no text": "/books/%FF%FE",
  "a very long slug": `/books/${"a".repeat(5_000)}`,
  "an unknown order": "/orders/ABCDE-FGHJK",
  "no order number": "/orders/..%2F..%2Fetc",
  "an unknown download token": "/d/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "an unknown file": "/f/AAAAAAAAAAAAAAAAAAAAAA/hamlet.epub",
  "an unknown checkout": "/checkout/success?session_id=cs_test_unknown",
  "a checkout with bytes that are no text": "/checkout/success?session_id=%FF",
  "no checkout": "/checkout/success",
  "no page": "/no/such/page",
};

test("an address that leads nowhere is a page with status 404", async ({ page, guard }) => {
  guard.allow(/status of 404/);
  for (const [what, address] of Object.entries(NOWHERE)) {
    const answer = await page.goto(address);
    expect(answer?.status(), what).toBe(404);
    await expect(page.getByRole("heading", { level: 1 }), what).toHaveText("This page is not here");
    await expect(page.getByText(draft.title), what).toHaveCount(0);
  }
  await page.getByRole("link", { name: "See all books" }).click();
  await expect(page).toHaveURL("/");
});

const MADE_UP = {
  "an unknown sort": "/?sort=colour",
  "a sort that is no word": "/?sort=%FF",
  "a page that was made up": "/?after=abc",
  "a very long page": `/?after=${"A".repeat(5_000)}`,
  "a negative page": "/?after=-1",
};

test("a parameter that was made up is a page with status 400", async ({ page, guard }) => {
  guard.allow(/status of 400/);
  for (const [what, address] of Object.entries(MADE_UP)) {
    const answer = await page.goto(address);
    expect(answer?.status(), what).toBe(400);
    await expect(page.getByRole("heading", { level: 1 }), what).toHaveText("That address does not work");
    await expect(page.getByRole("link", { name: "See all books" }), what).toBeVisible();
  }
});

test("a draft cannot be put into the cart either", async ({ page, store }) => {
  await page.goto("/");
  const answer = await page.request.post("/actions/add-to-cart", {
    form: { slug: draft.slug },
    headers: { accept: "text/html", origin: store.url, referer: `${store.url}/` },
  });
  expect(answer.url()).toBe(`${store.url}/?error=book-unavailable`);
  await page.goto("/cart");
  await expectInCart(page, 0);
});

test("a form from another site changes nothing", async ({ page, store }) => {
  const answer = await page.request.post("/actions/add-to-cart", {
    form: { slug: "hamlet" },
    headers: { accept: "text/html", origin: "https://evil.example" },
  });
  expect(answer.status()).toBe(403);
  const silent = await fetch(`${store.url}/actions/add-to-cart`, {
    method: "POST",
    body: new URLSearchParams({ slug: "hamlet" }),
  });
  expect(silent.status).toBe(403);
  await page.goto("/cart");
  await expectInCart(page, 0);
});

test("a form that makes no sense is answered by a page with the right status", async ({ page, store }) => {
  for (const [what, body, status] of [
    ["nothing", "", 400],
    ["another field", "book=hamlet", 400],
    ["bytes that are no text", "slug=%FF%FE", 404],
    ["a very long value", `slug=${"a".repeat(10_000)}`, 404],
    ["more than any form holds", `slug=${"a".repeat(100_000)}`, 413],
  ] as const) {
    const answer = await page.request.post("/actions/add-to-cart", {
      data: Buffer.from(body),
      headers: { accept: "text/html", origin: store.url, "content-type": "application/x-www-form-urlencoded" },
    });
    expect(answer.status(), what).toBe(status);
    expect(answer.headers()["content-type"], what).toContain("text/html");
    expect(await answer.text(), what).toContain("<h1>");
  }
});

test("the store says that it is well", async ({ request }) => {
  expect((await request.get("/healthz")).status()).toBe(200);
  expect((await request.get("/readyz")).status()).toBe(200);
});
