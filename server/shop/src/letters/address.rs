//! To both addresses when an order moves from one to the other.

use super::{Frame, Order, rendered};
use crate::mailer::Letter;
use crate::{Error, Shop};
use askama::Template;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    order: &'a Order,
    /// Whether this is the address that it came to. The other one is not told which that is: it may be a stranger's.
    came: bool,
    many: bool,
    button_url: String,
}

#[derive(Template)]
#[template(path = "address.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "address.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

pub(super) fn letter(shop: &Shop, order: &Order, came: bool) -> Result<Letter, Error> {
    let (store, number) = (shop.store_name(), &order.number);
    let facts = Facts {
        frame: Frame::new(shop),
        subject: if came {
            format!("Your order {number} from {store} is under this address now")
        } else {
            format!("Order {number} from {store} is under another address now")
        },
        order,
        came,
        many: order.lines.len() != 1,
        button_url: format!("{}/library", shop.base_url()),
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render())
}
