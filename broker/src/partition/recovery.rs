//! A partition's state after a restart: what the log recorded, plus the headers of the batches written
//! since the last producer snapshot.

use std::ops::ControlFlow;

use barnabas_protocol::state::ids::Offset;

use super::state::epochs::EpochHistory;
use super::state::producers::Producers;
use super::state::{Bounds, ReplicaState, snapshot};
use crate::log::{ReadError, RecoveredLog, Store};

/// Rebuilds the state of one replica. Reads the headers of the batches that no snapshot covers.
pub fn replica_state(store: &Store, log: &RecoveredLog) -> Result<ReplicaState, ReadError> {
    let (mut producers, from) = snapshot_of(log);
    if from < log.end {
        store.batch_headers(log.id, from, log.end, &mut |header| {
            producers.record(header);
            ControlFlow::Continue(())
        })?;
    }
    let bounds = Bounds {
        log_start: log.log_start,
        high_watermark: log.high_watermark.clamp(log.log_start, log.end),
        log_end: log.end,
    };
    Ok(ReplicaState::new(bounds, EpochHistory::new(log.epochs.clone()), producers))
}

/// The producers at the last snapshot, and the first offset that it does not cover.
fn snapshot_of(log: &RecoveredLog) -> (Producers, Offset) {
    let Some((covered, bytes)) = &log.producer_snapshot else {
        return (Producers::default(), log.log_start);
    };
    match snapshot::decode(bytes) {
        Ok(producers) => (producers, (*covered).max(log.log_start)),
        Err(error) => {
            tracing::warn!(
                topic_id = %log.topic_id, partition = %log.partition, %error,
                "producer snapshot cannot be read; reading the whole log instead"
            );
            (Producers::default(), log.log_start)
        }
    }
}
