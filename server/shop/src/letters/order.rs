//! The receipt, and the link of an order of nothing.

use super::{Frame, Order, rendered};
use crate::mailer::Letter;
use crate::{Error, Shop};
use askama::Template;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    order: &'a Order,
    free: bool,
    many: bool,
    button_url: String,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "order.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "order.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

pub(super) fn letter(shop: &Shop, order: &Order, free: bool) -> Result<Letter, Error> {
    let many = order.lines.len() != 1;
    let what = match (free, many) {
        (true, true) => "Your free books",
        (true, false) => "Your free book",
        (false, true) => "Your books and your receipt",
        (false, false) => "Your book and your receipt",
    };
    let subject = format!("{what} from {} (order {})", shop.store_name(), order.number);
    let (button_url, button) = order.way_in(shop, order.lines.len());
    let facts = Facts { frame: Frame::new(shop), subject, order, free, many, button_url, button };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render())
}
