//! Values that both the server and the browser understand.
//!
//! Everything here compiles for `wasm32` and knows no database, no HTTP and no clock. Text that comes from
//! outside becomes one of these types exactly once, at the edge; inside, nobody checks again.

mod book;
mod cart;
mod country;
mod desk_book;
mod edition;
mod email;
mod invoice;
mod kept_form;
mod library;
mod money;
mod order;
mod refund;
mod role;
mod scope;
mod slug;
mod tax;

pub use book::{
    BookCard, BookDetail, BookFormat, CatalogPage, Contributor, ContributorRole, Cover, FormatInfo, ParseRoleError,
    Sort,
};
pub use cart::{CartLine, CartProblem, CartView, PriceTax};
pub use country::{Country, NotACountry};
pub use desk_book::{
    BookForm, BookLine, BookList, BookStatus, DeskBook, DeskEdition, InvalidIsbn, Isbn, ListPlace, NotAnAmount,
    PersonField, PriceField, Problem, Unfinished, WaitingFile, parse_amount, typed_amount,
};
pub use edition::{EditionFile, EditionView};
pub use email::{Email, InvalidEmail, mask_addresses, normalize_address, readable_for};
pub use invoice::{
    BuyerDetails, BuyerForm, InvalidDetails, InvoiceKind, InvoiceLink, SellerForm, in_path, pdf_address,
};
pub use kept_form::KeptForm;
pub use library::{AccessCode, InvalidAccessCode, LibraryView, Renewed, ShelfOrder, ShelfTitle};
pub use money::{Currency, Money, MoneyError, UnknownCurrency};
pub use order::{
    CheckoutProgress, DownloadView, InvalidOrderNumber, OrderItemView, OrderNumber, OrderStatus, OrderView, TokenState,
};
pub use refund::{DisputeStage, MoneyNote, MoneyNoteKind, RefundStatus};
pub use role::{Role, UnknownRole};
pub use scope::{Scope, UnknownScope};
pub use slug::{InvalidSlug, Slug};
pub use tax::{OneStopShop, TaxForm, TaxMode, TaxRefusal, TaxSettings, TaxSource, TaxTreatment, UnknownTaxWord};
