//! A partition's state after a restart: what the log recorded, plus the headers of the batches
//! written since the last producer snapshot.

use std::ops::ControlFlow;

use barnabas_protocol::state::ids::Offset;

use super::state::epochs::EpochHistory;
use super::state::producers::Producers;
use super::state::{Bounds, ReplicaState, snapshot};
use crate::log::{ReadError, RecoveredLog, Store};

/// Rebuilds the state of one replica. Reads the headers of the batches that no snapshot covers.
pub fn replica_state(store: &Store, log: &RecoveredLog) -> Result<ReplicaState, ReadError> {
    let (mut producers, from) = snapshot_of(log);
    record_producers(store, log, from, &mut producers)?;
    let bounds = Bounds {
        log_start: log.log_start,
        high_watermark: log.high_watermark.clamp(log.log_start, log.end),
        log_end: log.end,
    };
    Ok(ReplicaState::new(bounds, EpochHistory::new(log.epochs.clone()), producers))
}

/// Takes in what producers have written from an offset on. A damaged part is passed over, so that
/// the rest of the partition, and of the broker, is served: who wrote only there counts as a new
/// producer.
fn record_producers(
    store: &Store,
    log: &RecoveredLog,
    from: Offset,
    producers: &mut Producers,
) -> Result<(), ReadError> {
    let mut next = from;
    while next < log.end {
        let read = store.batch_headers(log.id, next, log.end, &mut |header| {
            producers.record(header);
            next = header.next_offset();
            ControlFlow::Continue(())
        });
        let Err(ReadError::Corrupt { what, .. }) = read else { return read };
        let damaged = store.chunks(log.id).into_iter().find(|chunk| chunk.last >= next);
        let after = damaged.map_or(log.end, |chunk| chunk.last.plus(1));
        tracing::error!(
            topic_id = %log.topic_id, partition = %log.partition, from = %next, before = %after, %what,
            "records of this partition are damaged and cannot be served; the rest of it is"
        );
        next = after;
    }
    Ok(())
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
