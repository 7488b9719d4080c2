//! Partitions after etcd went back in time: nobody leads on what it showed, the logs decide.
//!
//! ```text
//!  written under an older count ──▶ no leader, epoch + 2^20, RESTORED ──▶ led by the best log ──▶ RECOVERED
//! ```
//! The epoch step passes all epochs that leaders had since the backup.

use barnabas_protocol::state::RecoveryState;
use barnabas_protocol::state::ids::LeaderEpoch;

use super::{Action, ChangeSet, Value};
use crate::metadata::{Image, IsrMember, PartitionImage};

/// More leaders than a partition has between a backup and its restore.
pub(super) const EPOCH_STEP: i32 = 1 << 20;

/// What restores of etcd mean for a partition.
#[derive(Debug, PartialEq)]
pub(super) enum AfterRestore {
    /// Nothing: its state can be believed.
    Believed,
    /// It has no leader until the brokers that have its logs are there.
    Waits,
    /// It has this state next.
    Becomes(PartitionImage),
}

/// Judges the state of a partition.
pub(super) fn judge(view: &Image, state: &PartitionImage) -> AfterRestore {
    if state.restored < view.restored.count {
        return AfterRestore::Becomes(withdrawn(state, view.restored.count));
    }
    if state.recovery != RecoveryState::Restored || state.leader.is_some() {
        return AfterRestore::Believed;
    }
    best_log(view, state).map_or(AfterRestore::Waits, AfterRestore::Becomes)
}

/// Whether changes leave a partition without a leader until its logs are asked.
pub(crate) fn withdraws(set: &ChangeSet) -> bool {
    set.changes.iter().any(|change| match &change.action {
        Action::Put(Value::Partition(state)) => {
            state.recovery == RecoveryState::Restored && state.leader.is_none()
        }
        _ => false,
    })
}

/// The only transition from a state of an earlier count.
fn withdrawn(state: &PartitionImage, restored: i64) -> PartitionImage {
    PartitionImage {
        leader: None,
        leader_epoch: LeaderEpoch(state.leader_epoch.0.saturating_add(EPOCH_STEP)),
        recovery: RecoveryState::Restored,
        restored,
        ..state.clone()
    }
}

/// Elects by the logs. The only log of a partition with one replica is the best one. (Brokers
/// cannot be asked for theirs yet; a partition has no more than one replica either.)
fn best_log(view: &Image, state: &PartitionImage) -> Option<PartitionImage> {
    let [replica] = state.replicas[..] else { return None };
    let epoch = view.broker_epoch(replica).filter(|_| view.eligible(replica))?;
    Some(PartitionImage {
        leader: Some(replica),
        leader_epoch: LeaderEpoch(state.leader_epoch.0.saturating_add(1)),
        isr: vec![IsrMember { id: replica, epoch }],
        elr: Vec::new(),
        recovery: RecoveryState::Recovered,
        ..state.clone()
    })
}
