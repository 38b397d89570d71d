//! A mailbox in memory, with faults on demand: for what no real relay does when it is asked to.

use super::MailError;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// It is refused for good.
    Refuse,
    /// It is not taken this time.
    Fail,
    /// It is not taken: a defect of ours.
    Panic,
    /// It is taken, and we crash before we hear of it.
    PanicAfterSending,
    /// It is taken, and we never hear of it.
    HangAfterSending,
}

/// The mails that were sent, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    sent: Vec<Vec<u8>>,
    faults: VecDeque<MailFault>,
}

impl Memory {
    /// What was sent, as it would travel.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.lock().sent.clone()
    }

    /// The next mails meet these faults, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = MailFault>) {
        self.lock().faults.extend(faults);
    }

    #[expect(clippy::panic, reason = "it is what two of the faults are")]
    pub(super) async fn keep(&self, message: Vec<u8>) -> Result<(), MailError> {
        let fault = {
            let mut inner = self.lock();
            let fault = inner.faults.pop_front();
            if matches!(fault, None | Some(MailFault::PanicAfterSending | MailFault::HangAfterSending)) {
                inner.sent.push(message);
            }
            fault
        };
        match fault {
            None => Ok(()),
            Some(MailFault::Refuse) => Err(MailError::Refused("550 5.1.1 no such mailbox".into())),
            Some(MailFault::Fail) => Err(MailError::Failed("451 4.3.0 come back later".into())),
            Some(MailFault::Panic | MailFault::PanicAfterSending) => panic!("a fault on demand"),
            Some(MailFault::HangAfterSending) => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
