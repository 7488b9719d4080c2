//! Long polling: passes over the partitions until there is enough to say, or time is up.

use std::sync::Arc;
use std::time::Instant;

use barnabas_protocol::kafka::messages::fetch::PartitionData;
use barnabas_protocol::state::ids::Offset;
use tokio::sync::Notify;

use super::pass::{Limits, Resolved, pass};
use crate::api::fetch_sessions::PartitionKey;
use crate::env;
use crate::partition::waiters::fetch_wait::FetchWaiter;

/// Passes over the partitions until there is enough to say.
pub(super) async fn poll(
    resolved: &Arc<Vec<Resolved>>,
    limits: Limits,
    deadline: Instant,
) -> Vec<(PartitionKey, PartitionData)> {
    let waiter: FetchWaiter = Arc::new(Notify::new());
    loop {
        let pass = pass(resolved, limits).await;
        let enough = pass.urgent || pass.available_bytes >= limits.min_bytes || resolved.is_empty();
        if enough || env::now() >= deadline {
            return pass.answers;
        }
        let registered = Registered::new(resolved, &pass.answers, &waiter);
        if registered.complete {
            let woken = waiter.notified();
            // A timeout is not an error: the next pass answers with what there is.
            let _ = tokio::time::timeout_at(deadline.into(), woken).await;
        }
    }
}

/// A waiting request's handles at its partitions; dropping it takes them back.
struct Registered<'a> {
    resolved: &'a [Resolved],
    waiter: &'a FetchWaiter,
    /// False when a partition had advanced already.
    complete: bool,
}

impl<'a> Registered<'a> {
    fn new(
        resolved: &'a [Resolved],
        answers: &[(PartitionKey, PartitionData)],
        waiter: &'a FetchWaiter,
    ) -> Self {
        let mut registered = Self { resolved, waiter, complete: true };
        for ((_, partition), (_, data)) in resolved.iter().zip(answers) {
            if let Ok((partition, fetch)) = partition {
                let seen = Offset(data.high_watermark);
                registered.complete &= partition.wait_past(seen, fetch.leader_epoch, waiter);
            }
        }
        registered
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        for (_, partition) in self.resolved {
            if let Ok((partition, _)) = partition {
                partition.stop_waiting(self.waiter);
            }
        }
    }
}
