//! The desk's pages, one file per URL. Each begins with the guard, `context::staff(Role)`, but for those on the way in.

pub mod book;
pub mod book_form;
pub mod book_table;
pub mod books;
pub mod front;
pub mod login;

pub use book::{BookPage, NewBookPage};
pub use book_table::BookTablePage;
pub use books::BooksPage;
pub use front::FrontPage;
pub use login::LoginPage;
