// The desk's settings. Tax: as it comes, refused, saved, and with a rate of the operator's own. Invoices: as they come,
// refused, with a seller and a logo.

import { expect } from "@playwright/test";
import { openDesk } from "./desk";
import type { Tour } from "./tour";

/** The desk: tax. */
export async function deskTax({ store, anotherBrowser, look }: Tour): Promise<void> {
  const desk = await (await anotherBrowser()).newPage();
  await desk.goto(store.url);
  await openDesk(desk);
  await desk.goto("/admin/settings/tax");
  await desk.getByText("The rates of today").click();
  await look("desk tax", desk);
  const form = desk.getByRole("region", { name: "How the store taxes" });
  await form.getByLabel("Who works it out").selectOption("table");
  await form.getByRole("combobox", { name: "Prices" }).selectOption("added");
  await form.getByLabel("Your country").fill("DE");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(desk.getByRole("alert")).toContainText("Not saved yet");
  await expect(form.getByText("prices must hold the tax")).toBeVisible();
  await expect(form.getByLabel("Your country")).toHaveValue("DE");
  await look("desk tax refused", desk);
  await form.getByLabel("Who works it out").selectOption("table");
  await form.getByRole("combobox", { name: "Prices" }).selectOption("included");
  await form.getByLabel("Your country").fill("DE");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(desk.getByRole("status")).toContainText("Saved.");
  const rate = desk.getByRole("region", { name: "Set a rate" });
  await rate.getByLabel("Country").fill("JP");
  await rate.getByLabel("Percent").fill("10");
  await rate.getByLabel("From").fill("2026-01-01");
  await rate.getByLabel("Source").fill("Consumption Tax Act");
  await rate.getByRole("button", { name: "Set the rate" }).click();
  await expect(desk.getByRole("status")).toContainText("The rate is set.");
  await look("desk tax with an own rate", desk);
  await desk.getByRole("button", { name: "Remove" }).click();
  // What comes after this counts on a store that does not tax.
  await form.getByLabel("Who works it out").selectOption("none");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(desk.getByRole("status")).toContainText("Saved.");
  // Who sells.
  await desk.goto("/admin/settings/invoices");
  await look("desk invoices", desk);
  const seller = desk.getByRole("region", { name: "Who sells" });
  await seller.getByLabel("Name").fill("Tide Press");
  await seller.getByLabel("Country").evaluate((field: HTMLInputElement) => field.removeAttribute("pattern"));
  await seller.getByLabel("Country").fill("1X");
  await seller.getByRole("button", { name: "Save" }).click();
  await expect(desk.getByRole("alert")).toBeVisible();
  await look("desk invoices refused", desk);
  await seller.getByLabel("Name").fill("Tide Press");
  await seller.getByLabel("Address").fill("Harbour Street 1\n20459 Hamburg");
  await seller.getByLabel("Country").fill("DE");
  await seller.getByLabel("VAT ID").fill("DE123456789");
  await seller.getByRole("button", { name: "Save" }).click();
  await expect(desk.getByRole("status")).toContainText("Saved.");
  await look("desk invoices saved", desk);
}
