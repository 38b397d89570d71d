// How little the browser has to load (issue 2, "Weight"): measured on the
// bytes that the server really sends.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { islands } from "../support/buying";
import { openDesk } from "../support/desk";
import { root } from "../support/places";
import type { Store } from "../support/store";
import { expect, test } from "../support/test";

const KB = 1024;
const WASM = /\/pkg\/[0-9a-f]{16}\/octavo\.[\w-]{22}\.wasm$/;
/** Any WebAssembly at all. */
const ANY_WASM = /\.wasm(\?|$)/;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As sent: compressed. */
  sent: Buffer;
}

/** GET as a browser that takes brotli, without unpacking the answer. */
function get(address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpGet(address, { headers: { "accept-encoding": "br", accept: "text/html,*/*" } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, sent: Buffer.concat(chunks) }),
      );
    }).on("error", reject);
  });
}

async function html(address: string): Promise<{ text: string; sent: number }> {
  const { headers, sent } = await get(address);
  expect(headers["content-encoding"], address).toBe("br");
  return { text: brotliDecompressSync(sent).toString("utf8"), sent: sent.length };
}

/** Hashed, precompressed, kept for ever. */
async function expectAsset(address: string, limit: number): Promise<void> {
  const { status, headers, sent } = await get(address);
  expect(status, address).toBe(200);
  expect(headers["content-encoding"], address).toBe("br");
  expect(headers["cache-control"], address).toMatch(/max-age=31536000.*immutable/);
  expect(sent.length, `${address}: bytes as sent`).toBeLessThanOrEqual(limit);
}

/** As long as titles and names are, and as different: four and twenty books that are none of the demo's. */
const SHELF: [title: string, author: string, price: number][] = [
  ["Middlemarch", "George Eliot", 899],
  ["The Strange Case of Dr Jekyll and Mr Hyde", "Robert Louis Stevenson", 349],
  ["North and South", "Elizabeth Gaskell", 649],
  ["Frankenstein; or, The Modern Prometheus", "Mary Wollstonecraft Shelley", 549],
  ["The Tenant of Wildfell Hall", "Anne Brontë", 699],
  ["Three Men in a Boat", "Jerome K. Jerome", 449],
  ["The Woman in White", "Wilkie Collins", 799],
  ["Jude the Obscure", "Thomas Hardy", 749],
  ["Wuthering Heights", "Emily Brontë", 599],
  ["The Way We Live Now", "Anthony Trollope", 1_099],
  ["A Vindication of the Rights of Woman", "Mary Wollstonecraft", 499],
  ["Great Expectations", "Charles Dickens", 849],
  ["The Mysteries of Udolpho", "Ann Radcliffe", 949],
  ["Vanity Fair", "William Makepeace Thackeray", 999],
  ["The Importance of Being Earnest", "Oscar Wilde", 299],
  ["Heart of Darkness", "Joseph Conrad", 399],
  ["The Turn of the Screw", "Henry James", 379],
  ["Gulliver’s Travels", "Jonathan Swift", 629],
  ["A Journal of the Plague Year", "Daniel Defoe", 529],
  ["The Life and Opinions of Tristram Shandy", "Laurence Sterne", 879],
  ["Leaves of Grass", "Walt Whitman", 679],
  ["The Souls of Black Folk", "W. E. B. Du Bois", 729],
  ["Adventures of Huckleberry Finn", "Mark Twain", 569],
  ["The Awakening", "Kate Chopin", 479],
];

/** Puts them into the store, each with covers and a file. */
async function stock(store: Store): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "octavo-e2e-shelf-"));
  try {
    const cover = (width: number): string => join(root, `server/demo/covers/hamlet-${width}.webp`);
    const books = SHELF.map(([title, author, price]) => {
      const slug = title.toLowerCase().replaceAll(/[^a-z]+/g, "-");
      writeFileSync(join(folder, `${slug}.epub`), `not really an EPUB: ${title}`);
      return {
        slug,
        title,
        sort_title: title,
        language: "en",
        contributors: [{ name: author, role: "author" }],
        description_md: `**${title}** by ${author}.`,
        status: "published",
        accent: `#${(price * 7_919).toString(16).padStart(6, "0").slice(-6)}`,
        prices: { USD: price },
        cover: { 240: cover(240), 480: cover(480), 960: cover(960) },
        edition: { label: "First" },
        files: [{ format: "epub", path: `${slug}.epub`, filename: `${slug}.epub` }],
      };
    });
    writeFileSync(join(folder, "catalogue.json"), JSON.stringify({ books }));
    await store.octavo("seed", "--from", folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.describe("on a store with more books", () => {
  test.use({ storeFor: "test" });

  test("a page of 24 books is 4 KB at most, and the next page is a link away", async ({ page, store }) => {
    await stock(store);
    for (const address of ["/", "/?sort=title", "/?sort=price"]) {
      const { text, sent } = await html(`${store.url}${address}`);
      expect(text.match(/<h2>/g)).toHaveLength(24);
      expect(sent, `${address}: bytes as sent`).toBeLessThanOrEqual(4 * KB);
    }
    await page.goto("/?sort=title");
    const shelf = page.getByRole("main").getByRole("heading", { level: 2 });
    const first = await shelf.allTextContents();
    await page.getByRole("link", { name: "Next page" }).click();
    await expect(page.getByRole("link", { name: "First page" })).toBeVisible();
    const second = await shelf.allTextContents();
    // All 33, each once, in order.
    expect(first.length + second.length).toBe(33);
    expect(new Set([...first, ...second]).size).toBe(33);
  });
});

test("HTML is compressed, CSS is small, and one stylesheet alone blocks rendering", async ({ page, store }) => {
  for (const address of ["/", "/books/the-tempest", "/cart"]) {
    const { text } = await html(`${store.url}${address}`);
    const stylesheets = [...text.matchAll(/<link[^>]*rel="?stylesheet"?[^>]*>/g)].map(([tag]) => tag);
    expect(stylesheets).toHaveLength(1);
    const href = /href="([^"]+)"/.exec(stylesheets[0] ?? "")?.[1];
    expect(href).toMatch(/^\/pkg\/octavo\.[\w-]{22}\.css$/);
    await expectAsset(`${store.url}${href}`, 6 * KB);

    // What the browser itself says.
    await page.goto(address);
    const blocking = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((entry) => (entry as PerformanceResourceTiming & { renderBlockingStatus: string }).renderBlockingStatus === "blocking")
        .map((entry) => new URL(entry.name).pathname),
    );
    expect(blocking, address).toEqual([href]);
  }
});

test("the islands' wasm is small and comes when the browser is idle", async ({ page, store }) => {
  const coming = page.waitForRequest(WASM);
  await page.goto("/");
  const wasm = (await coming).url();
  expect(wasm.startsWith(store.url)).toBe(true);
  await expectAsset(wasm, 110 * KB);
  await islands(page);
  const scripts = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((entry) => entry.name)
      .filter((name) => name.endsWith(".js")),
  );
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) await expectAsset(script, 8 * KB);
});

test("no chunk of the desk comes with what a reader opens", async ({ page, store, anotherBrowser }) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    if (ANY_WASM.test(request.url())) asked.push(new URL(request.url()).pathname);
  });
  for (const address of ["/", "/books/the-tempest", "/cart", "/checkout/free", "/library", "/admin/login"]) {
    await page.goto(address, { waitUntil: "networkidle" });
    await islands(page);
  }
  expect(asked.length).toBeGreaterThan(0);
  for (const path of asked) expect(path).toMatch(WASM);

  // The desk's overview is what it is for.
  const desk = await (await anotherBrowser()).newPage();
  await desk.goto(store.url);
  const chunk = desk.waitForRequest((request) => ANY_WASM.test(request.url()) && !WASM.test(request.url()));
  await openDesk(desk);
  await expectAsset((await chunk).url(), 24 * KB);
});

test("a browser that is never idle loads the wasm when somebody touches an island", async ({ page }) => {
  await page.addInitScript(() => {
    window.requestIdleCallback = () => 0;
  });
  let loaded = 0;
  page.on("request", (request) => {
    if (WASM.test(request.url())) loaded += 1;
  });
  await page.goto("/", { waitUntil: "networkidle" });
  expect(loaded).toBe(0);
  await page.getByRole("link", { name: "Hamlet" }).hover();
  expect(loaded).toBe(0);
  const coming = page.waitForRequest(WASM);
  await page.getByRole("button", { name: "Dark theme" }).hover();
  await coming;
  await islands(page);
  expect(loaded).toBe(1);
});

test("every asset of a page is kept for ever or checked, and none comes from elsewhere", async ({ page, store }) => {
  const answers: Promise<[string, string | undefined]>[] = [];
  page.on("response", (response) => {
    answers.push(response.allHeaders().then((headers) => [response.url(), headers["cache-control"]]));
  });
  await page.goto("/books/the-tempest", { waitUntil: "networkidle" });
  await islands(page);
  const kept = await Promise.all(answers);
  expect(kept.length).toBeGreaterThan(4);
  for (const [address, cacheControl] of kept) {
    expect(address.startsWith(`${store.url}/`), address).toBe(true);
    if (/\/(pkg|covers)\/|\/loader\./.test(address)) expect(cacheControl, address).toMatch(/immutable/);
    else expect(cacheControl, address).toBeTruthy();
  }
});

for (const address of ["/", "/books/the-tempest", "/cart", "/checkout/free"]) {
  test(`${address} is whole before any script`, async ({ page, store, browser }) => {
    await page.goto(address);
    await islands(page);
    const living = await page.locator("body").ariaSnapshot();
    const context = await browser.newContext({ javaScriptEnabled: false });
    try {
      const plain = await context.newPage();
      await plain.goto(`${store.url}${address}`);
      expect(await plain.locator("body").ariaSnapshot()).toBe(living);
    } finally {
      await context.close();
    }
  });
}
