"""Stripe's own client for Python against the sandbox: what it cannot do there is the sandbox's mistake.

Run by scripts/stripe-clients.sh, which starts a sandbox and gives its address in STRIPE_SANDBOX_URL.
"""

import http.server
import json
import os
import threading
import time
import unittest
import urllib.request

import stripe

ADDRESS = os.environ["STRIPE_SANDBOX_URL"]


def client(key="sk_test_clients", retries=0):
    return stripe.StripeClient(key, base_addresses={"api": ADDRESS}, max_network_retries=retries)


def control(path, body=None):
    request = urllib.request.Request(
        f"{ADDRESS}/_sandbox{path}",
        data=json.dumps(body or {}).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def order(reference, **changes):
    def line(name, amount, quantity):
        price = {"currency": "usd", "unit_amount": amount, "product_data": {"name": name}}
        return {"quantity": quantity, "price_data": price}

    return {
        "mode": "payment",
        "success_url": "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}",
        "client_reference_id": reference,
        "metadata": {"order": reference},
        "line_items": [line("Dune", 1299, 2), line("Emma", 500, 1)],
        **changes,
    }


class Receiver(http.server.BaseHTTPRequestHandler):
    deliveries = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        Receiver.deliveries.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class OfficialClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stripe = client()
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.endpoint = cls.stripe.v1.webhook_endpoints.create(
            params={
                "url": f"http://127.0.0.1:{cls.server.server_port}/stripe",
                "enabled_events": ["checkout.session.completed", "refund.created"],
            }
        )

    @classmethod
    def tearDownClass(cls):
        cls.stripe.v1.webhook_endpoints.delete(cls.endpoint.id)
        cls.server.shutdown()
        cls.server.server_close()

    def paid(self, reference):
        session = self.stripe.v1.checkout.sessions.create(params=order(reference))
        control(f"/sessions/{session.id}/pay", {"card": "4242424242424242"})
        expand = ["payment_intent.latest_charge", "line_items"]
        return self.stripe.v1.checkout.sessions.retrieve(session.id, params={"expand": expand})

    def test_creates_a_session_and_retrieves_it_with_what_it_names(self):
        session = self.stripe.v1.checkout.sessions.create(params=order("python-1"))
        self.assertEqual((session.status, session.amount_total), ("open", 3098))
        self.assertTrue(session.url.startswith(ADDRESS))
        paid = self.paid("python-2")
        self.assertEqual(paid.payment_status, "paid")
        self.assertEqual(paid.payment_intent.latest_charge.amount, 3098)
        self.assertEqual([line.description for line in paid.line_items.data], ["Dune", "Emma"])

    def test_lists_events_by_type(self):
        session = self.paid("python-3")
        events = self.stripe.v1.events.list(params={"type": "checkout.session.completed", "limit": 1})
        self.assertEqual(events.data[0].data.object["id"], session.id)
        self.assertEqual(self.stripe.v1.events.retrieve(events.data[0].id).type, "checkout.session.completed")

    def test_refunds_in_parts_and_gets_stripes_error_for_too_much(self):
        intent = self.paid("python-4").payment_intent.id
        refund = self.stripe.v1.refunds.create(params={"payment_intent": intent, "amount": 1000})
        self.assertEqual(refund.status, "succeeded")
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.v1.refunds.create(params={"payment_intent": intent, "amount": 9999})
        self.assertEqual(caught.exception.param, "amount")
        self.stripe.v1.refunds.create(params={"payment_intent": intent})
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.stripe.v1.refunds.create(params={"payment_intent": intent})
        self.assertEqual(caught.exception.code, "charge_already_refunded")
        listed = self.stripe.v1.refunds.list(params={"payment_intent": intent})
        self.assertEqual([refund.amount for refund in listed.data], [2098, 1000])

    def test_an_idempotency_key_replays_and_is_refused_for_something_else(self):
        options = {"idempotency_key": f"python-{os.getpid()}"}
        first = self.stripe.v1.checkout.sessions.create(params=order("python-5"), options=options)
        again = self.stripe.v1.checkout.sessions.create(params=order("python-5"), options=options)
        self.assertEqual(first.id, again.id)
        with self.assertRaises(stripe.IdempotencyError) as caught:
            self.stripe.v1.checkout.sessions.create(params=order("python-6"), options=options)
        self.assertEqual(caught.exception.http_status, 400)

    def test_walks_through_more_than_a_hundred_objects_by_itself(self):
        email = "python@example.com"
        made = {self.stripe.v1.customers.create(params={"email": email}).id for _ in range(125)}
        listed = self.stripe.v1.customers.list(params={"email": email, "limit": 50})
        found = [customer.id for customer in listed.auto_paging_iter()]
        self.assertEqual(len(found), 125)
        self.assertEqual(set(found), made)

    def test_verifies_the_signature_of_a_webhook_that_really_came(self):
        session = self.paid("python-7")
        body, signature = self.delivery(session.id)
        event = stripe.Webhook.construct_event(body, signature, self.endpoint.secret)
        self.assertEqual(event.type, "checkout.session.completed")
        self.assertEqual(event.data.object["metadata"]["order"], "python-7")
        for forged, secret in [
            (body.replace(b"python-7", b"python-8"), self.endpoint.secret),
            (body, "whsec_other"),
        ]:
            with self.assertRaises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(forged, signature, secret)

    def delivery(self, object_id):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for body, signature in list(Receiver.deliveries):
                if json.loads(body)["data"]["object"]["id"] == object_id:
                    return body, signature
            time.sleep(0.01)
        self.fail("no delivery came in time")

    def test_tells_a_wrong_key_a_rate_limit_a_server_error_and_a_lost_connection_apart(self):
        with self.assertRaises(stripe.AuthenticationError):
            client("sk_live_x").v1.events.list()
        for fault, error in [
            ({"kind": "status", "status": 429}, stripe.RateLimitError),
            ({"kind": "status", "status": 500}, stripe.APIError),
            ({"kind": "reset"}, stripe.APIConnectionError),
        ]:
            control("/faults", {**fault, "path": "/v1/disputes"})
            with self.assertRaises(error):
                self.stripe.v1.disputes.list()

    def test_answers_a_dispute_and_uses_a_coupon(self):
        session = self.paid("python-8")
        opened = control(f"/payments/{session.id}/dispute", {"inquiry": True})
        dispute = self.stripe.v1.disputes.retrieve(opened["id"])
        self.assertEqual(dispute.status, "warning_needs_response")
        evidence = {"evidence": {"product_description": "An e-book"}}
        self.assertEqual(self.stripe.v1.disputes.update(dispute.id, params=evidence).status, "warning_under_review")
        coupon = self.stripe.v1.coupons.create(params={"percent_off": 12.5, "duration": "once"})
        session = self.stripe.v1.checkout.sessions.create(
            params=order("python-9", discounts=[{"coupon": coupon.id}])
        )
        self.assertEqual(session.total_details.amount_discount, 325 + 63)


if __name__ == "__main__":
    unittest.main()
