// The sandbox's levers, and webhooks made by hand.

import { createHmac } from "node:crypto";
import type { Store } from "./store";

/** What goes wrong with the next API requests: see end2end/stripe-sandbox/README.md. */
export interface Fault {
  kind: "status" | "reset" | "lost_answer" | "delay";
  status?: number;
  millis?: number;
  method?: string;
  path?: string;
  times?: number;
}

/** As far as the tests look at it. */
export interface StripeEvent {
  id: string;
  type: string;
  data: { object: { id: string } };
}

async function call(store: Store, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${store.sandboxUrl}${path}`, {
    method,
    headers: { authorization: "Bearer sk_test_end2end", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Lets something go wrong. */
export async function fault(store: Store, what: Fault): Promise<void> {
  await call(store, "POST", "/_sandbox/faults", what);
}

/** Nothing goes wrong any more. */
export async function noFaults(store: Store): Promise<void> {
  await call(store, "DELETE", "/_sandbox/faults");
}

/** The session is over, unpaid. */
export async function expireSession(store: Store, id: string): Promise<void> {
  await call(store, "POST", `/_sandbox/sessions/${id}/expire`);
}

/** The event that says a session was completed, whole. */
export async function completion(store: Store, session: string): Promise<StripeEvent> {
  const list = (await call(store, "GET", "/v1/events?type=checkout.session.completed&limit=100")) as {
    data: StripeEvent[];
  };
  const found = list.data.find((event) => event.data.object.id === session);
  if (found === undefined) throw new Error(`no event completes ${session}`);
  return found;
}

/** Sends what the sandbox has already sent once more. */
export async function deliverAgain(store: Store, event: string): Promise<void> {
  await call(store, "POST", `/_sandbox/events/${event}/deliver`);
}

/** The Stripe-Signature header for a body (https://docs.stripe.com/webhooks#verify-manually). */
export function signature(body: string, secret: string, at = Math.floor(Date.now() / 1000)): string {
  return `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${body}`).digest("hex")}`;
}

/** Posts a webhook; without a signature the header is left out. */
export async function postWebhook(store: Store, body: string, signed?: string): Promise<number> {
  const answer = await fetch(`${store.url}/webhooks/stripe`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(signed === undefined ? {} : { "stripe-signature": signed }) },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}
