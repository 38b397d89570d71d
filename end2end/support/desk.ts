// The desk, as somebody who works there goes about it.

import { createHmac } from "node:crypto";
import { expect, type Page } from "@playwright/test";

/** Everybody's in these tests, once it is set. */
export const PASSWORD = "four random words here";

/** The demo's owner, as its sign-in shows. */
export const DEMO = { email: "owner@demo.example", password: "look around as you like" };

/** Fills in the sign-in's form. */
export async function signIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  await page.goto("/admin/login");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Is led to the desk as the demo's owner. */
export async function openDesk(page: Page): Promise<void> {
  await signIn(page, DEMO);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
}

/** What an authenticator shows for a secret (RFC 6238), now or some half minutes later. */
export function codeOf(secret: string, later = 0): string {
  const bits = [...secret.replaceAll(" ", "")]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const hash = createHmac("sha1", key).update(step).digest();
  const at = (hash[19] ?? 0) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
