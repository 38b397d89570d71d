//! The desk's server functions, under `/actions/admin-…`. Each begins with the guard, `context::staff(Role)`, but for those
//! that are the way in.

pub mod books;
pub mod sessions;

pub use books::{
    AdminAnnounceEdition, AdminApplyTable, AdminPreviewDescription, AdminSaveBook, AdminSetBookStatus,
    admin_announce_edition, admin_apply_table, admin_preview_description, admin_save_book, admin_set_book_status,
};
pub use sessions::{AdminSignIn, AdminSignOut, admin_sign_in, admin_sign_out};
