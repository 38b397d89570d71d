//! What happens by itself: sessions expire, bank debits settle, refunds end, buyers dispute.

use std::time::Duration;

use crate::core::Core;
use crate::records::What;
use crate::state::State;
use crate::{checkout, clock, disputing, refunding, settling};

/// The longest wait between two looks; sessions are due by the second.
const LONGEST: Duration = Duration::from_secs(1);

/// Does what is due, for ever. Ends when its task is aborted.
pub(crate) async fn run(core: Core) {
    loop {
        let (did, next) = {
            let mut state = core.lock();
            let expired = checkout::expire_due(&mut state);
            let worked = work(&mut state);
            (expired || worked, state.tasks.next_due())
        };
        if did {
            core.changed();
        }
        let pause = next.map_or(LONGEST, |at| {
            Duration::from_millis(u64::try_from(at.saturating_sub(clock::now_millis())).unwrap_or(0)).min(LONGEST)
        });
        tokio::select! {
            () = core.tasks_changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does the tasks that are due. Returns whether there was one.
fn work(state: &mut State) -> bool {
    let due = state.tasks.due_by(clock::now_millis());
    for id in &due {
        match state.tasks.remove(id).map(|task| task.what) {
            Some(What::Settle { session }) => {
                settling::settle(state, &session, None);
            }
            Some(What::Refund { refund, succeeds }) => {
                refunding::finish(state, &refund, succeeds);
            }
            Some(What::Dispute { charge, reason, inquiry }) => {
                disputing::open(state, &charge, &reason, inquiry);
            }
            None => {}
        }
    }
    !due.is_empty()
}
