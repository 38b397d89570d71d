//! Idempotency keys (<https://docs.stripe.com/api/idempotent_requests>): the same key gives the same answer.

use axum::http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use super::Done;
use crate::clock;
use crate::error::ApiError;
use crate::form::Node;
use crate::records::Kept;
use crate::state::State;

/// How long an answer is kept, in seconds.
const KEPT_FOR: i64 = 24 * 3_600;
/// The longest key.
const LONGEST: usize = 255;

/// Refuses keys that are too long or not text.
pub(super) fn check_key(key: &HeaderValue) -> Result<(), ApiError> {
    let Ok(text) = key.to_str() else {
        return Err(ApiError::invalid("The Idempotency-Key must be made of printable ASCII characters."));
    };
    if text.is_empty() {
        return Err(ApiError::invalid("The Idempotency-Key must not be empty."));
    }
    if text.len() > LONGEST {
        return Err(ApiError::invalid(format!(
            "Idempotency key is too long: keys can be up to {LONGEST} characters, yours is {}.",
            text.len()
        )));
    }
    Ok(())
}

/// What the parameters of a request amount to, in whatever order they were sent.
pub(super) fn fingerprint(form: &Node) -> String {
    fn feed(node: &Node, hash: &mut Sha256) {
        match node {
            Node::Text(text) => {
                hash.update(text.len().to_be_bytes());
                hash.update(text);
            }
            Node::Branch(children) => {
                let mut sorted: Vec<_> = children.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                hash.update(b"{");
                for (key, child) in sorted {
                    hash.update(key.len().to_be_bytes());
                    hash.update(key);
                    feed(child, hash);
                }
                hash.update(b"}");
            }
        }
    }
    let mut hash = Sha256::new();
    feed(form, &mut hash);
    hex::encode(hash.finalize())
}

/// The answer kept for a key, or the error of using it for something else.
pub(super) fn replay(state: &State, key: &str, path: &str, fingerprint: &str) -> Option<Result<Done, ApiError>> {
    let kept = state.idempotency.get(key).filter(|kept| clock::now() - kept.at < KEPT_FOR)?;
    if kept.path != path {
        return Some(Err(ApiError::idempotency(format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{path}' \
             vs '{}'). Try using a key other than '{key}' if you meant to execute a different request.",
            kept.path
        ))));
    }
    if kept.fingerprint != fingerprint {
        return Some(Err(ApiError::idempotency(format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        ))));
    }
    Some(Ok(Done {
        status: StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        object: serde_json::from_str::<serde_json::Value>(&kept.body).ok().as_ref().and_then(super::id_of),
        body: kept.body.clone(),
        kept: false,
        replay_of: Some(kept.request.clone()),
        retry_after: None,
    }))
}

/// Keeps an answer, and forgets those whose time is over.
pub(super) fn keep(state: &mut State, key: &str, path: &str, fingerprint: String, done: &Done, request: &str) {
    let now = clock::now();
    for old in state.idempotency.due_by(now - KEPT_FOR) {
        state.idempotency.remove(&old);
    }
    state.idempotency.push(Kept {
        key: key.to_owned(),
        path: path.to_owned(),
        fingerprint,
        at: now,
        status: done.status.as_u16(),
        body: done.body.clone(),
        request: request.to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_forgotten_after_24_hours() {
        let mut state = State::new(10);
        let done = Done { body: "{}".to_owned(), ..Done::from_answer(Ok(serde_json::json!({})), "req_0") };
        keep(&mut state, "k", "/v1/x", "f".to_owned(), &done, "req_1");
        assert!(matches!(replay(&state, "k", "/v1/x", "f"), Some(Ok(_))));
        state.idempotency.update("k", |kept| kept.at -= KEPT_FOR);
        assert!(replay(&state, "k", "/v1/x", "f").is_none());
        keep(&mut state, "l", "/v1/x", "f".to_owned(), &done, "req_2");
        assert_eq!(state.idempotency.len(), 1);
    }
}
