// The demo books, read from the folder they are seeded from.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places";

const folder = join(root, "server/demo");

/** A file that is sold. */
export interface BookFile {
  /** As on the button: "EPUB". */
  format: string;
  filename: string;
  bytes: number;
  sha256: string;
}

/** A book of the catalogue. */
export interface Book {
  slug: string;
  title: string;
  sortTitle: string;
  published: boolean;
  /** Minor units, US dollars. */
  price: number;
  files: BookFile[];
}

interface Entry {
  slug: string;
  title: string;
  sort_title: string;
  status: string;
  prices: Record<string, number>;
  files: { format: string; path: string; filename: string }[];
}

/** All of them, drafts too, in the order they came into the shop. */
export const books: Book[] = (
  JSON.parse(readFileSync(join(folder, "catalogue.json"), "utf8")) as { books: Entry[] }
).books.map((entry) => ({
  slug: entry.slug,
  title: entry.title,
  sortTitle: entry.sort_title,
  published: entry.status === "published",
  price: entry.prices["USD"] ?? 0,
  files: entry.files.map(({ format, path, filename }) => {
    const content = readFileSync(join(folder, path));
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { format: format.toUpperCase(), filename, bytes: content.length, sha256 };
  }),
}));

/** The book of that slug. */
export function book(slug: string): Book {
  const found = books.find((one) => one.slug === slug);
  if (found === undefined) throw new Error(`no demo book ${slug}`);
  return found;
}

/** Two formats. */
export const tempest = book("the-tempest");
/** Two formats. */
export const hamlet = book("hamlet");
/** Only an EPUB. */
export const mobyDick = book("moby-dick");
/** Not on sale. */
export const draft = book("northanger-abbey");

/** US dollars as the store writes them. */
export function dollars(minor: number): string {
  return `$${(minor / 100).toFixed(2)}`;
}
