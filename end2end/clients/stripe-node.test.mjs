// Stripe's own client for Node.js against the sandbox: what it cannot do there is the sandbox's mistake.
// Run by scripts/stripe-clients.sh, which starts a sandbox and gives its address in STRIPE_SANDBOX_URL.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import Stripe from "stripe";

const address = process.env.STRIPE_SANDBOX_URL;
assert.ok(address, "STRIPE_SANDBOX_URL is not set: run scripts/stripe-clients.sh");
const url = new URL(address);
const stripe = new Stripe("sk_test_clients", {
  host: url.hostname,
  port: url.port,
  protocol: "http",
  maxNetworkRetries: 0,
  telemetry: false,
});

/** @type {{ body: string, signature: string }[]} */
const deliveries = [];
const receiver = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    deliveries.push({ body: Buffer.concat(chunks).toString(), signature: request.headers["stripe-signature"] });
    response.end();
  });
});
let endpoint;

before(async () => {
  await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
  endpoint = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${receiver.address().port}/stripe`,
    enabled_events: ["checkout.session.completed", "charge.refunded"],
  });
});
after(async () => {
  await stripe.webhookEndpoints.del(endpoint.id);
  receiver.closeAllConnections();
  await new Promise((closed) => receiver.close(closed));
});

function order(reference, changes = {}) {
  return {
    mode: "payment",
    success_url: "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}",
    client_reference_id: reference,
    metadata: { order: reference },
    line_items: [
      { quantity: 2, price_data: { currency: "usd", unit_amount: 1299, product_data: { name: "Dune" } } },
      { quantity: 1, price_data: { currency: "usd", unit_amount: 500, product_data: { name: "Emma" } } },
    ],
    ...changes,
  };
}

async function control(path, body = {}) {
  const answer = await fetch(`${address}/_sandbox${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function paid(reference) {
  const session = await stripe.checkout.sessions.create(order(reference));
  await control(`/sessions/${session.id}/pay`, { card: "4242424242424242" });
  return stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent.latest_charge", "line_items"] });
}

async function until(what) {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const found = what();
    if (found !== undefined) return found;
    await new Promise((wake) => setTimeout(wake, 10));
  }
  throw new Error("it did not happen in time");
}

test("creates a session, and retrieves it with what it names", async () => {
  const open = await stripe.checkout.sessions.create(order("node-1"));
  assert.equal(open.status, "open");
  assert.equal(open.amount_total, 3098);
  assert.equal(new URL(open.url).host, url.host);
  const session = await paid("node-2");
  assert.equal(session.payment_status, "paid");
  assert.equal(session.payment_intent.latest_charge.amount, 3098);
  assert.deepEqual(session.line_items.data.map((line) => line.description), ["Dune", "Emma"]);
  assert.equal(session.lastResponse.statusCode, 200);
  assert.match(session.lastResponse.requestId, /^req_/);
});

test("lists events, newest first, by type", async () => {
  const session = await paid("node-3");
  const events = await stripe.events.list({ type: "checkout.session.completed", limit: 1 });
  assert.equal(events.data[0].data.object.id, session.id);
  const event = await stripe.events.retrieve(events.data[0].id);
  assert.equal(event.type, "checkout.session.completed");
  assert.equal((await stripe.events.list({ type: "checkout.session.completed", created: { lt: 1000 } })).data.length, 0);
});

test("refunds in parts, and gets Stripe's error for too much", async () => {
  const session = await paid("node-4");
  const intent = session.payment_intent.id;
  const refund = await stripe.refunds.create({ payment_intent: intent, amount: 1000, reason: "requested_by_customer" });
  assert.equal(refund.status, "succeeded");
  await assert.rejects(stripe.refunds.create({ payment_intent: intent, amount: 9999 }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.param, "amount");
    return true;
  });
  await stripe.refunds.create({ payment_intent: intent });
  await assert.rejects(stripe.refunds.create({ payment_intent: intent }), { code: "charge_already_refunded" });
  const charge = await stripe.charges.retrieve(session.payment_intent.latest_charge.id, { expand: ["refunds"] });
  assert.equal(charge.refunded, true);
  assert.equal(charge.refunds.data.length, 2);
});

test("an idempotency key replays, and is refused for something else", async () => {
  const options = { idempotencyKey: `node-${process.pid}` };
  const first = await stripe.checkout.sessions.create(order("node-5"), options);
  const again = await stripe.checkout.sessions.create(order("node-5"), options);
  assert.equal(again.id, first.id);
  await assert.rejects(stripe.checkout.sessions.create(order("node-6"), options), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeIdempotencyError, error.constructor.name);
    assert.equal(error.statusCode, 400);
    return true;
  });
});

test("walks through more than a hundred objects by itself", async () => {
  const made = new Set();
  for (let n = 0; n < 125; n += 1) made.add((await stripe.customers.create({ email: "node@example.com" })).id);
  const found = [];
  for await (const customer of stripe.customers.list({ email: "node@example.com", limit: 50 })) found.push(customer.id);
  assert.equal(found.length, 125);
  assert.deepEqual(new Set(found), made);
});

test("verifies the signature of a webhook that really came", async () => {
  const session = await paid("node-7");
  const delivery = await until(() => deliveries.find(({ body }) => JSON.parse(body).data.object.id === session.id));
  const event = stripe.webhooks.constructEvent(delivery.body, delivery.signature, endpoint.secret);
  assert.equal(event.type, "checkout.session.completed");
  assert.equal(event.data.object.metadata.order, "node-7");
  const forged = [
    [delivery.body.replace("node-7", "node-8"), endpoint.secret],
    [delivery.body, "whsec_other"],
  ];
  for (const [body, secret] of forged) {
    assert.throws(
      () => stripe.webhooks.constructEvent(body, delivery.signature, secret),
      Stripe.errors.StripeSignatureVerificationError,
    );
  }
});

test("tells a wrong key, a rate limit, a server error and a lost connection apart", async () => {
  const stranger = new Stripe("sk_live_x", { host: url.hostname, port: url.port, protocol: "http", telemetry: false });
  await assert.rejects(stranger.events.list(), Stripe.errors.StripeAuthenticationError);
  await assert.rejects(stripe.checkout.sessions.retrieve("cs_test_none"), { code: "resource_missing", statusCode: 404 });
  for (const [fault, error] of [
    [{ kind: "status", status: 429 }, Stripe.errors.StripeRateLimitError],
    [{ kind: "status", status: 500 }, Stripe.errors.StripeAPIError],
    // It tries a connection that was closed once more, whatever it was told about retries.
    [{ kind: "reset", times: 2 }, Stripe.errors.StripeConnectionError],
  ]) {
    const set = await fetch(`${address}/_sandbox/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...fault, path: "/v1/balance" }),
    });
    assert.equal(set.status, 201);
    await assert.rejects(stripe.rawRequest("GET", "/v1/balance"), error);
  }
});

test("retries a lost answer without a second session", async () => {
  const patient = new Stripe("sk_test_clients", {
    host: url.hostname,
    port: url.port,
    protocol: "http",
    maxNetworkRetries: 2,
    telemetry: false,
  });
  const reference = `node-lost-${process.pid}`;
  await fetch(`${address}/_sandbox/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "lost_answer", method: "POST", path: "/v1/checkout/sessions" }),
  });
  const session = await patient.checkout.sessions.create(order(reference));
  const { data } = await (await fetch(`${address}/_sandbox/attempts`)).json();
  const attempt = data.find((row) => row.attempt === reference);
  assert.deepEqual(attempt.sessions, [session.id]);
  assert.equal(attempt.requests, 2);
  assert.equal(attempt.most_live, 1);
});

test("answers a dispute, and deletes a customer", async () => {
  const session = await paid("node-9");
  const { id } = await control(`/payments/${session.id}/dispute`, { reason: "product_not_received" });
  const open = await stripe.disputes.retrieve(id, { expand: ["charge"] });
  assert.equal(open.status, "needs_response");
  assert.equal(open.charge.disputed, true);
  const won = await stripe.disputes.update(id, { evidence: { uncategorized_text: "winning_evidence" } });
  assert.equal(won.status, "won");
  const customer = await stripe.customers.create({ name: "Ada" });
  assert.equal((await stripe.customers.update(customer.id, { name: "Ada L." })).name, "Ada L.");
  assert.equal((await stripe.customers.del(customer.id)).deleted, true);
});
