// New editions of books that are sold already, added as their publisher does.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Book, BookFile } from "./books";
import { root } from "./places";
import type { Store } from "./store";

/** What the new edition brings, in Markdown. */
export const changelog = "A new **preface**, and the whale is larger.";

/** Adds the file as the book's "Second edition". */
export async function addEdition(store: Store, book: Book, file: BookFile): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "octavo-e2e-edition-"));
  try {
    const news = join(folder, "changelog.md");
    writeFileSync(news, changelog);
    const path = join(root, "server/demo/files", file.filename);
    await store.octavo("edition", "add", book.slug, "--label", "Second edition", "--changelog", news, "--file", path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
