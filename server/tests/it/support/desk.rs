//! Those who work at the store.

use super::{Browser, Store, location};
use reqwest::{Response, StatusCode};
use shop::audit::Actor;
use shop::invoices::SellerSettings;
use shop::staff::NewStaff;
use shop::types::Role;
use std::sync::atomic::{AtomicU32, Ordering};

/// Somebody who works here.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: i64,
    pub email: String,
    pub role: Role,
}

impl Member {
    /// Everybody's.
    pub const PASSWORD: &str = "a password for every test";

    /// Who a service is told does something.
    pub fn actor(&self) -> Actor {
        Actor::Staff(self.id)
    }
}

impl Store {
    /// A new colleague of that role.
    pub async fn staff(&self, role: Role) -> Member {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let email = format!("{role}{}@staff.example", NEXT.fetch_add(1, Ordering::SeqCst));
        let new = NewStaff { email: email.parse().unwrap(), role, password: Some(Member::PASSWORD.parse().unwrap()) };
        let id = self.shop.add_staff(&Actor::Command, &new).await.unwrap();
        Member { id, email, role }
    }

    /// The browser of a new colleague of that role, who is signed in.
    pub async fn desk(&self, role: Role) -> Browser {
        let browser = self.browser();
        browser.sign_in(&self.staff(role).await).await;
        browser
    }

    /// Fills in what an invoice must say of its seller.
    pub async fn says_who_sells(&self) {
        let seller = SellerSettings {
            address: vec!["Gasse 1".into(), "10115 Berlin".into()],
            country: "DE".into(),
            ..SellerSettings::default()
        };
        let over = self.shop.invoice_settings().await.unwrap().seller.version();
        self.shop.set_seller(&Actor::Command, &over, &seller).await.unwrap().unwrap();
    }
}

impl Browser {
    /// Types address and password into the sign-in's form.
    pub async fn try_to_sign_in(&self, email: &str, password: &str) -> Response {
        self.post_from("/admin/login", "/actions/admin-sign-in", &[("email", email), ("password", password)]).await
    }

    /// Signs in, and is led to the desk.
    pub async fn sign_in(&self, member: &Member) {
        let answer = self.try_to_sign_in(&member.email, Member::PASSWORD).await;
        assert_eq!((answer.status(), location(&answer).as_str()), (StatusCode::SEE_OTHER, "/admin"));
    }

    /// Whether somebody is signed in here.
    pub async fn has_desk(&self) -> bool {
        self.get("/admin").await.status() == StatusCode::OK
    }
}
