//! What a handler is given: who asks, and the parts of the request, read strictly. What cannot be read is a [`Problem`].

use super::problem::Problem;
use crate::router::AppState;
use app::error::ErrorCode;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use shop::audit::Actor;
use shop::staff::Bearer;
use shop::types::{Role, Scope};
use std::marker::PhantomData;

/// A body of JSON.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::new(415, "unsupported-media-type", "The body must be application/json."))
            }
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::unprocessable(format!("{}.", cause(&error)))),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(Problem::bad_request(format!("{}.", cause(&error)))),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::new(413, "too-large", "The body is larger than this address takes."))
            }
            Err(_) => Err(Problem::bad_request("The body broke off.")),
        }
    }
}

/// Why in the end.
fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    format!("The body is not what this address takes: {last}")
}

/// Parts of the path. What cannot be the name of anything names nothing: 404.
#[derive(Debug)]
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|_| Problem::not_found())
    }
}

/// The query.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| {
            let mut last: &dyn std::error::Error = &error;
            while let Some(source) = last.source() {
                last = source;
            }
            Problem::bad_request(format!("The query is not what this address takes: {last}."))
        })
    }
}

/// The guard of the API: whose token a request brings, looked up by [`super::rates::admit`].
#[derive(Clone, Debug)]
pub struct Caller(pub Bearer);

impl Caller {
    /// Goes on only for that role and that scope.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn at_least(&self, role: Role, scope: Scope) -> Result<&Bearer, Problem> {
        if self.0.may(role, scope) { Ok(&self.0) } else { Err(ErrorCode::NotAllowed.into()) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| ErrorCode::SignedOut.into())
    }
}

/// What a route asks of its caller.
pub trait Need: Send + Sync {
    /// At least this role …
    const ROLE: Role;
    /// … and this scope.
    const SCOPE: Scope;
}

/// The guard as a part of a handler's signature: nothing else of a request is read for who may not.
#[derive(Debug)]
pub struct May<N>(pub Bearer, PhantomData<N>);

impl<N> May<N> {
    /// For the audit.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.0.staff)
    }

    /// The account's role.
    pub const fn role(&self) -> Role {
        self.0.staff.role
    }
}

impl<N: Need> FromRequestParts<AppState> for May<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.at_least(N::ROLE, N::SCOPE)?;
        Ok(Self(caller.0, PhantomData))
    }
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $role:ident, $scope:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub enum $name {}

            impl Need for $name {
                const ROLE: Role = Role::$role;
                const SCOPE: Scope = Scope::$scope;
            }
        )*
    };
}

needs! {
    /// Figures, books and orders.
    ViewerReads = Viewer, Read;
    /// What concerns the caller alone.
    ViewerWrites = Viewer, Write;
    /// What shows buyers.
    SupportReads = Support, Read;
    /// What helps a buyer.
    SupportWrites = Support, Write;
    /// What concerns the store's programs.
    AdminReads = Admin, Read;
    /// Books and money.
    AdminWrites = Admin, Write;
    /// Whom the store tells what.
    OwnerWrites = Owner, Write;
}
