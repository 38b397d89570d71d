// The way into the desk: the first owner, the sign-in, codes, the team.

import type { Page } from "@playwright/test";
import { islands, scripted } from "../support/buying";
import { codeOf, DEMO, openDesk, PASSWORD } from "../support/desk";
import { expect, test } from "../support/test";

const heading = "heading";

/** Opens a link that brings a secret behind `#`: without scripts it is typed. */
async function openLink(page: Page, url: string): Promise<void> {
  await page.goto(url);
  if (scripted()) {
    await expect(page.getByLabel("Secret")).toBeHidden();
    await expect(page).toHaveURL(url.split("#")[0] ?? "");
  } else {
    await page.getByLabel("Secret").fill(url.split("#")[1] ?? "");
  }
}

test("the demo shows its login, and leads to the desk and back to where one was going", async ({ page, store }) => {
  await page.goto("/admin/audit?who=command");
  await expect(page).toHaveURL(/\/admin\/login\?next=/);
  await expect(page.getByText(DEMO.email)).toBeVisible();
  await page.getByLabel("Email").fill(DEMO.email);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("That is not right. Please check what you typed and try again.");
  await page.getByLabel("Email").fill(DEMO.email);
  await page.getByLabel("Password").fill(DEMO.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(`${store.url}/admin/audit?who=command`);
  await page.getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole(heading, { level: 1 })).toHaveText("Overview");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("status")).toHaveText("You are signed out in this browser.");
  await page.goto("/admin");
  await expect(page.getByRole(heading, { level: 1 })).toHaveText("Sign in");
});

test("a colleague is invited, sets a password, comes in and sees less", async ({ page, anotherBrowser, store, guard }) => {
  guard.allow(/status of 403/);
  await openDesk(page);
  await page.getByRole("link", { name: "Team" }).first().click();
  const email = `colleague${Date.now()}@example.org`;
  const invite = page.getByRole("region", { name: "Invite a colleague" });
  await invite.getByLabel("Email").fill(email);
  await invite.getByLabel("Viewer").check();
  await invite.getByRole("button", { name: "Invite" }).click();
  const panel = page.getByRole("region", { name: `A link for ${email}` });
  await expect(panel).toContainText("It is on its way by mail.");
  const link = await panel.getByRole("code").textContent();
  const colleague = await (await anotherBrowser()).newPage();
  await openLink(colleague, link ?? "");
  await colleague.getByLabel("New password").fill(PASSWORD);
  await colleague.getByRole("button", { name: "Set password" }).click();
  await expect(colleague.getByRole("status")).toHaveText("The password is set. Sign in with it.");
  await colleague.getByLabel("Email").fill(email);
  await colleague.getByLabel("Password").fill(PASSWORD);
  await colleague.getByRole("button", { name: "Sign in" }).click();
  await expect(colleague.getByRole(heading, { level: 1 })).toHaveText("Overview");
  await expect(colleague.getByRole("link", { name: "Team" })).toHaveCount(0);
  await colleague.goto(`${store.url}/admin/team`);
  await expect(colleague.getByRole(heading, { level: 1 })).toHaveText("Your role does not allow this");

  const row = page.getByRole("row").filter({ hasText: email });
  await page.goto("/admin/team");
  await row.getByLabel(`Role of ${email}`).selectOption("owner");
  await row.getByRole("button", { name: "Change" }).click();
  await expect(page.getByRole("status")).toHaveText("The role is changed, from the next page on.");
  await colleague.goto(`${store.url}/admin/team`);
  await expect(colleague.getByRole(heading, { level: 1 })).toHaveText("Team");
  await row.getByRole("button", { name: "Switch off" }).click();
  await expect(row.getByText("Switched off")).toBeVisible();
  await colleague.reload();
  await expect(colleague.getByRole(heading, { level: 1 })).toHaveText("Sign in");
});

test("an account asks for codes, and lets in with one of the telephone or of the paper", async ({ page, anotherBrowser, store }) => {
  await openDesk(page);
  const email = `codes${Date.now()}@example.org`;
  const link = (await store.octavo("admin", "add", email, "--role", "admin")).split("\n")[0] ?? "";
  const reader = await (await anotherBrowser()).newPage();
  await openLink(reader, link);
  await reader.getByLabel("New password").fill(PASSWORD);
  await reader.getByRole("button", { name: "Set password" }).click();
  await reader.getByLabel("Email").fill(email);
  await reader.getByLabel("Password").fill(PASSWORD);
  await reader.getByRole("button", { name: "Sign in" }).click();
  await reader.getByRole("link", { name: email }).click();
  const codes = reader.getByRole("region", { name: "Codes of your telephone" });
  await expect(codes.getByRole("img", { name: "QR code of the secret" })).toBeVisible();
  const secret = (await codes.getByRole("code").textContent()) ?? "";
  await codes.getByLabel("Your password").fill(PASSWORD);
  await codes.getByRole("textbox", { name: "Code" }).fill(codeOf(secret));
  await codes.getByRole("button", { name: "Ask for codes" }).click();
  await expect(reader.getByRole("status")).toHaveText("From now on your account asks for a code.");
  const paper = await reader.getByRole("listitem").getByRole("code").first().textContent();
  await reader.getByRole("button", { name: "Sign out" }).click();

  for (const code of [codeOf(secret, 1), paper ?? ""]) {
    await reader.getByLabel("Email").fill(email);
    await reader.getByLabel("Password").fill(PASSWORD);
    await reader.getByRole("button", { name: "Sign in" }).click();
    await expect(reader.getByRole(heading, { level: 1 })).toHaveText("Your code");
    await reader.getByLabel("Code").fill(code);
    await reader.getByRole("button", { name: "Sign in" }).click();
    await expect(reader.getByRole(heading, { level: 1 })).toHaveText("Overview");
    await reader.getByRole("button", { name: "Sign out" }).click();
  }
});

test("tokens for programs are made with the password, work, and are revoked", async ({ page, store }) => {
  await openDesk(page);
  await page.getByRole("link", { name: DEMO.email }).click();
  const tokens = page.getByRole("region", { name: "Tokens for programs" });
  const make = async (name: string, password: string): Promise<void> => {
    await tokens.getByLabel("Name").fill(name);
    await tokens.getByLabel("Your password").fill(password);
    await tokens.getByRole("button", { name: "Make a token" }).click();
  };
  const shown = async (): Promise<string> =>
    (await page.getByRole("region", { name: "Your new token" }).locator(".secret").textContent()) ?? "";
  const me = (token: string): Promise<number> =>
    fetch(`${store.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  await make("Newsletter", "not the password");
  await expect(page.getByRole("alert")).toHaveText("That is not right. Please check what you typed and try again.");
  await make("Newsletter", DEMO.password);
  const token = await shown();
  expect(await me(token)).toBe(200);
  await tokens.getByRole("row").filter({ hasText: "Newsletter" }).getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("status")).toHaveText("The token is nothing any more.");
  expect(await me(token)).toBe(401);
  await make("One", DEMO.password);
  const one = await shown();
  await make("Two", DEMO.password);
  await tokens.getByRole("button", { name: "Revoke all" }).click();
  await expect(page.getByRole("status")).toHaveText("None of your tokens is anything any more.");
  expect(await me(one)).toBe(401);
  await expect(tokens.getByRole("table")).toHaveCount(0);
});

test.describe("a store that nobody works at yet", () => {
  test.use({ storeEnvironment: { OCTAVO_DEMO: "0" } });

  test("its first owner comes by the link that the program prints, once", async ({ page, store, anotherBrowser, axe }) => {
    await page.goto("/admin/login");
    await expect(page.getByRole(heading, { level: 1 })).toHaveText("Nobody works here yet");
    const link = (await store.octavo("admin", "setup-url")).trim();
    await openLink(page, link);
    await axe();
    await page.getByLabel("Email").fill("ann@example.org");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Open the desk" }).click();
    await expect(page.getByRole(heading, { level: 1 })).toHaveText("Overview");
    const late = await (await anotherBrowser()).newPage();
    await late.goto(link);
    await expect(late.getByRole(heading, { level: 1 })).toHaveText("This store is set up");
  });
});

test("every page of the desk is for everybody's eyes and hands", async ({ page, axe }) => {
  await page.goto("/admin/login");
  await axe();
  await openDesk(page);
  for (const path of ["/admin", "/admin/team", "/admin/account", "/admin/account/codes", "/admin/audit"]) {
    await page.goto(path);
    await islands(page);
    await axe();
  }
});
