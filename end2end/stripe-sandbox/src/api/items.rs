//! `line_items` of a new session: prices made on the spot, one currency.

use crate::error::ApiError;
use crate::params::{Params, check_url};
use crate::records::{Item, ItemTaxRate};
use crate::state::State;
use crate::{currency, ids, tax};

/// The most lines in payment mode.
const MOST_ITEMS: usize = 100;
/// The largest amount, in minor units (eight digits).
pub(super) const LARGEST: i64 = 99_999_999;

/// `line_items`, and their one currency.
pub(super) fn read(params: &Params<'_>, state: &State) -> Result<(Vec<Item>, String), ApiError> {
    let lines = params.objects("line_items")?.unwrap_or_default();
    if lines.is_empty() {
        return Err(ApiError::missing("line_items"));
    }
    if lines.len() > MOST_ITEMS {
        return Err(ApiError::invalid(format!("You can have at most {MOST_ITEMS} line items in payment mode."))
            .param("line_items"));
    }
    let mut items = Vec::with_capacity(lines.len());
    let mut common: Option<String> = None;
    for line in lines {
        let (item, currency) = line_item(&line, state)?;
        if common.as_ref().is_some_and(|common| *common != currency) {
            return Err(ApiError::invalid("All line items of a Checkout Session must have the same currency.")
                .param(format!("{}[currency]", line.name("price_data"))));
        }
        common = Some(currency);
        items.push(item);
    }
    Ok((items, common.unwrap_or_default()))
}

fn line_item(line: &Params<'_>, state: &State) -> Result<(Item, String), ApiError> {
    line.refuse(&["adjustable_quantity", "dynamic_tax_rates", "price", "metadata"])?;
    let Some(quantity) = line.integer("quantity", 1, 999_999)? else {
        return Err(ApiError::missing(&line.name("quantity")));
    };
    let Some(price) = line.object("price_data")? else {
        return Err(ApiError::missing(&line.name("price_data")));
    };
    price.refuse(&["product", "recurring", "unit_amount_decimal"])?;
    let currency = price.required("currency", 10)?.to_ascii_lowercase();
    if !currency::is_known(&currency) {
        return Err(ApiError::invalid(format!(
            "Invalid currency: {currency}. Stripe currently supports these currencies: {}",
            currency::all()
        ))
        .param(price.name("currency")));
    }
    let Some(unit_amount) = price.integer("unit_amount", 0, LARGEST)? else {
        return Err(ApiError::missing(&price.name("unit_amount")));
    };
    currency::check(unit_amount, &currency).map_err(|error| error.param(price.name("unit_amount")))?;
    let tax_behavior = price.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    let Some(product) = price.object("product_data")? else {
        return Err(ApiError::missing(&price.name("product_data")));
    };
    let name = product.required("name", 5_000)?;
    let description = product.text("description", 40_000)?;
    let tax_code = product.text("tax_code", 100)?;
    if let Some(code) = tax_code.as_deref().filter(|code| tax::name_of(code).is_none()) {
        return Err(ApiError::missing_resource("tax code", code, &product.name("tax_code")).in_parameter());
    }
    product.refuse(&["tax_details", "unit_label"])?;
    let product_metadata = product.metadata("metadata")?;
    let images = product.texts("images")?.unwrap_or_default();
    if images.len() > 8 {
        return Err(ApiError::invalid("You can have at most 8 images.").param(product.name("images")));
    }
    for (index, image) in images.iter().enumerate() {
        check_url(image, &format!("{}[{index}]", product.name("images")))?;
    }
    product.finish()?;
    price.finish()?;
    let mut tax_rates = Vec::new();
    for id in line.texts("tax_rates")?.unwrap_or_default() {
        let name = line.name("tax_rates");
        let Some(rate) = state.tax_rates.get(&id) else {
            return Err(ApiError::missing_resource("tax rate", &id, &name).in_parameter());
        };
        tax_rates.push(ItemTaxRate { id, rate: rate.rate, inclusive: rate.inclusive });
    }
    line.finish()?;
    let item = Item {
        id: ids::usual("li"),
        price: ids::usual("price"),
        product: ids::fresh("prod", 14),
        name,
        description,
        images,
        tax_code,
        product_metadata,
        tax_rates,
        tax_behavior: tax_behavior.unwrap_or_else(|| "unspecified".to_owned()),
        unit_amount,
        quantity,
    };
    Ok((item, currency))
}
