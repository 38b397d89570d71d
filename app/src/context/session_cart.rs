//! The cart of a session: looked at by any number of requests, changed by one at a time.

use super::{currency_or_own, parts, session};
use crate::error::{AppError, internal};
use axum::http::request::Parts;
use leptos::prelude::use_context;
use shop::cart::Cart;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tower_sessions::Session;

/// The session's key for the cart.
const CART: &str = "cart";

async fn read_cart(session: &Session) -> Result<Cart, AppError> {
    let kept = session.get::<Cart>(CART).await.map_err(|error| internal(&error))?;
    match kept {
        Some(cart) if cart.count() > 0 => Ok(cart),
        // An empty one has no currency to keep to.
        _ => Ok(Cart::new(currency_or_own()?)),
    }
}

/// The visitor's cart, for looking at. A visitor without one has an empty one, and no session because of it.
///
/// # Errors
/// Internal, if the session cannot be read.
pub async fn cart() -> Result<Cart, AppError> {
    read_cart(&session()?).await
}

/// How many titles are in the cart; none where there is no session (an error page for a refused request).
pub async fn cart_count() -> usize {
    let session = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Session>().cloned());
    match session {
        Some(session) => read_cart(&session).await.map_or(0, |cart| cart.count()),
        None => 0,
    }
}

/// The cart, held against every other request of the same session until this one is answered.
pub struct HeldCart {
    /// To be changed, then [saved](HeldCart::save).
    pub cart: Cart,
    session: Session,
}

/// What a request holds until it is answered. The session's layer writes a changed session once more after the handler
/// has returned, so a hold that ended with the handler would let that write undo another request's change.
#[derive(Clone, Debug, Default)]
pub struct Holds(Arc<std::sync::Mutex<Vec<OwnedMutexGuard<()>>>>);

impl Holds {
    /// Lets go of everything: the answer is complete.
    pub fn release(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<OwnedMutexGuard<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions that change their cart at the same moment share these locks by the hash of their id.
static STRIPES: LazyLock<Vec<Arc<Mutex<()>>>> = LazyLock::new(|| (0..64).map(|_| Arc::default()).collect());

/// Takes hold of the cart and reads it afresh, so that two tabs that add a book at once lose neither. (Two machines
/// behind one load balancer still could; the visitor sees it in the cart and adds the book again.)
///
/// # Errors
/// Internal, if the session cannot be read.
pub async fn hold_cart() -> Result<HeldCart, AppError> {
    let session = session()?;
    let holds = parts()?.extensions.get::<Holds>().cloned().ok_or_else(|| internal(&"no layer holds the session"))?;
    if let Some(id) = session.id() {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % 64).unwrap_or_default();
        let held_already = !holds.lock().is_empty();
        if let (false, Some(lock)) = (held_already, STRIPES.get(stripe)) {
            let held = Arc::clone(lock).lock_owned().await;
            holds.lock().push(held);
        }
        session.load().await.map_err(|error| internal(&error))?;
    }
    let cart = read_cart(&session).await?;
    Ok(HeldCart { cart, session })
}

impl HeldCart {
    /// Leaves nothing in the cart.
    ///
    /// # Errors
    /// Internal, if there is no shop.
    pub fn clear(&mut self) -> Result<(), AppError> {
        self.cart = Cart::new(currency_or_own()?);
        Ok(())
    }

    /// Keeps the changed cart. Returns how many titles are in it.
    ///
    /// # Errors
    /// Internal, if the session cannot be written.
    pub async fn save(self) -> Result<usize, AppError> {
        self.session.insert(CART, &self.cart).await.map_err(|error| internal(&error))?;
        self.session.save().await.map_err(|error| internal(&error))?;
        Ok(self.cart.count())
    }
}
