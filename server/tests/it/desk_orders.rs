//! The desk's list of orders: what each search finds, and that its pages are the list, in both directions.

use crate::support::{BANK_ACCOUNT, GOOD_CARD, Store, by_hand, on_both_databases};
use chrono::NaiveDate;
use shop::desk::{OrderQuery, Standing, StandingFilter, Turn};
use shop::seed::large::Plan;
use shop::types::OrderNumber;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

async fn found(store: &Store, query: OrderQuery) -> Vec<OrderNumber> {
    store.shop.desk_orders(query).await.unwrap().rows.into_iter().map(|row| row.number).collect()
}

/// The orders of a condition, in that order.
async fn orders(store: &Store, condition: &str, order: &str) -> Vec<OrderNumber> {
    let rows = store.texts(&format!("SELECT o.number AS value FROM orders o WHERE {condition} ORDER BY {order}")).await;
    rows.iter().map(|number| number.parse().unwrap()).collect()
}

/// Turns all pages of a search, forwards and backwards; both must be the whole list.
async fn turn_all(store: &Store, query: &OrderQuery) -> Vec<OrderNumber> {
    let mut forwards: Vec<OrderNumber> = Vec::new();
    let mut turn = Turn::First;
    loop {
        let page = store.shop.desk_orders(OrderQuery { turn: turn.clone(), ..query.clone() }).await.unwrap();
        assert_eq!(page.before, turn != Turn::First, "{query:?}");
        forwards.extend(page.rows.iter().map(|row| row.number.clone()));
        let Some(last) = page.rows.last().filter(|_| page.after) else { break };
        turn = Turn::After(last.number.clone());
    }
    let mut backwards: Vec<OrderNumber> = Vec::new();
    let mut turn = Turn::Last;
    loop {
        let page = store.shop.desk_orders(OrderQuery { turn: turn.clone(), ..query.clone() }).await.unwrap();
        assert_eq!(page.after, turn != Turn::Last, "{query:?}");
        backwards.splice(0..0, page.rows.iter().map(|row| row.number.clone()));
        let Some(first) = page.rows.first().filter(|_| page.before) else { break };
        turn = Turn::Before(first.number.clone());
    }
    assert_eq!(forwards, backwards, "{query:?}");
    forwards
}

on_both_databases!(every_search_finds_its_orders_page_by_page_in_both_directions, by_hand(), async |store| {
    let until = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    let plan = Plan { seed: 1, books: 20, orders: 460, until, batch: Plan::BATCH };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let all = OrderQuery::default();
    assert_eq!(turn_all(store, &all).await, orders(store, "1 = 1", "o.id DESC").await);

    let book = "SELECT b.slug AS value FROM book b JOIN order_item i ON i.book_id = b.id GROUP BY b.slug ORDER BY COUNT(*) DESC";
    let slug = store.texts(book).await.remove(0);
    let of_book = OrderQuery { book: Some(slug.parse().unwrap()), ..all.clone() };
    let with = format!(
        "EXISTS (SELECT 1 FROM order_item i JOIN book b ON b.id = i.book_id WHERE i.order_id = o.id AND b.slug = '{slug}')"
    );
    let expected = orders(store, &with, "o.id DESC").await;
    assert!(expected.len() > 50, "{}", expected.len());
    assert_eq!(turn_all(store, &of_book).await, expected);

    // By the beginning of an address, from A to Z; the letters are compared as they are.
    let begins = store.shop.find_addresses(" A").await.unwrap().expect("somebody");
    assert_eq!(begins.letters, Some(1));
    let by_address = OrderQuery { addresses: Some(begins), ..all.clone() };
    let mut rows =
        store.texts("SELECT email_norm || ' ' || number AS value FROM orders WHERE email_norm LIKE 'a%'").await;
    rows.sort();
    let mut shown = store.texts("SELECT email_norm || ' ' || number AS value FROM orders").await;
    shown.retain(|row| row.starts_with('a'));
    assert_eq!(shown.len(), rows.len());
    let turned = turn_all(store, &by_address).await;
    assert_eq!(turned.len(), rows.len());
    let addresses: Vec<String> = store
        .shop
        .desk_orders(by_address)
        .await
        .unwrap()
        .rows
        .into_iter()
        .map(|row| row.email.to_lowercase())
        .collect();
    assert!(addresses.is_sorted() && addresses.iter().all(|email| email.starts_with('a')), "{addresses:?}");

    // One buyer's, newest first.
    let buyer = "SELECT email_norm AS value FROM orders GROUP BY email_norm ORDER BY COUNT(*) DESC, email_norm";
    let buyer = store.texts(buyer).await.remove(0);
    let hers = store.shop.find_addresses(&buyer.to_uppercase()).await.unwrap().expect("the buyer");
    assert_eq!(hers.letters, None);
    let hers = OrderQuery { addresses: Some(hers), ..all.clone() };
    assert_eq!(turn_all(store, &hers).await, orders(store, &format!("o.email_norm = '{buyer}'"), "o.id DESC").await);

    // Days begin and end at midnight.
    let days = store.texts("SELECT CAST(created_at AS TEXT) AS value FROM orders ORDER BY id").await;
    let day = |at: usize| days[at][..10].parse::<NaiveDate>().unwrap();
    for (from, until) in
        [(Some(day(100)), Some(day(300))), (Some(day(200)), None), (None, Some(day(5))), (Some(day(50)), Some(day(50)))]
    {
        let query = OrderQuery { from, until, ..all.clone() };
        let bound = |word: &str, day: Option<NaiveDate>| {
            day.map_or("1 = 1".to_owned(), |day| format!("CAST(o.created_at AS TEXT) {word} '{day}'"))
        };
        let end = until.map(|day| day.succ_opt().unwrap());
        let condition = format!("{} AND {}", bound(">=", from), bound("<", end));
        let expected = orders(store, &condition, "o.id DESC").await;
        assert!(!expected.is_empty());
        assert_eq!(turn_all(store, &query).await, expected, "{from:?} {until:?}");
        let both = OrderQuery { book: of_book.book.clone(), ..query };
        assert_eq!(turn_all(store, &both).await, orders(store, &format!("{condition} AND {with}"), "o.id DESC").await);
    }
    let never = OrderQuery { from: NaiveDate::from_ymd_opt(2099, 1, 1), ..all.clone() };
    assert!(turn_all(store, &never).await.is_empty());
    let odd = OrderQuery { until: NaiveDate::from_ymd_opt(-4000, 1, 1), ..all.clone() };
    assert!(turn_all(store, &odd).await.is_empty());
    for standing in [StandingFilter::Succeeded, StandingFilter::Pending, StandingFilter::Failed] {
        let query = OrderQuery { standing: Some(standing), ..all.clone() };
        let condition = format!("o.status = '{}'", standing.as_str());
        assert_eq!(turn_all(store, &query).await, orders(store, &condition, "o.id DESC").await, "{standing:?}");
    }
});

on_both_databases!(where_an_order_stands_is_read_from_its_money, by_hand(), async |store| {
    let mut bought = Vec::new();
    for _ in 0..5 {
        bought.push(store.bought(&BOOKS, GOOD_CARD).await);
    }
    let [plain, whole, part, disputed, lost] = bought.as_slice() else { panic!("five orders") };
    store.shop.refund(&whole.number, &crate::refunds::full()).await.unwrap();
    store.shop.refund(&part.number, &crate::refunds::amount(100)).await.unwrap();
    for (order, close) in [(disputed, false), (lost, true)] {
        let before = store.sandbox.event_count();
        let dispute = store.sandbox.open_dispute(&order.session, "fraudulent", false).unwrap();
        if close {
            assert!(store.sandbox.close_dispute(&dispute, false));
        }
        store.deliver_all(&store.sandbox.events_after(before)).await;
    }
    let session = store.bank_checkout(&BOOKS).await;
    let _ = store.sandbox.pay(&session, BANK_ACCOUNT, "bob@example.org");
    store.shop.reconcile(&session).await.unwrap();
    let all = store.shop.desk_orders(OrderQuery::default()).await.unwrap().rows;
    let standing = |number: &OrderNumber| all.iter().find(|row| row.number == *number).unwrap().standing;
    assert_eq!(standing(&plain.number), Standing::Paid);
    assert_eq!(standing(&whole.number), Standing::Refunded);
    assert!(matches!(standing(&part.number), Standing::PartlyRefunded(back) if back.minor() == 100));
    assert_eq!(standing(&disputed.number), Standing::Disputed);
    assert_eq!(standing(&lost.number), Standing::ChargedBack);
    assert_eq!(
        (all[0].standing, all[0].email.as_str(), all[0].titles.len()),
        (Standing::Pending, "bob@example.org", 2)
    );

    // Alone, and with everything else that may be asked for at once.
    let ann = store.shop.find_addresses("ann@example.org").await.unwrap();
    let an = store.shop.find_addresses("an").await.unwrap();
    let pending = all[0].number.clone();
    for (filter, expected) in [
        (StandingFilter::Refunded, vec![&whole.number]),
        (StandingFilter::PartlyRefunded, vec![&part.number]),
        (StandingFilter::Disputed, vec![&lost.number, &disputed.number]),
        (StandingFilter::Pending, vec![&pending]),
        (StandingFilter::Failed, vec![]),
    ] {
        assert_eq!(StandingFilter::parse(filter.as_str()), Some(filter));
        let plain = OrderQuery { standing: Some(filter), ..OrderQuery::default() };
        let today = store.shop.clock().now().date();
        let queries = [
            plain.clone(),
            OrderQuery {
                book: Some(BOOKS[1].parse().unwrap()),
                from: Some(today),
                until: Some(today),
                ..plain.clone()
            },
            OrderQuery { addresses: ann.clone(), book: Some(BOOKS[0].parse().unwrap()), ..plain.clone() },
            OrderQuery { addresses: an.clone(), ..plain.clone() },
        ];
        for query in queries {
            let hers = query.addresses.is_none() || filter != StandingFilter::Pending;
            let expected: Vec<OrderNumber> =
                if hers { expected.iter().map(|number| (*number).clone()).collect() } else { vec![] };
            assert_eq!(found(store, query.clone()).await, expected, "{query:?}");
            assert_eq!(turn_all(store, &query).await, expected);
        }
    }
    let other = OrderQuery {
        standing: Some(StandingFilter::Refunded),
        book: Some("the-third-book".parse().unwrap()),
        ..OrderQuery::default()
    };
    assert!(found(store, other).await.is_empty());
});

on_both_databases!(books_are_found_by_slug_and_by_a_piece_of_the_title, by_hand(), async |store| {
    let slugs = async |text: &str| -> Vec<String> {
        store.shop.find_books(text).await.unwrap().into_iter().map(|book| book.slug).collect()
    };
    assert_eq!(slugs("the-second-book").await, ["the-second-book"]);
    assert_eq!(slugs(" SECOND ").await, ["the-second-book"]);
    assert_eq!(slugs("The second book").await, ["the-second-book"]);
    assert!(slugs("book").await.len() >= 3);
    for nothing in ["", "%", "_", "no such book", "a\0b", "' OR 1=1 --"] {
        assert!(slugs(nothing).await.is_empty(), "{nothing:?}");
    }
    for nothing in ["", "  ", "zz", "a\0", "%", "erased", "erased@erased.invalid"] {
        assert_eq!(store.shop.find_addresses(nothing).await.unwrap(), None, "{nothing:?}");
    }
});

on_both_databases!(an_erased_buyer_is_found_by_no_address, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let named = store.shop.find_addresses("ann@example.org").await.unwrap();
    assert!(named.is_some());
    let erased =
        store.shop.erase_buyer(&"ann@example.org".parse().unwrap(), &shop::audit::Actor::Command).await.unwrap();
    erased.unwrap();
    let query = OrderQuery { addresses: named, ..OrderQuery::default() };
    assert!(found(store, query).await.is_empty(), "not all erased buyers are one");
    let rows = store.shop.desk_orders(OrderQuery::default()).await.unwrap().rows;
    assert!(rows.len() == 1 && rows[0].erased);
    assert_eq!(store.shop.find_addresses("erased@erased.invalid").await.unwrap(), None);
    assert_eq!(store.shop.find_addresses("e").await.unwrap(), None);
    assert!(store.shop.order_sheet(&bought.number).await.unwrap().unwrap().erased);
    assert_eq!(store.shop.buyer_sheet(&bought.number).await.unwrap(), None);
});
