//! What happens to partitions without being asked: retention, producer snapshots, forgetting
//! producers, syncs in time.

mod retention;
mod rotated;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_protocol::state::ids::Offset;
use tokio_util::sync::CancellationToken;

use self::retention::{Retention, first_kept};
pub use self::rotated::RotatedLogs;
use super::Partition;
use super::table::PartitionTable;
use crate::config::BrokerConfig;
use crate::env;
use crate::log::{LogId, Store, StoreFault};

/// How much later than `flush.ms` a sync may begin.
const FLUSH_TICK: Duration = Duration::from_millis(100);

/// Runs until `stop`. `rotated` brings the logs that a finished generation of the store touched.
pub async fn run(
    registry: Arc<PartitionTable>,
    store: Store,
    config: Arc<ArcSwap<BrokerConfig>>,
    rotated: Arc<RotatedLogs>,
    stop: CancellationToken,
) {
    let mut retention = tokio::time::interval(config.load().log_retention_check_interval);
    retention.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let (registry, store) = (Arc::clone(&registry), store.clone());
        tokio::select! {
            () = stop.cancelled() => return,
            logs = rotated.take() => {
                // Takes each partition's lock, thousands of them perhaps: not on a thread of the
                // runtime.
                blocking("write producer snapshots", move || {
                    snapshot(&registry, &store, &logs);
                    Ok(())
                }).await;
            }
            _ = retention.tick() => {
                let now = env::expiry_clock_ms();
                let oldest = now - config.load().producer_id_expiration.as_millis() as i64;
                blocking("apply retention", move || {
                    let partitions = registry.all();
                    partitions.iter().for_each(|partition| partition.expire_producers(oldest));
                    retain(&partitions, &store, now)
                }).await;
            }
        }
    }
}

/// Syncs what has waited for `flush.ms`, until `stop`.
pub async fn flush(store: Store, stop: CancellationToken) {
    let mut tick = tokio::time::interval(FLUSH_TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        if store.is_sync_due(env::wall_clock_ms()) {
            let store = store.clone();
            blocking("flush the log", move || store.sync()).await;
        }
    }
}

/// Failures are logged and tried again at the next turn: nothing here is owed to a client.
async fn blocking(what: &str, work: impl FnOnce() -> Result<(), StoreFault> + Send + 'static) {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot {what} now; will try again"),
        Err(error) => tracing::error!(%error, "cannot {what}: the task died"),
    }
}

/// Stores what these partitions know of producers, so that a restart reads only what follows.
pub fn snapshot(registry: &PartitionTable, store: &Store, logs: &[LogId]) {
    for partition in logs.iter().filter_map(|log| registry.by_log(*log)) {
        let (end, bytes) = partition.producer_snapshot();
        store.write_producer_snapshot(partition.log, end, bytes);
    }
}

/// Drops what has outlived `retention.ms` or `retention.bytes`.
pub fn retain(partitions: &[Arc<Partition>], store: &Store, now_ms: i64) -> Result<(), StoreFault> {
    let mut starts: Vec<(LogId, Offset)> = Vec::new();
    for partition in partitions {
        if let Some(first) = outlived(partition, store, now_ms) {
            partition.advance_log_start(first);
        }
        starts.extend(partition.unsaved_log_start().map(|start| (partition.log, start)));
    }
    let stored = if starts.is_empty() { Ok(()) } else { store.set_log_start(&starts) };
    if stored.is_ok() && !starts.is_empty() {
        tracing::info!(partitions = starts.len(), "retention dropped old records");
    }
    // Also where the disk is too full to take the new starts: what was dropped before may make room
    // for them.
    let reclaimed = store.reclaim()?;
    if reclaimed.bytes > 0 {
        tracing::info!(
            bytes = reclaimed.bytes,
            rewritten = reclaimed.rewritten,
            "disk space freed"
        );
    }
    stored
}

/// Where a partition begins that drops what has outlived its time or its size.
fn outlived(partition: &Partition, store: &Store, now_ms: i64) -> Option<Offset> {
    let config = partition.config();
    let retention = Retention { ms: config.retention_ms, bytes: config.retention_bytes };
    if !config.cleanup_policy.delete || (retention.ms < 0 && retention.bytes < 0) {
        return None;
    }
    first_kept(&store.chunks(partition.log), retention, now_ms, partition.bounds().high_watermark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::partition::testing::{leader, produce};

    #[test]
    fn records_without_timestamps_have_the_time_that_they_were_appended_at() {
        const HOUR: i64 = 3_600_000;
        let dir = tempfile::tempdir().unwrap();
        let (store, partition) = leader(dir.path());
        let retention_ms = HOUR;
        let config = TopicConfig { retention_ms, ..TopicConfig::clone(&partition.config()) };
        partition.set_config(Arc::new(config));
        produce(&partition, 5).unwrap();
        let now = env::wall_clock_ms();
        retain(&[Arc::clone(&partition)], &store, now).unwrap();
        assert_eq!(partition.bounds().log_start, Offset(0));
        retain(&[Arc::clone(&partition)], &store, now + 2 * HOUR).unwrap();
        assert_eq!(partition.bounds().log_start, Offset(5));
    }

    #[test]
    fn a_log_start_that_the_store_did_not_take_is_brought_to_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let (store, partition) = leader(dir.path());
        produce(&partition, 5).unwrap();
        assert_eq!(partition.advance_log_start(Offset(3)), Offset(3));
        assert_eq!(partition.unsaved_log_start(), Some(Offset(3)), "nobody has stored it");
        assert_eq!(partition.advance_log_start(Offset(3)), Offset(3));
        assert_eq!(
            partition.unsaved_log_start(),
            Some(Offset(3)),
            "nor because it is asked for again"
        );
        retain(&[Arc::clone(&partition)], &store, 0).unwrap();
        assert_eq!(store.log_start(partition.log), Some(Offset(3)));
        assert_eq!(partition.unsaved_log_start(), None);
    }
}
