//! The desk's server functions, under `/actions/admin-…`. Each begins with the guard, `context::staff(Role)`, but for those
//! that are the way in.

pub mod sessions;

pub use sessions::{AdminSignIn, AdminSignOut, admin_sign_in, admin_sign_out};

// Orders, buyers, attention.
pub mod care;
pub mod orders;

pub use care::{AdminEraseBuyer, AdminFindBuyer, AdminReplayEvent, AdminResendMail};
pub use orders::{
    AdminCorrectAddress, AdminFindOrders, AdminGive, AdminNoteOrder, AdminRefund, AdminRenewLink, AdminRenewTitle,
    AdminResendReceipt, AdminWithdrawTitle,
};
