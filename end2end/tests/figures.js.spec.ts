// What the desk's overview does with scripts.

import { tempest } from "../support/books";
import { buy } from "../support/buying";
import { openDesk } from "../support/desk";
import { expect, test } from "../support/test";

test.describe("in a store of its own", () => {
  test.use({ storeFor: "test" });

  test("a payment is on the open overview within a second", async ({ page, store, anotherBrowser }) => {
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    await expect(desk.locator("html[data-live]")).toBeAttached();
    const orders = desk.getByRole("list", { name: "Figures", exact: true }).getByRole("link", { name: /^Orders/ });
    await expect(orders.locator("strong")).toHaveText("0");
    await buy(page, [tempest.slug]);
    await expect(orders.locator("strong")).toHaveText("1", { timeout: 1_000 });
  });

  test("the line is read with the keyboard and with the pointer, and a drag zooms", async ({ page, store, anotherBrowser }) => {
    await buy(page, [tempest.slug]);
    const desk = await (await anotherBrowser()).newPage();
    await desk.goto(store.url);
    await openDesk(desk);
    const line = desk.getByRole("img", { name: "Net revenue by day" });
    const read = desk.locator(".read");
    await line.focus();
    await expect(read).toContainText(/^\w+day, \d+ \w+ \d{4}: \$\d/);
    const last = await read.textContent();
    await desk.keyboard.press("ArrowLeft");
    await expect(read).not.toHaveText(last ?? "");
    await desk.keyboard.press("End");
    await expect(read).toHaveText(last ?? "");
    const before = desk.getByRole("button", { name: /^The days before/ });
    await before.click();
    await expect(before).toHaveAttribute("aria-pressed", "false");
    await line.hover();
    await expect(read).not.toContainText("·");
    const box = await line.boundingBox();
    if (box === null) throw new Error("the line is not there");
    await desk.mouse.move(box.x + box.width * 0.5, box.y + 20);
    await desk.mouse.down();
    await desk.mouse.move(box.x + box.width * 0.75, box.y + 20, { steps: 5 });
    await desk.mouse.up();
    await expect(desk).toHaveURL(/\/admin\?from=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d$/);
  });
});
