//! What happens to partitions without being asked: retention, producer snapshots, forgetting producers.

use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::state::ids::Offset;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::registry::Registry;
use super::retention::{Retention, first_kept};
use crate::env;
use crate::log::{LogId, Store, StoreFault};

/// How often partitions are looked after, and how long producers are remembered.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceSettings {
    /// `log.retention.check.interval.ms`.
    pub retention_interval: Duration,
    /// `producer.id.expiration.ms`.
    pub producer_expiration_ms: i64,
}

/// Runs until `stop`. `rotated` brings the logs that a finished generation of the store touched.
pub async fn run(
    registry: Arc<Registry>,
    store: Store,
    settings: MaintenanceSettings,
    mut rotated: mpsc::UnboundedReceiver<Vec<LogId>>,
    stop: CancellationToken,
) {
    let mut retention = tokio::time::interval(settings.retention_interval);
    retention.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let (registry, store) = (Arc::clone(&registry), store.clone());
        tokio::select! {
            () = stop.cancelled() => return,
            Some(logs) = rotated.recv() => {
                // Takes each partition's lock, thousands of them perhaps: not on a thread of the runtime.
                blocking("write producer snapshots", move || {
                    snapshot(&registry, &store, &logs);
                    Ok(())
                }).await;
            }
            _ = retention.tick() => {
                let now = env::wall_clock_ms();
                let oldest = now - settings.producer_expiration_ms;
                blocking("apply retention", move || {
                    registry.all().iter().for_each(|partition| partition.expire_producers(oldest));
                    retain(&registry, &store, now)
                }).await;
            }
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
pub fn snapshot(registry: &Registry, store: &Store, logs: &[LogId]) {
    for partition in logs.iter().filter_map(|log| registry.by_log(*log)) {
        let (end, bytes) = partition.producer_snapshot();
        store.write_producer_snapshot(partition.log, end, bytes);
    }
}

/// Drops what has outlived `retention.ms` or `retention.bytes`.
pub fn retain(registry: &Registry, store: &Store, now_ms: i64) -> Result<(), StoreFault> {
    let mut starts: Vec<(LogId, Offset)> = Vec::new();
    for partition in registry.all() {
        let config = partition.config();
        if !config.cleanup_policy.delete {
            continue;
        }
        let retention = Retention { ms: config.retention_ms, bytes: config.retention_bytes };
        if retention.ms < 0 && retention.bytes < 0 {
            continue;
        }
        let chunks = store.chunks(partition.log);
        let committed = partition.bounds().high_watermark;
        let first = first_kept(&chunks, retention, now_ms, committed);
        let start = first.and_then(|first| partition.advance_log_start(first));
        starts.extend(start.map(|start| (partition.log, start)));
    }
    if !starts.is_empty() {
        store.set_log_start(&starts)?;
        tracing::info!(partitions = starts.len(), "retention dropped old records");
    }
    let reclaimed = store.reclaim()?;
    if reclaimed.bytes > 0 {
        tracing::info!(
            bytes = reclaimed.bytes,
            rewritten = reclaimed.rewritten,
            "disk space freed"
        );
    }
    Ok(())
}
