//! What one replica of a partition decides: who may write, at which offset, and what may be read.
//!
//! Pure: no clock, no I/O. The shell around it ([`super::Partition`]) holds it under a short lock and does
//! what it says.
//!
//! ```text
//!  log start        high watermark      log end          next
//!      |  readable by     |  written, not    |  on its way  |
//!      |  consumers       |  replicated      |  to the log  |
//! ```

pub mod epochs;
pub mod producers;
pub mod snapshot;

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch, Offset};

use self::epochs::EpochHistory;
use self::producers::{ProducedBatch, Producers, SequenceCheck, SequenceError};
use crate::log::EpochEntry;

/// What this broker is for the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// No leader is elected, or the broker is starting.
    Offline,
    /// Takes writes and serves reads.
    Leader {
        /// The epoch that the controller gave to this leadership.
        epoch: LeaderEpoch,
        /// In-sync replicas, this broker included.
        isr: Vec<BrokerId>,
        /// How many replicas there are: `min.insync.replicas` asks for no more.
        replicas: usize,
    },
    /// Another broker leads.
    Follower {
        /// The leader, for clients that ask here.
        leader: BrokerId,
        /// Its epoch.
        epoch: LeaderEpoch,
    },
}

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
    /// The log could not be written, and batches that were on their way to it are still being given up.
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

/// What becomes of a batch.
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
    /// What this broker is for the partition.
    pub role: Role,
    bounds: Bounds,
    /// Where the next batch goes: the log end plus what is on its way to the log.
    next: Offset,
    /// How many batches that is.
    in_flight: usize,
    /// One of them was not written; then none behind it will be.
    failed: bool,
    /// Which leader wrote what.
    pub epochs: EpochHistory,
    /// This leader's own epoch until it is stored, which happens with its first batch.
    unsaved_epoch: Option<EpochEntry>,
    /// What idempotent producers wrote.
    pub producers: Producers,
}

impl ReplicaState {
    /// A replica as the log has it: nothing on its way, no role yet.
    #[must_use]
    pub const fn new(bounds: Bounds, epochs: EpochHistory, producers: Producers) -> Self {
        let (role, next) = (Role::Offline, bounds.log_end);
        let (in_flight, failed, unsaved_epoch) = (0, false, None);
        Self { role, bounds, next, in_flight, failed, epochs, unsaved_epoch, producers }
    }

    /// The offsets that bound reads.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Decides on one batch of a producer, whose content is valid. `required` is `min.insync.replicas` for
    /// acks=all and 0 otherwise.
    pub fn append(
        &mut self,
        header: &BatchHeader,
        required: usize,
    ) -> Result<Decision, AppendError> {
        let Role::Leader { epoch, isr, replicas } = &self.role else {
            return Err(AppendError::NotLeader);
        };
        let (epoch, in_sync, required) = (*epoch, isr.len(), required.min(*replicas));
        if in_sync < required {
            return Err(AppendError::NotEnoughReplicas { in_sync, required });
        }
        // Whatever took the offset of a lost batch now could be counted among those that are lost with it.
        if self.failed {
            return Err(AppendError::Storage);
        }
        if header.has_producer()
            && let SequenceCheck::Duplicate(batch) = self.producers.check(header)?
        {
            return Ok(Decision::Duplicate(batch));
        }
        let base = self.next;
        let end = base.plus(i64::from(header.last_offset_delta) + 1);
        let epoch_start = self.unsaved_epoch.take();
        self.producers.record(&BatchHeader { base_offset: base, ..*header });
        self.next = end;
        self.in_flight += 1;
        Ok(Decision::Append { base, end, epoch, epoch_start })
    }

    /// One batch is written: the log holds everything below `end`. Returns true when the high watermark moved.
    pub fn written(&mut self, end: Offset) -> bool {
        self.bounds.log_end = self.bounds.log_end.max(end);
        self.next = self.next.max(end);
        self.arrived();
        self.advance_high_watermark()
    }

    /// One batch is lost, and with it those behind it: no more are taken until the fate of each is known.
    pub fn write_failed(&mut self) {
        self.failed = true;
        self.arrived();
    }

    /// The fate of one batch is known. After that of the last one, the next batch takes the place of what is lost.
    fn arrived(&mut self) {
        self.in_flight -= 1;
        if self.in_flight == 0 && std::mem::take(&mut self.failed) {
            self.next = self.bounds.log_end;
            self.producers.rollback_to(self.next);
            // The leader's epoch may have been lost with its first batch: store it again with the next one.
            self.unsaved_epoch = self.epochs.roll_back_to(self.next);
        }
    }

    /// Takes the role that the cluster state gives. A broker that is the whole ISR has everything committed
    /// that it holds. Returns true when the high watermark moved.
    pub fn become_role(&mut self, role: Role) -> bool {
        if let Role::Leader { epoch, .. } = role {
            // Known from now on, so that clients may ask for it before anything is written.
            if let Some(entry) = self.epochs.entry_for(epoch, self.next) {
                self.epochs.assign(entry);
                self.unsaved_epoch = Some(entry);
            }
        }
        self.role = role;
        self.advance_high_watermark()
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
        let (current, leads) = match &self.role {
            Role::Offline => return Err(LeadershipError::NotLeader),
            Role::Leader { epoch, .. } => (*epoch, true),
            Role::Follower { epoch, .. } => (*epoch, false),
        };
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

    /// With one replica in sync, what is written is committed. (A larger ISR needs its followers' offsets.)
    fn advance_high_watermark(&mut self) -> bool {
        let Role::Leader { isr, .. } = &self.role else { return false };
        let moves = isr.len() == 1 && self.bounds.high_watermark < self.bounds.log_end;
        if moves {
            self.bounds.high_watermark = self.bounds.log_end;
        }
        moves
    }
}

/// The header of a batch of nothing by nobody, for tests to fill in.
#[cfg(test)]
fn blank_header() -> BatchHeader {
    use barnabas_protocol::state::ids::{LeaderEpoch, ProducerId};
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
mod tests {
    use barnabas_protocol::state::ids::ProducerId;

    use super::*;

    fn empty() -> ReplicaState {
        let zero = Offset(0);
        let bounds = Bounds { log_start: zero, high_watermark: zero, log_end: zero };
        ReplicaState::new(bounds, EpochHistory::default(), Producers::default())
    }

    fn leader(epoch: i32) -> ReplicaState {
        let mut state = empty();
        state.become_role(Role::Leader {
            epoch: LeaderEpoch(epoch),
            isr: vec![BrokerId(1)],
            replicas: 3,
        });
        state
    }

    fn records(count: i32) -> BatchHeader {
        BatchHeader {
            last_offset_delta: count - 1,
            records_count: count,
            producer_id: ProducerId(-1),
            ..blank_header()
        }
    }

    fn base_of(decision: &Decision) -> i64 {
        match decision {
            Decision::Append { base, .. } => base.0,
            Decision::Duplicate(batch) => batch.base_offset.0,
        }
    }

    #[test]
    fn batches_follow_one_another_before_they_are_written() {
        let mut state = leader(3);
        let first = state.append(&records(5), 1).expect("leads");
        let second = state.append(&records(2), 1).expect("leads");
        assert_eq!((base_of(&first), base_of(&second)), (0, 5));
        assert_eq!(state.bounds().log_end, Offset(0));
        let entry = EpochEntry { epoch: LeaderEpoch(3), start: Offset(0) };
        assert!(matches!(first, Decision::Append { epoch_start: Some(e), .. } if e == entry));
        assert!(matches!(second, Decision::Append { epoch_start: None, .. }));
        assert!(state.written(Offset(5)));
        assert_eq!(state.bounds().high_watermark, Offset(5));
    }

    #[test]
    fn a_failed_write_gives_its_offsets_back() {
        let mut state = leader(1);
        state.append(&records(5), 1).expect("leads");
        state.written(Offset(5));
        let sequenced = BatchHeader {
            producer_id: ProducerId(9),
            base_sequence: 0,
            producer_epoch: 0,
            ..records(4)
        };
        state.append(&sequenced, 1).expect("leads");
        state.write_failed();
        let again = state.append(&sequenced, 1).expect("leads");
        assert!(matches!(again, Decision::Append { base: Offset(5), .. }), "{again:?}");
    }

    fn sequenced(base_sequence: i32, count: i32) -> BatchHeader {
        BatchHeader { producer_id: ProducerId(9), base_sequence, ..records(count) }
    }

    /// A is written, but reported after B and C were sent; B fails, and C with it.
    #[test]
    fn a_failed_write_takes_back_what_follows_it_and_nothing_else() {
        let mut state = leader(1);
        let [a, b, c] = [sequenced(0, 5), sequenced(5, 3), sequenced(8, 1)];
        for batch in [&a, &b, &c] {
            state.append(batch, 1).expect("leads");
        }
        state.written(Offset(5));
        state.write_failed();
        assert_eq!(state.append(&b, 1), Err(AppendError::Storage), "the fate of C is not known");
        state.write_failed();
        assert!(matches!(state.append(&a, 1), Ok(Decision::Duplicate(_))));
        assert_eq!(base_of(&state.append(&b, 1).expect("leads")), 5);
    }

    #[test]
    fn a_leader_that_is_elected_meanwhile_begins_where_the_log_ends() {
        let mut state = leader(1);
        state.append(&records(5), 1).expect("leads");
        let (epoch, isr) = (LeaderEpoch(2), vec![BrokerId(1)]);
        state.become_role(Role::Leader { epoch, isr, replicas: 3 });
        state.write_failed();
        let again = state.append(&records(1), 1).expect("leads");
        let entry = EpochEntry { epoch, start: Offset(0) };
        assert!(matches!(again, Decision::Append { epoch_start: Some(e), .. } if e == entry));
    }

    #[test]
    fn a_batch_that_is_written_in_spite_of_a_failure_stays() {
        let mut state = leader(1);
        let [a, b] = [sequenced(0, 5), sequenced(5, 3)];
        state.append(&a, 1).expect("leads");
        state.append(&b, 1).expect("leads");
        state.write_failed();
        state.written(Offset(5));
        assert!(matches!(state.append(&a, 1), Ok(Decision::Duplicate(_))));
        assert_eq!(base_of(&state.append(&b, 1).expect("leads")), 5);
    }

    #[test]
    fn only_a_leader_with_enough_replicas_appends() {
        assert_eq!(empty().append(&records(1), 0), Err(AppendError::NotLeader));
        let refused = leader(1).append(&records(1), 2);
        assert_eq!(refused, Err(AppendError::NotEnoughReplicas { in_sync: 1, required: 2 }));
    }

    #[test]
    fn a_request_with_another_epoch_is_fenced() {
        let state = leader(5);
        assert_eq!(state.check_leadership(LeaderEpoch::UNKNOWN), Ok(LeaderEpoch(5)));
        assert_eq!(state.check_leadership(LeaderEpoch(4)), Err(LeadershipError::FencedEpoch));
        assert_eq!(state.check_leadership(LeaderEpoch(6)), Err(LeadershipError::UnknownEpoch));
        assert_eq!(empty().check_leadership(LeaderEpoch(6)), Err(LeadershipError::NotLeader));
    }

    #[test]
    fn the_log_start_never_passes_the_high_watermark_or_goes_back() {
        let mut state = leader(1);
        state.append(&records(5), 1).expect("leads");
        state.written(Offset(5));
        assert_eq!(state.advance_log_start(Offset(3)), Offset(3));
        assert_eq!(state.advance_log_start(Offset(2)), Offset(3));
        assert_eq!(state.advance_log_start(Offset(9)), Offset(5));
    }
}
