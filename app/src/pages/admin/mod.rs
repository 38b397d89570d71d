//! The desk's pages, one file per URL. Each begins with the guard, `context::staff(Role)`, but for those on the way in.

pub mod front;
pub mod login;

pub use front::FrontPage;
pub use login::LoginPage;
