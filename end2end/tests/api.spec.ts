// The API for people: the document as a page.

import { expect, test } from "../support/test";

test("every operation can be read, unfolded, on a phone and on a desk", async ({ page, axe }) => {
  await page.goto("/api/v1/docs");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("The API");
  await page.getByRole("link", { name: "Refunds" }).click();
  await expect(page).toHaveURL("/api/v1/docs#refunds");
  const refund = page.locator("#refund-order");
  await expect(refund.getByRole("heading", { name: "Body" })).toBeHidden();
  await refund.locator("summary").click();
  await expect(refund.getByRole("heading", { name: "Body" })).toBeVisible();
  await expect(refund.getByText("items[].book")).toBeVisible();
  await expect(refund.getByText("For the role admin and above, with the scope write.")).toBeVisible();
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  }
  await axe(page);
});
