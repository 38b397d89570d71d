//! The desk's server functions, under `/actions/admin-…`. Each begins with the guard, `context::staff(Role)`, but for those
//! that are the way in.

pub mod sessions;

pub use sessions::{AdminSignIn, AdminSignOut, admin_sign_in, admin_sign_out};
