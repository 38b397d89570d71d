// The store's database from behind: to make happen what takes days, and to
// count what must not have happened. Python is there on every Debian and has
// SQLite in its standard library; Node 20 has not.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Store } from "./store";

type Value = string | number | null;

const SCRIPT = `
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10)
with connection:
    cursor = connection.execute(sys.argv[2], json.loads(sys.argv[3]))
    print(json.dumps({"rows": cursor.fetchall(), "changed": cursor.rowcount}))
`;

function run(store: Store, sql: string, values: Value[]): { rows: Value[][]; changed: number } {
  const args = ["-c", SCRIPT, join(store.data, "octavo.db"), sql, JSON.stringify(values)];
  return JSON.parse(execFileSync("python3", args, { encoding: "utf8" })) as { rows: Value[][]; changed: number };
}

/** Changes rows; none changed is an error of the test. */
export function change(store: Store, sql: string, ...values: Value[]): void {
  if (run(store, sql, values).changed < 1) throw new Error(`changed nothing: ${sql} ${JSON.stringify(values)}`);
}

/** The first value of the first row. */
export function value(store: Store, sql: string, ...values: Value[]): Value | undefined {
  return run(store, sql, values).rows[0]?.[0];
}

/** How many rows a table has. */
export function count(store: Store, table: string): number {
  return Number(value(store, `SELECT count(*) FROM ${table}`));
}

/** Sets a book's price in US dollars. */
export function reprice(store: Store, slug: string, minor: number): void {
  const which = "currency = 'USD' AND book_id = (SELECT id FROM book WHERE slug = ?)";
  change(store, `UPDATE book_price SET unit_amount = ? WHERE ${which}`, minor, slug);
}

/** Puts a book on sale or takes it off. */
export function setStatus(store: Store, slug: string, status: "draft" | "published" | "archived"): void {
  change(store, "UPDATE book SET status = ? WHERE slug = ?", status, slug);
}

/** The rows of `download_token` that belong to an order. */
const TOKENS_OF_ORDER = `entitlement_id IN (
  SELECT e.id FROM entitlement e JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id
  WHERE o.number = ?)`;

/** The time of an order's download tokens was over a minute ago. */
export function expireDownloads(store: Store, number: string): void {
  const sql = `UPDATE download_token SET expires_at = datetime('now', '-1 minute') WHERE ${TOKENS_OF_ORDER}`;
  change(store, sql, number.replace("-", ""));
}

/** The order was placed so long ago that nothing of it can be renewed any more. */
export function ageEntitlements(store: Store, number: string, days: number): void {
  const sql = `UPDATE entitlement SET granted_at = datetime('now', ?) WHERE order_item_id IN (
    SELECT i.id FROM order_item i JOIN orders o ON o.id = i.order_id WHERE o.number = ?)`;
  change(store, sql, `-${days} days`, number.replace("-", ""));
}
