// The cart: what it counts, what it forgets, what it says.

import { dollars, hamlet, mobyDick, tempest } from "../support/books";
import { addToCart, cards, cartLink, checkOut, expectInCart, islands, line, payWith, scripted } from "../support/buying";
import { reprice, setStatus } from "../support/database";
import { expect, test } from "../support/test";

test("books go in and out, removing can be undone, and the sums are right", async ({ page }) => {
  const summary = page.getByRole("region", { name: "Summary" });
  const expectSum = async (minor: number): Promise<void> => {
    await expect(summary.getByRole("definition")).toHaveText([dollars(minor), dollars(minor)]);
    await expect(summary.getByRole("term")).toHaveText(["Subtotal", "Total"]);
  };
  await page.goto("/");
  await expectInCart(page, 0);
  await addToCart(page, tempest.slug);
  await addToCart(page, mobyDick.slug);
  await page.goto("/");
  await expectInCart(page, 2);
  await cartLink(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your cart");
  await expect(line(page, tempest.title)).toContainText(dollars(tempest.price));
  await expect(line(page, tempest.title)).toContainText("EPUB, PDF");
  await expect(line(page, mobyDick.title)).toContainText(dollars(mobyDick.price));
  await expectSum(tempest.price + mobyDick.price);

  await line(page, tempest.title).getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("status")).toContainText(`Removed “${tempest.title}”.`);
  await expect(line(page, tempest.title)).toHaveCount(0);
  await expectInCart(page, 1);
  await expectSum(mobyDick.price);

  await page.getByRole("button", { name: "Undo" }).click();
  await expect(line(page, tempest.title)).toBeVisible();
  await expectInCart(page, 2);
  await expectSum(tempest.price + mobyDick.price);

  for (const title of [tempest.title, mobyDick.title]) {
    await line(page, title).getByRole("button", { name: "Remove" }).click();
    await expect(line(page, title)).toHaveCount(0);
  }
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your cart is empty");
  await expectInCart(page, 0);
  await page.getByRole("link", { name: "See all books" }).click();
  await expect(page).toHaveURL("/");
});

test("the same title twice is once", async ({ page, context }) => {
  await page.goto(`/books/${hamlet.slug}`);
  const other = await context.newPage();
  await other.goto(`/books/${hamlet.slug}`);
  await addToCart(page, hamlet.slug);

  await islands(other);
  await other.getByRole("button", { name: "Add to cart" }).click();
  if (scripted()) await expect(other.getByRole("status")).toHaveText("Added to cart");
  else await expect(other).toHaveURL("/cart");
  await expectInCart(other, 1);

  await page.goto("/cart");
  await expect(line(page, hamlet.title)).toHaveCount(1);
  await page.goto(`/books/${hamlet.slug}`);
  await expect(page.getByRole("button", { name: "Add to cart" })).toHaveCount(0);
  await page.getByRole("link", { name: "In your cart" }).click();
  await expect(page).toHaveURL("/cart");
});

test("two visitors have two carts, and a visitor without one has no cookie", async ({ page, context, anotherBrowser, store }) => {
  await page.goto("/");
  await page.goto(`/books/${hamlet.slug}`);
  expect(await context.cookies()).toEqual([]);
  await addToCart(page, hamlet.slug);
  const other = await (await anotherBrowser()).newPage();
  await other.goto(store.url);
  await expectInCart(other, 0);
});

test.describe("on a store of its own", () => {
  test.use({ storeFor: "test" });

  test("the cart outlives a restart of the store, and a crash", async ({ page, context, store }) => {
    await addToCart(page, tempest.slug);
    await store.stop();
    await store.start();
    await page.goto("/cart");
    await expect(line(page, tempest.title)).toBeVisible();
    await addToCart(page, hamlet.slug);
    await store.stop("SIGKILL");
    await store.start();
    await page.goto("/cart");
    await expect(line(page, tempest.title)).toBeVisible();
    await expect(line(page, hamlet.title)).toBeVisible();
    await expectInCart(page, 2);

    const kept = (await context.cookies()).find((cookie) => cookie.name === "octavo");
    expect(kept?.httpOnly).toBe(true);
    expect(kept?.sameSite).toBe("Lax");
    const days = ((kept?.expires ?? 0) - Date.now() / 1000) / 86_400;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
  });

  test("a price that changed is said, and nobody pays for a cart other than the one on the screen", async ({ page, store }) => {
    await addToCart(page, tempest.slug);
    await page.goto("/cart");
    reprice(store, tempest.slug, 999);

    // This page still shows the old price.
    await page.getByRole("button", { name: "Checkout" }).click();
    await expect(page.getByRole("alert")).toHaveText(
      "Your cart changed while this page was open. Please look it over and try again.",
    );
    await expect(page).toHaveURL(/\/cart\?error=cart-changed$/);
    await expect(page.getByRole("status")).toContainText(
      `The price of “${tempest.title}” changed since you put it in: it was ${dollars(tempest.price)}, now it is $9.99.`,
    );
    await expect(line(page, tempest.title)).toContainText(`${dollars(tempest.price)} $9.99`);
    await expect(page.getByRole("region", { name: "Summary" }).getByRole("definition")).toHaveText(["$9.99", "$9.99"]);

    // Now it has been seen.
    await page.getByRole("button", { name: "Checkout" }).click();
    await expect(page.getByRole("button", { name: "Pay $9.99" })).toBeVisible();
    await payWith(page, cards.good);
    await page.waitForURL(/\/checkout\/success\?/);
    await expect(page.getByRole("button", { name: "Download EPUB" })).toBeVisible({ timeout: 15_000 });
    await store.octavo("doctor");
  });

  test("a payment that was begun at the old price is honoured as it was shown", async ({ page, store }) => {
    await addToCart(page, tempest.slug);
    await checkOut(page);
    reprice(store, tempest.slug, 999);
    await payWith(page, cards.good);
    await page.waitForURL(/\/checkout\/success\?/);
    await expect(line(page, tempest.title)).toContainText(dollars(tempest.price), { timeout: 15_000 });
    await store.octavo("doctor");
  });

  test("a title that is no longer sold is said, not counted, and can be taken out", async ({ page, store }) => {
    await addToCart(page, tempest.slug);
    await addToCart(page, hamlet.slug);
    setStatus(store, hamlet.slug, "archived");
    await page.goto("/cart");
    const problem = page.getByRole("alert").filter({ hasText: hamlet.title });
    await expect(problem).toContainText(`“${hamlet.title}” is no longer for sale and is not counted.`);
    await expect(page.getByRole("region", { name: "Summary" }).getByRole("definition")).toHaveText([
      dollars(tempest.price),
      dollars(tempest.price),
    ]);
    await problem.getByRole("button", { name: "Remove" }).click();
    await expect(problem).toHaveCount(0);
    await expectInCart(page, 1);
    await page.getByRole("button", { name: "Checkout" }).click();
    await expect(page.getByRole("button", { name: `Pay ${dollars(tempest.price)}` })).toBeVisible();
  });
});
