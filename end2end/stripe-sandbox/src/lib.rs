//! A small Stripe: HTTP API, hosted payment page and signed webhooks, for demo, tests and CI.
