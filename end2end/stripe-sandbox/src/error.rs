//! Errors in Stripe's shape: `{"error": {"type", "code", "message", "param", …}}`.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// One error answer of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
    /// Whether the endpoint had begun to act. Stripe keeps only such answers for an idempotency key.
    executed: bool,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, message: message.into(), param: None, executed: false }
    }

    /// A 400 `invalid_request_error` without a code.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// A 401: no key, or one that is not accepted.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// A 404 for a URL that the API does not have.
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            format!(
                "Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing \
                 slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier \
                 in your code. stripe-sandbox has only the part of Stripe that a store uses."
            ),
        )
    }

    /// A 404 `resource_missing`; `what` as in Stripe's messages (`checkout.session`, `payment_intent`).
    pub(crate) fn missing_resource(what: &str, id: &str, param: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", format!("No such {what}: '{}'", printable(id)))
            .code("resource_missing")
            .param(param)
            .after_start()
    }

    /// A cursor, a filter or a reference that names nothing is the request's fault, not the URL's: a 400.
    #[must_use]
    pub(crate) fn in_parameter(mut self) -> Self {
        self.status = StatusCode::BAD_REQUEST;
        self
    }

    /// `parameter_missing`
    pub(crate) fn missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}.")).code("parameter_missing").param(param)
    }

    /// `parameter_unknown`
    pub(crate) fn unknown(param: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {param}")).code("parameter_unknown").param(param)
    }

    /// Stripe has this parameter or value, the sandbox does not.
    pub(crate) fn unsupported(param: &str, what: &str) -> Self {
        Self::invalid(format!("stripe-sandbox does not support {what}; Stripe itself does.")).param(param)
    }

    /// `parameter_invalid_empty`
    pub(crate) fn empty(param: &str) -> Self {
        Self::invalid(format!(
            "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; \
             however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty \
             value."
        ))
        .code("parameter_invalid_empty")
        .param(param)
    }

    /// `parameter_invalid_integer`
    pub(crate) fn integer(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(message).code("parameter_invalid_integer").param(param)
    }

    /// The answers of an injected fault.
    pub(crate) fn injected(status: StatusCode) -> Self {
        match status.as_u16() {
            429 => Self::new(
                status,
                "invalid_request_error",
                "Request rate limit exceeded. You can learn more about rate limits here: \
                 https://stripe.com/docs/rate-limits.",
            )
            .code("rate_limit"),
            500..=599 => Self::new(status, "api_error", "An unknown error occurred").after_start(),
            _ => Self::new(status, "invalid_request_error", "Injected by stripe-sandbox."),
        }
    }

    /// `idempotency_error`: the key was used for something else.
    pub(crate) fn idempotency(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    /// 409 `idempotency_key_in_use`
    pub(crate) fn key_in_use(key: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "idempotency_error",
            format!(
                "There is currently another in-progress request using this Idempotent Key (that probably means you \
                 submitted twice, and the other request is still going through): {key}. Please try again later."
            ),
        )
        .code("idempotency_key_in_use")
    }

    /// Adds a code.
    #[must_use]
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Names the parameter at fault.
    #[must_use]
    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Marks an error of an endpoint that had begun: it is replayed for its idempotency key.
    #[must_use]
    pub(crate) fn after_start(mut self) -> Self {
        self.executed = true;
        self
    }

    /// Whether an idempotency key keeps this answer.
    pub(crate) fn is_kept(&self) -> bool {
        self.executed
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body, for the request of that id.
    pub(crate) fn body(&self, request_id: &str, created: i64) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".into(), json!(code));
            let page = code.replace('_', "-");
            error.insert("doc_url".into(), json!(format!("https://stripe.com/docs/error-codes/{page}")));
        }
        error.insert("message".into(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        error.insert(
            "request_log_url".into(),
            json!(format!("https://dashboard.stripe.com/test/logs/{request_id}?t={created}")),
        );
        error.insert("type".into(), json!(self.kind));
        json!({ "error": error })
    }
}

fn printable(id: &str) -> String {
    id.chars().take(120).filter(|c| !c.is_control()).collect()
}
