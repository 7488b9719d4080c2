//! What one replica of a partition decides: who may write, at which offset, and what may be read.
//!
//! Pure: no clock, no I/O. The shell around it ([`super::Partition`]) holds it under a short lock
//! and carries out the [`Commands`] that come out.
//!
//! ```text
//!  log start        high watermark      log end          next
//!      |  readable by     |  written, not    |  on its way  |
//!      |  consumers       |  replicated      |  to the log  |
//! ```
//!
//! A role ends at once and the next one begins when every batch of the leadership before has
//! arrived:
//!
//! ```text
//!  Offline ⇄ Follower ⇄ Leader ──batches on their way──▶ Draining ──the last one arrives──▶ the next role
//! ```

mod commands;
pub mod epochs;
pub mod follower;
pub mod isr;
pub mod leader;
pub mod producers;
pub mod role;
pub mod snapshot;

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

pub use self::commands::{AckError, Commands, Failed};
use self::epochs::EpochHistory;
use self::leader::{Arrival, Leader, Leadership};
use self::producers::{ProducedBatch, Producers, SequenceCheck, SequenceError};
pub use self::role::Assignment;
use self::role::Role;
use crate::log::EpochEntry;

/// Why a batch is not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// This broker does not lead the partition.
    #[error("this broker does not lead the partition")]
    NotLeader,
    /// acks=all, and fewer replicas are in sync than `min.insync.replicas` asks for.
    #[error("{in_sync} replicas are in sync, and min.insync.replicas is {required}")]
    NotEnoughReplicas {
        /// Replicas in sync.
        in_sync: usize,
        /// What the topic asks for.
        required: usize,
    },
    /// The log could not be written, and batches that were on their way to it are still being given
    /// up.
    #[error("the log could not be written")]
    Storage,
    /// The producer's epoch or sequence number does not fit.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
}

/// Why a partition cannot answer a request that names a leader epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeadershipError {
    /// This broker does not lead the partition.
    #[error("this broker does not lead the partition")]
    NotLeader,
    /// The client knows of an older leader only.
    #[error("the client's leader epoch is older than the current one")]
    FencedEpoch,
    /// The client knows of a newer leader than this broker does.
    #[error("the client's leader epoch is newer than the current one")]
    UnknownEpoch,
}

/// What to do with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write it with these values in its header.
    Append {
        /// Offset of its first record.
        base: Offset,
        /// Offset after its last record.
        end: Offset,
        /// The leader's epoch.
        epoch: LeaderEpoch,
        /// To be stored with it where it is the first of its epoch.
        epoch_start: Option<EpochEntry>,
    },
    /// It is in the log already.
    Duplicate(ProducedBatch),
}

/// Offsets that bound what may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that is kept.
    pub log_start: Offset,
    /// Consumers read below it.
    pub high_watermark: Offset,
    /// One past the last record written.
    pub log_end: Offset,
}

/// One replica's state.
#[derive(Clone, Debug)]
pub struct ReplicaState {
    role: Role,
    bounds: Bounds,
    /// Which leader wrote what.
    pub epochs: EpochHistory,
    /// What idempotent producers wrote.
    pub producers: Producers,
}

impl ReplicaState {
    /// A replica as the log has it: nothing on its way, no role yet.
    #[must_use]
    pub const fn new(bounds: Bounds, epochs: EpochHistory, producers: Producers) -> Self {
        Self { role: Role::Offline, bounds, epochs, producers }
    }

    /// The offsets that bound reads.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Decides on one batch of a producer, whose content is valid. With acks=all enough replicas
    /// have to be in sync.
    pub fn append(
        &mut self,
        header: &BatchHeader,
        acks_all: bool,
    ) -> Result<Decision, AppendError> {
        let Role::Leader(leader) = &mut self.role else {
            return Err(AppendError::NotLeader);
        };
        let (in_sync, required) = (leader.in_sync(), leader.required());
        if acks_all && in_sync < required {
            return Err(AppendError::NotEnoughReplicas { in_sync, required });
        }
        // A batch that took the offset of a lost one now could be counted among those that are lost
        // with it.
        if leader.pipeline.failed {
            return Err(AppendError::Storage);
        }
        if header.has_producer()
            && let SequenceCheck::Duplicate(batch) = self.producers.check(header)?
        {
            return Ok(Decision::Duplicate(batch));
        }
        let epoch = leader.epoch;
        let (base, end, epoch_start) = leader.place(i64::from(header.last_offset_delta) + 1);
        self.producers.record(&BatchHeader { base_offset: base, ..*header });
        Ok(Decision::Append { base, end, epoch, epoch_start })
    }

    /// One batch is written: the log holds everything below `end`.
    pub fn written(&mut self, end: Offset) -> Commands {
        self.bounds.log_end = self.bounds.log_end.max(end);
        if let Some(pipeline) = self.role.pipeline() {
            pipeline.next = pipeline.next.max(end);
        }
        let wake_fetches = true;
        let written = Some(self.bounds.log_end);
        let arrived = self.arrived();
        let committed = self.advance_high_watermark().or(arrived.committed);
        Commands { written, committed, wake_fetches, ..arrived }
    }

    /// One batch is lost, and with it those behind it: no more are taken until the fate of each is
    /// known.
    pub fn write_failed(&mut self) -> Commands {
        if let Some(pipeline) = self.role.pipeline() {
            pipeline.failed = true;
        }
        let failed = Failed { from: self.bounds.log_end, error: AckError::Storage };
        Commands { failed: Some(failed), ..self.arrived() }
    }

    /// The fate of one batch is known. After that of the last one the next batch takes the place of
    /// what was lost, or the role begins that waited for it.
    fn arrived(&mut self) -> Commands {
        let Some(pipeline) = self.role.pipeline() else { return Commands::default() };
        let arrival = pipeline.arrived();
        if arrival == Arrival::More {
            return Commands::default();
        }
        let log_end = self.bounds.log_end;
        let mut unsaved_epoch = None;
        if arrival == Arrival::DrainedAfterFailure {
            self.producers.rollback_to(log_end);
            unsaved_epoch = self.epochs.roll_back_to(log_end);
        }
        match std::mem::replace(&mut self.role, Role::Offline) {
            Role::Leader(mut leader) => {
                if arrival == Arrival::DrainedAfterFailure {
                    leader.restart_at(log_end, unsaved_epoch);
                }
                self.role = Role::Leader(leader);
                Commands::default()
            }
            Role::Draining(_, next) => self.begin(next),
            role @ (Role::Offline | Role::Follower(_)) => {
                self.role = role;
                Commands::default()
            }
        }
    }

    /// Takes the role that the cluster's state gives. Producers that wait for acknowledgements of a
    /// leadership that ends are told so, with `ended`: the records may or may not survive.
    pub fn assign(&mut self, assignment: Assignment, ended: AckError) -> Commands {
        match (&mut self.role, assignment) {
            (Role::Leader(leader), Assignment::Leader(new)) if leader.epoch == new.epoch => {
                leader.update(new);
                Commands { committed: self.advance_high_watermark(), ..Commands::default() }
            }
            (Role::Offline, Assignment::Offline) => Commands::default(),
            (Role::Follower(now), Assignment::Follower(new)) if *now == new => Commands::default(),
            (Role::Draining(_, next), new) => {
                *next = new;
                Commands::default()
            }
            (Role::Leader(leader), new) => {
                let pipeline = leader.pipeline;
                let failed = Some(Failed { from: Offset(i64::MIN), error: ended });
                let next = if pipeline.in_flight == 0 {
                    self.begin(new)
                } else {
                    self.role = Role::Draining(pipeline, new);
                    Commands::default()
                };
                Commands { failed, wake_fetches: true, ..next }
            }
            (_, new) => self.begin(new),
        }
    }

    /// Begins a role, with nothing on its way to the log.
    fn begin(&mut self, assignment: Assignment) -> Commands {
        self.role = match assignment {
            Assignment::Offline => Role::Offline,
            Assignment::Follower(follower) => Role::Follower(follower),
            Assignment::Leader(leadership) => self.lead(leadership),
        };
        Commands {
            committed: self.advance_high_watermark(),
            wake_fetches: true,
            ..Commands::default()
        }
    }

    /// Leads from the log's end on. An epoch below one that the log has cannot be right: its
    /// records would be taken for those of another leader.
    fn lead(&mut self, leadership: Leadership) -> Role {
        let epoch = leadership.epoch;
        if self.epochs.latest().is_some_and(|latest| latest > epoch) {
            return Role::Offline;
        }
        let log_end = self.bounds.log_end;
        // Known from now on, so that clients may ask for it before anything is written.
        let unsaved_epoch = self.epochs.entry_for(epoch, log_end);
        unsaved_epoch.into_iter().for_each(|entry| self.epochs.assign(entry));
        Role::Leader(Leader::new(leadership, log_end, unsaved_epoch))
    }

    /// Removes records below `to` from view. Returns the log start offset.
    pub fn advance_log_start(&mut self, to: Offset) -> Offset {
        let to = to.min(self.bounds.high_watermark);
        if to > self.bounds.log_start {
            self.bounds.log_start = to;
            self.epochs.advance_start(to);
        }
        self.bounds.log_start
    }

    /// Checks the leader epoch that a request carries (-1: none), as KIP-320 says.
    pub fn check_leadership(&self, requested: LeaderEpoch) -> Result<LeaderEpoch, LeadershipError> {
        let (current, leads) = self.role.epoch().ok_or(LeadershipError::NotLeader)?;
        if requested != LeaderEpoch::UNKNOWN {
            if requested < current {
                return Err(LeadershipError::FencedEpoch);
            }
            if requested > current {
                return Err(LeadershipError::UnknownEpoch);
            }
        }
        if leads { Ok(current) } else { Err(LeadershipError::NotLeader) }
    }

    /// Moves the high watermark as far as the leader may; returns it if it moved.
    fn advance_high_watermark(&mut self) -> Option<Offset> {
        let Role::Leader(leader) = &self.role else { return None };
        let committed = leader.committed(self.bounds.log_end)?;
        if committed <= self.bounds.high_watermark {
            return None;
        }
        self.bounds.high_watermark = committed;
        Some(committed)
    }
}

/// The header of a batch of nothing by nobody, for tests to fill in.
#[cfg(test)]
fn blank_header() -> BatchHeader {
    use barnabas_protocol::state::ids::ProducerId;
    BatchHeader {
        base_offset: Offset(0),
        batch_length: 0,
        partition_leader_epoch: LeaderEpoch(0),
        magic: BatchHeader::MAGIC,
        crc: 0,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: 0,
        max_timestamp: 0,
        producer_id: ProducerId(0),
        producer_epoch: 0,
        base_sequence: 0,
        records_count: 0,
    }
}

#[cfg(test)]
mod tests;
