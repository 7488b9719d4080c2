//! Logs that are waiting for a snapshot of their producers, because a generation of the store has
//! ended.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::log::LogId;

/// Each log is in it once, however often generations end: there are never more of them than logs.
#[derive(Debug, Default)]
pub struct RotatedLogs {
    waiting: Mutex<BTreeSet<LogId>>,
    added: Notify,
}

impl RotatedLogs {
    /// Adds logs. Never blocks.
    pub fn add(&self, logs: Vec<LogId>) {
        self.waiting.lock().extend(logs);
        self.added.notify_one();
    }

    /// Waits for logs and takes them all. Cancel safe.
    pub(super) async fn take(&self) -> Vec<LogId> {
        loop {
            let taken = std::mem::take(&mut *self.waiting.lock());
            if !taken.is_empty() {
                return taken.into_iter().collect();
            }
            self.added.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_waits_once() {
        let rotated = RotatedLogs::default();
        rotated.add(vec![LogId(2), LogId(1)]);
        rotated.add(vec![LogId(2)]);
        assert_eq!(rotated.take().await, [LogId(1), LogId(2)]);
        assert!(rotated.waiting.lock().is_empty());
    }
}
