// What the desk's overview does with scripts.

import type { BrowserContext, Locator, Page } from "@playwright/test";
import { tempest } from "../support/books";
import { buy, islands } from "../support/buying";
import { openDesk } from "../support/desk";
import type { Store } from "../support/store";
import { expect, test } from "../support/test";

type Bounds = { x: number; y: number; width: number; height: number };

async function boundsOf(thing: Locator): Promise<Bounds> {
  await thing.scrollIntoViewIfNeeded();
  const box = await thing.boundingBox();
  if (box === null) throw new Error("it is not there");
  return box;
}

/** The overview of thirty days, awake, in a browser of its own. */
async function overview(
  anotherBrowser: () => Promise<BrowserContext>,
  store: Store,
): Promise<{ desk: Page; line: Locator; read: Locator }> {
  const desk = await (await anotherBrowser()).newPage();
  await desk.goto(store.url);
  await openDesk(desk);
  await islands(desk);
  return { desk, line: desk.getByRole("img", { name: "Net revenue by day" }), read: desk.locator(".read") };
}

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

  test("the line is read with the keyboard and with the pointer", async ({ page, store, anotherBrowser, axe }) => {
    await buy(page, [tempest.slug]);
    const { desk, line, read } = await overview(anotherBrowser, store);
    await line.focus();
    await expect(read.locator(".now")).toHaveText(/^\w+day, \d+ \w+ \d{4}: \$\d/);
    await expect(read.locator(".then")).toHaveText(/^\w+day, \d+ \w+ \d{4}: \$0/);
    await axe(desk);
    const last = (await read.textContent()) ?? "";
    await desk.keyboard.press("ArrowLeft");
    await expect(read).not.toHaveText(last);
    await desk.keyboard.press("Home");
    const first = (await read.textContent()) ?? "";
    await desk.keyboard.press("PageDown");
    await expect(read).not.toHaveText(first);
    await desk.keyboard.press("End");
    await expect(read).toHaveText(last);
    await desk.keyboard.press("Tab");
    await expect(read).not.toHaveClass(/shown/);

    const box = await boundsOf(line);
    await desk.mouse.move(box.x + 2, box.y + 20);
    await expect(read).toHaveText(first);
    await desk.mouse.move(box.x + box.width - 2, box.y + 20);
    await expect(read).toHaveText(last);
    // Its words never stand beyond the line.
    const words = await boundsOf(read);
    expect(words.x + words.width).toBeLessThanOrEqual(box.x + box.width + 1);
    await desk.mouse.move(box.x, box.y - 40);
    await expect(read).not.toHaveClass(/shown/);
  });

  test("each part of the line can be left out, and stays so when the figures are new", async ({ page, store, anotherBrowser }) => {
    await buy(page, [tempest.slug]);
    const { desk, line, read } = await overview(anotherBrowser, store);
    const [now, then] = [desk.getByRole("button", { name: /^These days/ }), desk.getByRole("button", { name: /^The days before/ })];
    const [newer, older] = [desk.locator(".plot path.now"), desk.locator(".plot path.then")];
    await expect(newer).toHaveCSS("visibility", "visible");
    await now.click();
    await expect(now).toHaveAttribute("aria-pressed", "false");
    await expect(newer).toHaveCSS("visibility", "hidden");
    await expect(older).toHaveCSS("visibility", "visible");
    await now.click();
    await then.click();
    await expect(now).toHaveAttribute("aria-pressed", "true");
    await expect(newer).toHaveCSS("visibility", "visible");
    await expect(older).toHaveCSS("visibility", "hidden");
    await line.hover();
    await expect(read.locator(".now")).not.toBeEmpty();
    await expect(read.locator(".then")).toBeEmpty();
    await desk.mouse.move(0, 0);
    // Nobody reads the line, so it is drawn anew when somebody pays.
    await desk.getByRole("heading", { level: 1 }).click();
    await expect(desk.locator("html[data-live]")).toBeAttached();
    const orders = desk.getByRole("list", { name: "Figures", exact: true }).getByRole("link", { name: /^Orders/ });
    const drawn = await newer.getAttribute("d");
    await buy(page, [tempest.slug]);
    await expect(orders.locator("strong")).toHaveText("2");
    await expect(newer).not.toHaveAttribute("d", drawn ?? "");
    await expect(then).toHaveAttribute("aria-pressed", "false");
    await expect(older).toHaveCSS("visibility", "hidden");
    // And it is read as before.
    await line.focus();
    await expect(read.locator(".now")).not.toBeEmpty();
  });

  test("days are chosen by dragging, or with Shift and the arrow keys, and shown", async ({ page, store, anotherBrowser }) => {
    await buy(page, [tempest.slug]);
    const { desk, line } = await overview(anotherBrowser, store);
    const zoom = desk.locator(".plot .zoom");
    const box = await boundsOf(line);
    await desk.mouse.move(box.x + box.width * 0.5, box.y + 20);
    await desk.mouse.down();
    await desk.mouse.move(box.x + box.width * 0.75, box.y + 20, { steps: 5 });
    await expect(zoom).not.toHaveAttribute("width", "0");
    // A drag may end beside the line.
    await desk.mouse.move(box.x + box.width + 30, box.y - 30, { steps: 5 });
    await desk.mouse.up();
    await expect(desk).toHaveURL(/\/admin\?from=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d$/);
    const chosen = new URL(desk.url()).searchParams;
    expect(chosen.get("until")).toBe(new Date().toISOString().slice(0, 10));

    await desk.goto(`${store.url}/admin?days=30&show=orders`);
    await islands(desk);
    await desk.getByRole("img", { name: "Orders by day" }).focus();
    for (let day = 1; day < 7; day += 1) await desk.keyboard.press("Shift+ArrowLeft");
    await expect(zoom).not.toHaveAttribute("width", "0");
    await desk.keyboard.press("Escape");
    await expect(zoom).toHaveAttribute("width", "0");
    await desk.keyboard.press("End");
    for (let day = 1; day < 7; day += 1) await desk.keyboard.press("Shift+ArrowLeft");
    await desk.keyboard.press("Enter");
    await expect(desk).toHaveURL(/\/admin\?show=orders&from=\d{4}-\d\d-\d\d&until=\d{4}-\d\d-\d\d$/);
    const { from, until } = Object.fromEntries(new URL(desk.url()).searchParams);
    expect(Date.parse(until ?? "") - Date.parse(from ?? "")).toBe(6 * 86_400_000);
  });
});
