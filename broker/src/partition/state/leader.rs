//! A replica that leads its partition in one epoch.
//!
//! Whatever belongs to the leadership is in here and ends with it: the ISR, the batches on their
//! way to the log, and the epoch until it is stored.

use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use super::isr::Isr;
use crate::log::EpochEntry;
use crate::metadata::IsrMember;

/// What the cluster's state says about a leadership of this broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The epoch that the controller gave to it.
    pub epoch: LeaderEpoch,
    /// The in-sync replicas, this broker included.
    pub isr: Vec<IsrMember>,
    /// `min.insync.replicas`.
    pub min_isr: usize,
    /// How many replicas there are: `min.insync.replicas` asks for no more.
    pub replicas: usize,
}

/// The leader of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    pub(super) epoch: LeaderEpoch,
    isr: Isr,
    min_isr: usize,
    replicas: usize,
    pub(super) pipeline: Pipeline,
    /// The epoch's own entry until it is stored, which happens with the first batch.
    unsaved_epoch: Option<EpochEntry>,
}

/// The batches that are on their way to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Where the next batch goes: the log end plus what is on its way to the log.
    pub(super) next: Offset,
    /// How many batches are on their way.
    pub(super) in_flight: usize,
    /// One of them was not written. Then none behind it will be.
    pub(super) failed: bool,
}

/// What arrives at the end of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Others are still on their way.
    More,
    /// All were written.
    Drained,
    /// The last of them, after one failed: from here on the log's end is where the next batch goes.
    DrainedAfterFailure,
}

impl Pipeline {
    /// Nothing on its way to a log that ends here.
    pub(super) const fn new(log_end: Offset) -> Self {
        Self { next: log_end, in_flight: 0, failed: false }
    }

    /// The fate of one batch is known.
    pub(super) fn arrived(&mut self) -> Arrival {
        self.in_flight = self.in_flight.saturating_sub(1);
        match (self.in_flight, self.failed) {
            (0, false) => Arrival::Drained,
            (0, true) => {
                self.failed = false;
                Arrival::DrainedAfterFailure
            }
            _ => Arrival::More,
        }
    }
}

impl Leader {
    /// Begins an epoch where the log ends. `unsaved_epoch` is the epoch's entry if the log does not
    /// have it.
    pub(super) fn new(
        leadership: Leadership,
        log_end: Offset,
        unsaved_epoch: Option<EpochEntry>,
    ) -> Self {
        let Leadership { epoch, isr, min_isr, replicas } = leadership;
        let (isr, pipeline) = (Isr::new(isr), Pipeline::new(log_end));
        Self { epoch, isr, min_isr, replicas, pipeline, unsaved_epoch }
    }

    /// The cluster's state has changed within the epoch.
    pub(super) fn update(&mut self, leadership: Leadership) {
        let Leadership { isr, min_isr, replicas, .. } = leadership;
        self.isr.commit(isr);
        self.min_isr = min_isr;
        self.replicas = replicas;
    }

    /// How many replicas have to be in sync for a record to be committed.
    pub(super) fn required(&self) -> usize {
        self.min_isr.min(self.replicas)
    }

    /// How many replicas are in sync for certain.
    pub(super) fn in_sync(&self) -> usize {
        self.isr.committed().len()
    }

    /// Up to where the log is committed. A leader without followers commits what it has written. (A
    /// larger ISR needs the offsets of its followers.)
    pub(super) fn committed(&self, log_end: Offset) -> Option<Offset> {
        let alone = self.isr.maximal().count() == 1;
        (alone && self.in_sync() >= self.required()).then_some(log_end)
    }

    /// Gives a batch of so many records its place: its first offset, the offset after it, and the
    /// epoch's entry if it has to be stored with this batch.
    pub(super) fn place(&mut self, records: i64) -> (Offset, Offset, Option<EpochEntry>) {
        let base = self.pipeline.next;
        let end = base.plus(records);
        self.pipeline.next = end;
        self.pipeline.in_flight += 1;
        (base, end, self.unsaved_epoch.take())
    }

    /// Goes on at the log's end after batches were lost. The epoch's entry may have been lost with
    /// its first batch.
    pub(super) fn restart_at(&mut self, log_end: Offset, epoch: Option<EpochEntry>) {
        self.pipeline.next = log_end;
        self.unsaved_epoch = epoch;
    }
}
