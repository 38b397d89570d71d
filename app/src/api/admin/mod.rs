//! The desk's server functions, under `/actions/admin-…`. Each begins with the guard, `context::staff(Role)`, but for those
//! that are the way in.

pub mod account;
pub mod books;
pub mod sessions;
pub mod team;

pub use account::{
    AdminChangePassword, AdminCodesOff, AdminCodesOn, AdminEndSession, AdminMakeToken, AdminRevokeAllTokens,
    AdminRevokeToken, admin_change_password, admin_codes_off, admin_codes_on, admin_end_session, admin_make_token,
    admin_revoke_all_tokens, admin_revoke_token,
};
pub use books::{
    AdminAnnounceEdition, AdminApplyTable, AdminPreviewDescription, AdminSaveBook, AdminSetBookStatus,
    admin_announce_edition, admin_apply_table, admin_preview_description, admin_save_book, admin_set_book_status,
};
pub use sessions::{
    AdminSetPassword, AdminSetUp, AdminSignIn, AdminSignInCode, AdminSignOut, admin_set_password, admin_set_up,
    admin_sign_in, admin_sign_in_code, admin_sign_out,
};
pub use team::{
    AdminInvite, AdminNewLink, AdminSetRole, AdminSwitchOff, AdminSwitchOn, admin_invite, admin_new_link,
    admin_set_role, admin_switch_off, admin_switch_on,
};

// Orders, buyers, attention.
pub mod care;
pub mod orders;

pub use care::{
    AdminEraseBuyer, AdminFindBuyer, AdminRefusalSeenTo, AdminReplayEvent, AdminResendMail, AdminReviewPayment,
    AdminSettleRefund,
};
pub use orders::{
    AdminCorrectAddress, AdminFindOrders, AdminGive, AdminNoteOrder, AdminRefund, AdminRenewLink, AdminRenewTitle,
    AdminResendReceipt, AdminSetBuyerDetails, AdminWithdrawTitle,
};

// Tax.
pub mod tax;

pub use tax::{AdminRemoveTaxRate, AdminSaveTax, AdminSetBookTaxCode, AdminSetTaxRate};
// Invoices.
pub mod invoices;

pub use invoices::{AdminRemoveLogo, AdminSaveSeller, admin_remove_logo, admin_save_seller};

// Webhooks.
pub mod webhooks;

pub use webhooks::{
    AdminAddWebhook, AdminChangeWebhook, AdminDeleteWebhook, AdminRedeliverWebhook, AdminRedeliverWebhooks,
    AdminReplaceWebhookSecret, AdminSwitchWebhook, AdminTestWebhook,
};
