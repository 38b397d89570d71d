// Access by e-mail, as a reader goes about it: ask, look into the mailbox, open.

import { expect, type Page } from "@playwright/test";
import { islands } from "./buying";

/** What a mail brings. */
export interface Brought {
  /** The address behind the button. */
  link: string;
  /** "ABCD-EFGH". */
  code: string;
}

/** Types an address into the library's page. */
export async function askForLibrary(page: Page, email: string): Promise<void> {
  await page.goto("/library");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send link" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your mail");
  await expect(
    page.getByText("If there are purchases under this address, we have sent a link and a code."),
  ).toBeVisible();
}

/** Reads the newest mail with a link to that address's library in the demo's mailbox. */
export async function readMail(mailbox: Page, email: string, atLeast = 1): Promise<Brought> {
  const mails = mailbox
    .getByRole("listitem")
    .filter({ hasText: `To ${email}, ` })
    .getByRole("link", { name: /^Your books at / });
  await expect
    .poll(async () => {
      await mailbox.goto("/demo/mailbox");
      return mails.count();
    }, { timeout: 15_000 })
    .toBeGreaterThanOrEqual(atLeast);
  // By its source: into the mail's frame, which runs no scripts, Playwright would try to put some of its own.
  const address = new URL((await mails.first().getAttribute("href")) ?? "", mailbox.url());
  const text = (await (await mailbox.request.get(address.href)).text()).replaceAll("<!>", "");
  const link = /"(http[^"]+\/library\/open#[^"]+)"/.exec(text)?.[1];
  const code = /^ {4}([2-9A-Z]{4}-[2-9A-Z]{4})$/m.exec(text)?.[1];
  if (link === undefined || code === undefined) throw new Error(`no link or no code in: ${text}`);
  return { link, code };
}

/** Asks, reads the mail and types the code, which ends on the shelf. */
export async function openLibrary(page: Page, mailbox: Page, email: string): Promise<void> {
  await askForLibrary(page, email);
  const { code } = await readMail(mailbox, email);
  await islands(page);
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Open my library" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your library");
  await expect(page.getByRole("heading", { name: "Orders" })).toBeVisible();
}
