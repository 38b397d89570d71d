//! The shop's invariants, as SQL that finds what breaks them. `octavo doctor` and every integration test run them.

use crate::db::AnyConnection;
use crate::{Error, Shop, analytics};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// A rule that some rows break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// How many rows.
    pub rows: i64,
    /// One of them.
    pub example: String,
}

/// Each rule with a query that gives the offenders, one text column named `id`. Grouped by the primary key alone, so that
/// SQLite goes through a million orders in the order in which they lie.
const RULES: &[(&str, &str)] = &[
    (
        "a completed checkout has exactly one order, and an order's checkout is completed",
        "SELECT CAST(c.id AS TEXT) AS id FROM checkout c LEFT JOIN orders o ON o.checkout_id = c.id \
         WHERE (c.state = 'completed') <> (o.id IS NOT NULL)",
    ),
    (
        "an order has the subtotal, currency and session of its checkout",
        "SELECT o.number AS id FROM orders o JOIN checkout c ON c.id = o.checkout_id \
         WHERE o.amount_subtotal <> c.subtotal OR o.currency <> c.currency \
            OR COALESCE(o.stripe_session, '') <> COALESCE(c.stripe_session, '')",
    ),
    (
        "the items of an order add up to its amounts",
        "SELECT o.number AS id FROM orders o LEFT JOIN order_item i ON i.order_id = o.id \
         GROUP BY o.id \
         HAVING COALESCE(SUM(i.unit_amount), -1) <> o.amount_subtotal OR SUM(i.discount) <> o.amount_discount \
             OR SUM(i.tax) <> o.amount_tax OR SUM(i.total) <> o.amount_total",
    ),
    (
        "an item's tax is the sum of its taxes, and its total is its price less discount plus the tax that is added",
        "SELECT CAST(i.id AS TEXT) AS id FROM order_item i LEFT JOIN order_tax t ON t.order_item_id = i.id \
         GROUP BY i.id \
         HAVING COALESCE(SUM(t.amount), 0) <> i.tax \
             OR i.total <> i.unit_amount - i.discount + COALESCE(SUM(CASE WHEN t.inclusive THEN 0 ELSE t.amount END), 0)",
    ),
    (
        "an order that is taxed says by which country's rules, and only such an order",
        "SELECT o.number AS id FROM orders o WHERE (o.tax_country IS NOT NULL) <> EXISTS \
             (SELECT 1 FROM order_item i JOIN order_tax t ON t.order_item_id = i.id WHERE i.order_id = o.id)",
    ),
    (
        "a sale that nobody taxes bears no tax",
        "SELECT CAST(order_item_id AS TEXT) AS id FROM order_tax \
         WHERE treatment IN ('zero', 'reverse_charge', 'exempt', 'outside_scope') AND amount <> 0",
    ),
    (
        "an order is paid exactly if it has succeeded",
        "SELECT number AS id FROM orders WHERE (status = 'succeeded') <> (paid_at IS NOT NULL)",
    ),
    (
        "an order without a Stripe session costs nothing",
        "SELECT number AS id FROM orders WHERE stripe_session IS NULL AND amount_total <> 0",
    ),
    (
        "each item of a succeeded order has one entitlement, and only those have",
        "SELECT CAST(i.id AS TEXT) AS id FROM order_item i JOIN orders o ON o.id = i.order_id \
         LEFT JOIN entitlement e ON e.order_item_id = i.id AND e.book_id = i.book_id \
         WHERE (o.status = 'succeeded') <> (e.id IS NOT NULL)",
    ),
    (
        "an entitlement has exactly one current token",
        "SELECT CAST(e.id AS TEXT) AS id FROM entitlement e \
         LEFT JOIN download_token t ON t.entitlement_id = e.id AND t.revoked_at IS NULL \
         GROUP BY e.id HAVING COUNT(t.id) <> 1",
    ),
    (
        "a token's uses are its claims",
        "SELECT CAST(t.id AS TEXT) AS id FROM download_token t LEFT JOIN download_claim c ON c.token_id = t.id \
         GROUP BY t.id, t.used_count, t.max_uses HAVING COUNT(c.id) <> t.used_count OR t.used_count > t.max_uses",
    ),
    (
        "no claim was served a file more than twice over",
        "SELECT CAST(q.claim_id AS TEXT) AS id FROM download_quota q JOIN book_file f ON f.id = q.book_file_id WHERE q.bytes > 2 * f.bytes",
    ),
    (
        "a paid order has exactly one invoice that no credit note replaces, a free one none",
        "SELECT o.number AS id FROM orders o \
         LEFT JOIN invoice i ON i.order_id = o.id AND i.reason IN ('sale', 'reissued') \
         LEFT JOIN invoice r ON r.corrects_id = i.id AND r.reason = 'replaced' \
         GROUP BY o.id \
         HAVING COUNT(i.id) - COUNT(r.id) <> CASE WHEN o.status = 'succeeded' AND o.amount_total > 0 THEN 1 ELSE 0 END",
    ),
    (
        "the invoice of a sale comes to what was paid",
        "SELECT i.number AS id FROM invoice i JOIN orders o ON o.id = i.order_id \
         WHERE i.reason = 'sale' AND (i.amount_total <> o.amount_total OR i.amount_tax <> o.amount_tax) \
         UNION ALL SELECT i.number FROM invoice i JOIN orders o ON o.id = i.order_id WHERE i.currency <> o.currency",
    ),
    (
        "the invoices of an order less its credit notes come to what was kept of it",
        // Of a lost dispute the documents take what refunds have left, whatever came first, and its share of the tax.
        "SELECT q.id FROM (SELECT o.number AS id, \
             CASE WHEN COALESCE(back.amount, 0) + COALESCE(lost.amount, 0) >= o.amount_total THEN 0 \
                 ELSE o.amount_total - COALESCE(back.amount, 0) - COALESCE(lost.amount, 0) END AS kept, \
             o.amount_tax - COALESCE(back.tax, 0) AS most_tax, lost.amount AS lost, \
             SUM(CASE i.kind WHEN 'invoice' THEN i.amount_total ELSE -i.amount_total END) AS total, \
             SUM(CASE i.kind WHEN 'invoice' THEN i.amount_tax ELSE -i.amount_tax END) AS tax \
             FROM invoice i JOIN orders o ON o.id = i.order_id \
             LEFT JOIN (SELECT order_id, SUM(amount) AS amount, SUM(tax) AS tax FROM refund \
                 WHERE status IN ('pending', 'requires_action', 'succeeded') GROUP BY order_id) AS back ON back.order_id = o.id \
             LEFT JOIN (SELECT d.order_id, SUM(d.amount) AS amount FROM dispute d JOIN orders p ON p.id = d.order_id \
                 WHERE d.status = 'lost' AND d.currency = p.currency GROUP BY d.order_id) AS lost ON lost.order_id = o.id \
             GROUP BY o.id, back.amount, back.tax, lost.amount) AS q \
         WHERE q.total <> q.kept OR q.tax NOT BETWEEN 0 AND q.most_tax OR q.tax > q.kept OR (q.lost IS NULL AND q.tax <> q.most_tax)",
    ),
    (
        "a refund that counts has exactly one credit note that no invoice takes back, another one none",
        "SELECT CAST(r.id AS TEXT) AS id FROM refund r JOIN orders o ON o.id = r.order_id \
         LEFT JOIN invoice n ON n.refund_id = r.id AND n.reason = 'refund' \
         LEFT JOIN invoice b ON b.corrects_id = n.id AND b.reason IN ('restored', 'reissued') \
         WHERE o.status = 'succeeded' \
         GROUP BY r.id, r.order_id, r.status \
         HAVING COUNT(n.id) - COUNT(b.id) <> CASE WHEN r.status IN ('pending', 'requires_action', 'succeeded') THEN 1 ELSE 0 END",
    ),
    (
        "a credit note is over its refund, as a document of its order",
        "SELECT n.number AS id FROM invoice n JOIN refund r ON r.id = n.refund_id WHERE n.order_id <> r.order_id \
         UNION ALL SELECT n.number FROM invoice n JOIN refund r ON r.id = n.refund_id \
             LEFT JOIN invoice b ON b.corrects_id = n.id AND b.reason IN ('restored', 'reissued') \
         WHERE n.reason = 'refund' AND b.id IS NULL AND (n.amount_total <> r.amount OR n.amount_tax <> r.tax)",
    ),
    (
        "a credit note corrects an invoice, and an invoice that takes one back that credit note, of the same order",
        "SELECT i.number AS id FROM invoice i LEFT JOIN invoice c ON c.id = i.corrects_id \
         WHERE (i.kind = 'credit_note' AND c.id IS NULL) OR (i.reason = 'restored' AND c.id IS NULL) OR (i.reason = 'sale' AND c.id IS NOT NULL) \
            OR c.kind = i.kind OR c.order_id <> i.order_id \
            OR (i.kind = 'invoice') <> (i.reason IN ('sale', 'reissued', 'restored'))",
    ),
    (
        "invoice numbers are gapless",
        "SELECT s.series AS id FROM invoice_series s LEFT JOIN invoice i ON i.series = s.series AND i.year = s.year \
         GROUP BY s.series, s.year, s.next \
         HAVING COUNT(i.id) <> s.next - 1 OR COALESCE(MAX(i.seq), 0) <> s.next - 1 OR COALESCE(MIN(i.seq), 1) <> 1",
    ),
    (
        "an invoice belongs to a series",
        "SELECT i.number AS id FROM invoice i LEFT JOIN invoice_series s ON i.series = s.series AND i.year = s.year \
         WHERE s.next IS NULL OR i.series <> CASE i.kind WHEN 'invoice' THEN 'INV' ELSE 'CN' END",
    ),
    (
        "a succeeded order has exactly one mail that brings its link",
        "SELECT o.number AS id FROM orders o LEFT JOIN outbox m ON m.order_id = o.id AND m.kind IN ('receipt', 'free_order_link') \
         GROUP BY o.id HAVING COUNT(m.id) <> CASE WHEN o.status = 'succeeded' THEN 1 ELSE 0 END",
    ),
    (
        "a mail about an order has its order",
        "SELECT CAST(id AS TEXT) AS id FROM outbox \
         WHERE order_id IS NULL AND kind NOT IN ('access_link', 'password_link', 'webhook_disabled')",
    ),
    (
        "a mail that has left has a time, and one that is being sent a lease",
        "SELECT CAST(id AS TEXT) AS id FROM outbox \
         WHERE (state IN ('sent', 'delivered', 'bounced') AND sent_at IS NULL) OR (state = 'leased') <> (lease_until IS NOT NULL)",
    ),
    (
        "a mail that was given up says why",
        "SELECT CAST(id AS TEXT) AS id FROM outbox WHERE state IN ('dead', 'bounced') AND error IS NULL",
    ),
    (
        "a mail that waits holds no secret: they are derived when it is sent",
        "SELECT CAST(id AS TEXT) AS id FROM outbox WHERE payload LIKE '%dl@_%' ESCAPE '@' OR payload LIKE '%ol@_%' ESCAPE '@' OR payload LIKE '%ll@_%' ESCAPE '@'",
    ),
    (
        "a completed session whose event is done has an order or is under review",
        "SELECT e.id AS id FROM stripe_event e LEFT JOIN checkout c ON c.stripe_session = e.object_id \
         WHERE e.state = 'done' AND e.type = 'checkout.session.completed' AND (c.id IS NULL OR c.state NOT IN ('completed', 'quarantined'))",
    ),
    (
        "a difference from Stripe is found before it is gone",
        "SELECT CAST(id AS TEXT) AS id FROM difference WHERE gone_at < found_at",
    ),
    (
        "what went back is not more than what was paid, in its currency",
        "SELECT o.number AS id FROM refund r JOIN orders o ON o.id = r.order_id \
         WHERE r.status IN ('pending', 'requires_action', 'succeeded') \
         GROUP BY o.id HAVING SUM(r.amount) > o.amount_total OR SUM(r.tax) > o.amount_tax \
             OR (SUM(r.amount) = o.amount_total AND SUM(r.tax) <> o.amount_tax) OR MIN(r.currency) <> o.currency OR MAX(r.currency) <> o.currency",
    ),
    (
        "the items of a refund add up to it",
        "SELECT CAST(r.id AS TEXT) AS id FROM refund r LEFT JOIN refund_item i ON i.refund_id = r.id \
         GROUP BY r.id HAVING COALESCE(SUM(i.amount), -1) <> r.amount OR SUM(i.tax) <> r.tax",
    ),
    (
        "a refund's items are its order's",
        "SELECT CAST(r.id AS TEXT) AS id FROM refund r JOIN refund_item ri ON ri.refund_id = r.id \
         JOIN order_item i ON i.id = ri.order_item_id WHERE i.order_id <> r.order_id",
    ),
    (
        "what went back of an item is not more than what was paid for it",
        "SELECT CAST(i.id AS TEXT) AS id FROM refund r JOIN refund_item ri ON ri.refund_id = r.id \
         JOIN order_item i ON i.id = ri.order_item_id WHERE r.status IN ('pending', 'requires_action', 'succeeded') \
         GROUP BY i.id HAVING SUM(ri.amount) > i.total OR SUM(ri.tax) > i.tax",
    ),
    (
        "a refund is requested exactly as long as Stripe has not said more",
        "SELECT CAST(id AS TEXT) AS id FROM refund WHERE (status = 'requested' AND stripe_id IS NOT NULL) \
            OR (status NOT IN ('requested', 'failed') AND stripe_id IS NULL)",
    ),
    (
        "money goes back and is disputed only for what was bought at Stripe",
        "SELECT o.number AS id FROM refund r JOIN orders o ON o.id = r.order_id WHERE o.stripe_payment_intent IS NULL \
         UNION ALL SELECT o.number FROM dispute d JOIN orders o ON o.id = d.order_id WHERE o.stripe_payment_intent IS NULL",
    ),
    (
        "a title is gone as refunded only if a refund took it",
        "SELECT CAST(e.id AS TEXT) AS id FROM entitlement e JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id \
         WHERE e.reason = 'refunded' AND NOT (e.state = 'revoked' AND ( \
             EXISTS (SELECT 1 FROM refund r JOIN refund_item ri ON ri.refund_id = r.id WHERE r.order_id = o.id \
                 AND ri.order_item_id = i.id AND ri.revokes AND r.status IN ('pending', 'requires_action', 'succeeded')) \
             OR (SELECT COALESCE(SUM(r.amount), 0) FROM refund r WHERE r.order_id = o.id \
                 AND r.status IN ('pending', 'requires_action', 'succeeded')) >= o.amount_total))",
    ),
    (
        "a title that a refund took is gone",
        "SELECT CAST(e.id AS TEXT) AS id FROM refund r JOIN refund_item ri ON ri.refund_id = r.id \
         JOIN entitlement e ON e.order_item_id = ri.order_item_id \
         WHERE ri.revokes AND r.status IN ('pending', 'requires_action', 'succeeded') AND e.state <> 'revoked' \
         UNION ALL SELECT CAST(e.id AS TEXT) FROM (SELECT o.id AS order_id FROM refund r JOIN orders o ON o.id = r.order_id \
             WHERE r.status IN ('pending', 'requires_action', 'succeeded') GROUP BY o.id HAVING SUM(r.amount) >= o.amount_total) AS whole \
         JOIN order_item i ON i.order_id = whole.order_id JOIN entitlement e ON e.order_item_id = i.id WHERE e.state <> 'revoked'",
    ),
    (
        "a title waits or is gone as disputed only if a dispute is open or lost",
        "SELECT CAST(e.id AS TEXT) AS id FROM entitlement e JOIN order_item i ON i.id = e.order_item_id \
         WHERE e.reason = 'disputed' AND NOT EXISTS (SELECT 1 FROM dispute d WHERE d.order_id = i.order_id AND ( \
             (e.state = 'frozen' AND d.status IN ('needs_response', 'under_review')) OR (e.state = 'revoked' AND d.status = 'lost')))",
    ),
    (
        "no title of an order whose dispute is open or lost can be had",
        "SELECT CAST(e.id AS TEXT) AS id FROM dispute d JOIN order_item i ON i.order_id = d.order_id JOIN entitlement e ON e.order_item_id = i.id \
         WHERE (d.status = 'lost' AND e.state <> 'revoked') OR (d.status IN ('needs_response', 'under_review') AND e.state = 'active')",
    ),
    (
        "a title is there or there is a reason",
        "SELECT CAST(id AS TEXT) AS id FROM entitlement WHERE (state = 'active') <> (reason IS NULL)",
    ),
    (
        "a title is gone as withdrawn only while the desk has taken it back",
        "SELECT CAST(e.id AS TEXT) AS id FROM entitlement e WHERE e.reason = 'withdrawn' AND NOT (e.state = 'revoked' \
         AND EXISTS (SELECT 1 FROM withdrawal w WHERE w.order_item_id = e.order_item_id AND w.lifted_at IS NULL))",
    ),
    (
        "no title that the desk has taken back can be had",
        "SELECT CAST(e.id AS TEXT) AS id FROM withdrawal w JOIN entitlement e ON e.order_item_id = w.order_item_id \
         WHERE w.lifted_at IS NULL AND e.state <> 'revoked' \
         UNION ALL SELECT CAST(id AS TEXT) FROM withdrawal WHERE lifted_at < made_at",
    ),
    (
        "an order without a checkout was given away by the desk, only such an order was, and it costs nothing",
        "SELECT o.number AS id FROM orders o LEFT JOIN gift g ON g.order_id = o.id \
         WHERE (o.checkout_id IS NULL) <> (g.order_id IS NOT NULL) OR (g.order_id IS NOT NULL AND o.amount_total <> 0)",
    ),
    (
        "what is paid was not declined",
        "SELECT o.number AS id FROM checkout c JOIN orders o ON o.checkout_id = c.id WHERE c.decline IS NOT NULL AND o.status = 'succeeded'",
    ),
    (
        "a refund or dispute whose event is done is in the books",
        "SELECT e.id AS id FROM stripe_event e LEFT JOIN refund r ON r.stripe_id = e.object_id \
         WHERE e.state = 'done' AND e.type IN ('refund.created', 'refund.updated', 'refund.failed') AND r.id IS NULL \
         UNION ALL SELECT e.id FROM stripe_event e LEFT JOIN dispute d ON d.stripe_id = e.object_id \
         WHERE e.state = 'done' AND e.type LIKE 'charge.dispute.%' AND d.id IS NULL",
    ),
    (
        "a request for a library was mailed exactly once if there was something, else never",
        "SELECT CAST(r.id AS TEXT) AS id FROM access_request r \
         WHERE (r.state = 'mailed') <> (('access_link:' || CAST(r.id AS TEXT)) IN (SELECT dedupe_key FROM outbox WHERE kind = 'access_link'))",
    ),
    (
        "a mail about a request has its request",
        "SELECT CAST(id AS TEXT) AS id FROM outbox WHERE kind = 'access_link' \
         AND dedupe_key NOT IN (SELECT 'access_link:' || CAST(id AS TEXT) FROM access_request)",
    ),
    (
        "link and code are used in their time, after at most five guesses, and only if they were mailed",
        "SELECT CAST(id AS TEXT) AS id FROM access_request WHERE tries > 5 \
            OR (consumed_at IS NOT NULL AND (state <> 'mailed' OR consumed_at > expires_at OR consumed_at < created_at))",
    ),
    (
        "a session of a buyer is used within its time",
        "SELECT id_hash AS id FROM buyer_session WHERE last_seen < created_at OR last_seen > expires_at OR revoked_at < created_at",
    ),
    (
        "an order's titles are under its address",
        "SELECT o.number AS id FROM entitlement e JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id \
         WHERE e.email_norm <> o.email_norm",
    ),
    (
        "a webhook that was delivered has an answer that says so",
        "SELECT CAST(d.id AS TEXT) AS id FROM webhook_delivery d WHERE d.state = 'delivered' \
         AND NOT EXISTS (SELECT 1 FROM webhook_attempt a WHERE a.delivery_id = d.id AND a.status BETWEEN 200 AND 299 AND a.error IS NULL)",
    ),
    ("a webhook names no buyer", "SELECT public_id AS id FROM webhook_message WHERE body LIKE '%@%'"),
    (
        "secrets are kept as SHA-256 only",
        "SELECT hash AS id FROM download_token WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT hash FROM download_claim WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT browser_hash FROM checkout WHERE LENGTH(browser_hash) <> 64 \
         UNION ALL SELECT id_hash FROM session WHERE LENGTH(id_hash) <> 64 \
         UNION ALL SELECT id_hash FROM buyer_session WHERE LENGTH(id_hash) <> 64 \
         UNION ALL SELECT browser_hash FROM access_request WHERE LENGTH(browser_hash) <> 64 \
         UNION ALL SELECT link_hash FROM access_request WHERE LENGTH(link_hash) <> 64 \
         UNION ALL SELECT code_hash FROM access_request WHERE LENGTH(code_hash) <> 64 \
         UNION ALL SELECT hash FROM staff_session WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT link_hash FROM users WHERE LENGTH(link_hash) <> 64 \
         UNION ALL SELECT hash FROM recovery_code WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT hash FROM refresh_token WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT hash FROM api_token WHERE LENGTH(hash) <> 64 \
         UNION ALL SELECT key_hash FROM api_once WHERE LENGTH(key_hash) <> 64",
    ),
    (
        "passwords are kept as argon2id with at least 19 MiB and two passes",
        "SELECT CAST(id AS TEXT) AS id FROM users WHERE password_hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'",
    ),
    (
        "a session of the desk is used within its time",
        "SELECT CAST(id AS TEXT) AS id FROM staff_session WHERE last_seen < created_at OR last_seen > expires_at OR revoked_at < created_at",
    ),
];

#[derive(QueryableByName)]
struct Offenders {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Text)]
    example: String,
}

impl Shop {
    /// The invariants that do not hold.
    ///
    /// # Errors
    /// The database's.
    pub async fn violations(&self) -> Result<Vec<Violation>, Error> {
        self.0.db.read(violations).await
    }
}

/// The rule that reads JSON, which each database does in its own way.
fn lines(conn: &AnyConnection) -> (&'static str, &'static str) {
    let query = match conn {
        AnyConnection::Sqlite(_) => {
            "SELECT i.number AS id FROM invoice i, json_each(i.lines_snapshot) l GROUP BY i.id \
             HAVING SUM(json_extract(l.value, '$.total')) <> i.amount_total OR SUM(json_extract(l.value, '$.tax')) <> i.amount_tax"
        }
        AnyConnection::Postgres(_) => {
            "SELECT i.number AS id FROM invoice i CROSS JOIN LATERAL jsonb_array_elements(CAST(i.lines_snapshot AS JSONB)) AS l GROUP BY i.id \
             HAVING SUM(CAST(l ->> 'total' AS BIGINT)) <> i.amount_total OR SUM(CAST(l ->> 'tax' AS BIGINT)) <> i.amount_tax"
        }
    };
    ("the lines of a document add up to it", query)
}

fn violations(conn: &mut AnyConnection) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    for (rule, query) in RULES {
        let count = format!("SELECT COUNT(*) AS rows, COALESCE(MIN(id), '') AS example FROM ({query}) AS offenders");
        let Offenders { rows, example } = diesel::sql_query(count).get_result(conn)?;
        if rows > 0 {
            found.push(Violation { rule, rows, example });
        }
    }
    let (rule, query) = lines(conn);
    let count = format!("SELECT COUNT(*) AS rows, COALESCE(MIN(id), '') AS example FROM ({query}) AS offenders");
    let Offenders { rows, example } = diesel::sql_query(count).get_result(conn)?;
    if rows > 0 {
        found.push(Violation { rule, rows, example });
    }
    let wrong = analytics::check(conn)?;
    if let Some(first) = wrong.first() {
        let rows = i64::try_from(wrong.len()).unwrap_or(i64::MAX);
        found.push(Violation { rule: "the tallies are the sums that they stand for", rows, example: first.id.clone() });
    }
    Ok(found)
}
