// How little the browser has to load (issue 2, "Weight"): measured on the
// bytes that the server really sends.

import { get as httpGet } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { expect, test } from "../support/test";

const KB = 1024;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** As sent: compressed. */
  sent: Buffer;
}

/** GET as a browser that takes brotli, without unpacking the answer. */
function get(address: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpGet(address, { headers: { "accept-encoding": "br", accept: "*/*" } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, sent: Buffer.concat(chunks) }),
      );
    }).on("error", reject);
  });
}

/** Hashed, precompressed, kept for ever. */
async function expectAsset(address: string, limit: number): Promise<void> {
  const { status, headers, sent } = await get(address);
  expect(status, address).toBe(200);
  expect(headers["content-encoding"], address).toBe("br");
  expect(headers["cache-control"], address).toMatch(/max-age=31536000.*immutable/);
  expect(sent.length, `${address}: bytes as sent`).toBeLessThanOrEqual(limit);
}

test("HTML and CSS are small and compressed, and one stylesheet blocks rendering", async ({ store }) => {
  const page = await get(`${store.url}/`);
  expect(page.headers["content-encoding"]).toBe("br");
  expect(page.sent.length).toBeLessThanOrEqual(4 * KB);
  const html = brotliDecompressSync(page.sent).toString("utf8");

  const stylesheets = [...html.matchAll(/<link[^>]*rel="?stylesheet"?[^>]*>/g)].map(([tag]) => tag);
  expect(stylesheets).toHaveLength(1);
  const href = /href="([^"]+)"/.exec(stylesheets[0] ?? "")?.[1];
  expect(href).toMatch(/^\/pkg\/octavo\.[\w-]{22}\.css$/);
  await expectAsset(`${store.url}${href}`, 6 * KB);

  // A script in the head that is neither a module nor deferred would block too.
  const head = html.slice(0, html.indexOf("</head>"));
  const blocking = [...head.matchAll(/<script\b[^>]*\bsrc=[^>]*>/g)].filter(
    ([tag]) => !/type="?module|\bdefer\b|\basync\b/.test(tag),
  );
  expect(blocking).toEqual([]);
});

test("the islands' wasm comes when the browser is idle, and is small", async ({ page, store }) => {
  const coming = page.waitForRequest(/\/pkg\/octavo\.[\w-]{22}\.wasm$/);
  await page.goto("/");
  const wasm = (await coming).url();
  expect(wasm.startsWith(store.url)).toBe(true);
  await expectAsset(wasm, 110 * KB);
});
