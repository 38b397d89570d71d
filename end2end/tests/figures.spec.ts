// The desk's overview: figures that are there without a script, and new as soon as somebody pays.

import { mobyDick, tempest } from "../support/books";
import { buy, scripted } from "../support/buying";
import { openDesk } from "../support/desk";
import { expect, test } from "../support/test";

test.describe("in a store of its own", () => {
  test.use({ storeFor: "test" });

  test("the figures of the days, of other days, and what they are made of", async ({ page, store, anotherBrowser, axe }) => {
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await expect(desk.getByText("Nothing in these days, nor in as many before.")).toBeVisible();
    await axe(desk);
    await page.goto(`/books/${tempest.slug}`);
    await buy(page, [tempest.slug, mobyDick.slug]);

    await desk.goto(`${store.url}/admin?days=7`);
    const tiles = desk.getByRole("list", { name: "Figures", exact: true });
    await expect(tiles.getByRole("link", { name: /^Orders/ })).toContainText("1");
    await expect(tiles.getByRole("link", { name: /^Units/ })).toContainText("2");
    await expect(desk.getByRole("img", { name: "Net revenue by day" })).toBeVisible();
    // What the line is of is said in any case; only a script can leave parts of it out.
    await expect(desk.getByText(/^The days before: /).filter({ visible: true })).toHaveCount(1);
    await expect(desk.getByRole("button", { name: /^The days before/ })).toHaveCount(scripted() ? 1 : 0);
    const books = desk.getByRole("region", { name: "Books by gross revenue" });
    await expect(books.getByRole("listitem")).toHaveCount(2);
    await axe(desk);

    await tiles.getByRole("link", { name: /^Orders/ }).click();
    await expect(desk).toHaveURL(/\/admin\?days=7&show=orders$/);
    await desk.getByText("Every figure as a table").click();
    await expect(desk.getByRole("region", { name: "Every figure", exact: true }).getByRole("row")).toHaveCount(8);
    await desk.getByRole("link", { name: "365 days" }).click();
    await desk.getByRole("link", { name: "Month", exact: true }).click();
    await expect(desk.getByRole("img", { name: "Orders by month" })).toBeVisible();
    await desk.getByLabel("From", { exact: true }).fill("2026-01-01");
    await desk.getByLabel("Until", { exact: true }).fill("2026-01-02");
    await desk.getByRole("button", { name: "Show", exact: true }).click();
    await expect(desk).toHaveURL(/from=2026-01-01&until=2026-01-02/);
    await desk.getByText("What the figures mean").click();
    await expect(desk.getByText("Orders of each hundred views.")).toBeVisible();
    await axe(desk);

    await desk.goto(`${store.url}/admin`);
    await desk.getByRole("link", { name: "Paid and never fetched" }).click();
    await expect(desk.getByRole("heading", { level: 1 })).toHaveText("Paid and never fetched");
    await expect(desk.getByRole("row").filter({ hasText: "today" })).toHaveCount(2);
    await axe(desk);
    await desk.getByRole("button", { name: /^Send the mail of order .* again$/ }).first().click();
    await expect(desk).toHaveURL(/\/admin\/orders\/[\w-]+\?done=receipt-sent$/);
    await desk.goto(`${store.url}/admin?from=2026-01-01&until=2026-01-02`);

    const coming = desk.waitForEvent("download");
    await desk.getByRole("link", { name: "Every book" }).click();
    expect((await coming).suggestedFilename()).toBe("usd-2026-01-01-2026-01-02-books.csv");
  });
});
