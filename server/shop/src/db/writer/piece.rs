//! A piece of the writer's work: a caller's transaction, whatever it returns.

use crate::Error;
use crate::db::{AnyConnection, Manner, POOL_TIMEOUT, persist, transaction};
use std::time::Instant;
use tokio::sync::oneshot;

/// A caller's transaction with the way back to the caller.
pub(super) trait Work: Send {
    /// Whether its caller has been kept waiting for too long.
    fn is_late(&self) -> bool;
    /// In what manner it is to be done.
    fn manner(&self) -> Manner;
    /// Since when it waits.
    fn queued(&self) -> Instant;
    /// Does it; false if it must be undone.
    fn attempt(&mut self, conn: &mut AnyConnection) -> bool;
    /// Answers with what the attempt came to: it is durable, or undone.
    fn answer(self: Box<Self>);
    /// Answers that it could not be done.
    fn refuse(self: Box<Self>, error: Error);
    /// Does it in a transaction of its own and answers.
    fn alone(self: Box<Self>, conn: &mut AnyConnection);
}

/// The piece of work of one caller.
pub(super) struct Piece<T, F> {
    work: F,
    manner: Manner,
    answer: oneshot::Sender<Result<T, Error>>,
    result: Option<Result<T, Error>>,
    queued: Instant,
    span: tracing::Span,
}

impl<T, F> Piece<T, F> {
    /// It waits from now on, and is done in the span of whoever asks.
    pub(super) fn new(work: F, manner: Manner, answer: oneshot::Sender<Result<T, Error>>) -> Self {
        Self { work, manner, answer, result: None, queued: Instant::now(), span: tracing::Span::current() }
    }
}

impl<T, F> Work for Piece<T, F>
where
    T: Send,
    F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send,
{
    fn is_late(&self) -> bool {
        self.queued.elapsed() > POOL_TIMEOUT
    }

    fn manner(&self) -> Manner {
        self.manner
    }

    fn queued(&self) -> Instant {
        self.queued
    }

    fn attempt(&mut self, conn: &mut AnyConnection) -> bool {
        let result = self.span.in_scope(|| (self.work)(conn));
        let done = result.is_ok();
        self.result = Some(result);
        done
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(Error::internal("work that was never done")));
        // Whoever asked may have gone; what was asked is done all the same.
        let _ = self.answer.send(result);
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error));
    }

    fn alone(mut self: Box<Self>, conn: &mut AnyConnection) {
        let result = self.span.in_scope(|| persist(|work| transaction(conn, work), &mut self.work));
        let _ = self.answer.send(result);
    }
}
