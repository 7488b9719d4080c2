//! What a store should be: its history, and where in it a store is that was found.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use barnabas_protocol::kafka::record_batch::BatchHeader;

use crate::log::tests::common::*;
use crate::log::{Chunk, EpochEntry, RecoveredLog, Store};

/// What one log is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) start: i64,
    pub(super) end: i64,
    /// First and last offset, and a hash of the bytes.
    pub(super) batches: Vec<(i64, i64, u64)>,
    pub(super) epochs: Vec<EpochEntry>,
    snapshot: Option<i64>,
    pub(super) high_watermark: i64,
}

/// All logs, by the number of their topic.
pub(super) type World = BTreeMap<u128, Model>;

#[derive(Clone, Debug)]
pub(super) enum Event {
    Create(u128),
    Delete(u128),
    Append { topic: u128, batches: Vec<(i64, i64, u64)>, epoch: Option<EpochEntry> },
    Truncate(u128, i64),
    SetLogStart(u128, i64),
    SetEpochs(u128, Vec<EpochEntry>),
    Snapshot(u128, i64),
    HighWatermark(u128, i64),
}

impl Event {
    fn topic(&self) -> u128 {
        match self {
            Self::Create(topic)
            | Self::Delete(topic)
            | Self::Append { topic, .. }
            | Self::Truncate(topic, _)
            | Self::SetLogStart(topic, _)
            | Self::SetEpochs(topic, _)
            | Self::Snapshot(topic, _)
            | Self::HighWatermark(topic, _) => *topic,
        }
    }

    pub(super) fn apply(&self, world: &mut World) {
        match self {
            Self::Create(topic) => drop(world.insert(*topic, Model::default())),
            Self::Delete(topic) => drop(world.remove(topic)),
            other => {
                other
                    .change(world.get_mut(&other.topic()).expect("events are about what there is"));
            }
        }
    }

    fn change(&self, log: &mut Model) {
        match self {
            Self::Append { batches, epoch, .. } => {
                log.end = batches.last().map_or(log.end, |(_, last, _)| last + 1);
                log.batches.extend(batches);
                log.epochs.extend(epoch);
            }
            Self::Truncate(_, to) if *to < log.end => {
                let cut = log.batches.partition_point(|(_, last, _)| last < to);
                let end = log.batches.get(cut).map_or(*to, |(first, ..)| *to.min(first));
                log.batches.truncate(cut);
                log.end = end.max(log.start);
                log.epochs.retain(|entry| entry.start.0 < log.end);
                log.snapshot = log.snapshot.filter(|at| *at <= log.end);
            }
            Self::SetLogStart(_, to) => {
                log.start = log.start.max(*to);
                log.end = log.end.max(log.start);
            }
            Self::SetEpochs(_, epochs) => log.epochs.clone_from(epochs),
            Self::Snapshot(_, at) => log.snapshot = Some(*at),
            Self::HighWatermark(_, at) => log.high_watermark = *at,
            Self::Create(_) | Self::Delete(_) | Self::Truncate(..) => {}
        }
    }
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// What a store holds, read from end to end.
pub(super) fn contents(store: &Store, found: &[RecoveredLog]) -> World {
    let read = |log: &RecoveredLog| {
        let batches = read_all(store, log.id).into_iter().map(|bytes| {
            let header = BatchHeader::parse(&bytes).unwrap();
            (header.base_offset.0, header.last_offset().0, hash(&bytes))
        });
        let chunks = store.chunks(log.id);
        let batches: Vec<_> = batches.collect();
        for (first, last, _) in &batches {
            let held = |chunk: &&Chunk| chunk.first.0 <= *first && *last <= chunk.last.0;
            assert_eq!(chunks.iter().filter(held).count(), 1, "{first}..={last} in {chunks:?}");
        }
        let snapshot = log.producer_snapshot.as_ref().map(|(at, state)| {
            assert_eq!(*state, at.to_string(), "a snapshot is what was stored");
            at.0
        });
        Model {
            start: log.log_start.0,
            end: log.end.0,
            batches,
            epochs: log.epochs.clone(),
            snapshot,
            high_watermark: log.high_watermark.0,
        }
    };
    found.iter().map(|log| (log.topic_id.0.as_u128(), read(log))).collect()
}

/// A world as far as a reader sees it.
fn visible(world: &World) -> World {
    let mut visible = world.clone();
    for log in visible.values_mut() {
        log.batches.retain(|(_, last, _)| *last >= log.start);
        log.high_watermark = log.high_watermark.min(log.end);
        log.snapshot = log.snapshot.filter(|at| *at <= log.end);
    }
    visible
}

/// The world after a crash that left `contents`: some point of the history, from `durable` events
/// on.
pub(super) fn locate(
    before: &World,
    events: &[Event],
    durable: usize,
    contents: &World,
) -> Option<World> {
    let mut world = before.clone();
    events[..durable].iter().for_each(|event| event.apply(&mut world));
    let mut rest = events[durable..].iter();
    loop {
        if visible(&world) == *contents {
            return Some(world);
        }
        rest.next()?.apply(&mut world);
    }
}

/// Why `contents` is no point of the history: the logs that are none of theirs, or that there is no
/// common one.
pub(super) fn lost(before: &World, events: &[Event], durable: usize, contents: &World) -> String {
    let mut world = before.clone();
    events[..durable].iter().for_each(|event| event.apply(&mut world));
    let first = visible(&world);
    let mut text = format!("events {durable} to {}: {:?}\n", events.len(), &events[durable..]);
    let mut points: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
    for at in durable..=events.len() {
        let state = visible(&world);
        for (topic, _) in contents.iter().filter(|(topic, log)| state.get(topic) == Some(*log)) {
            points.entry(*topic).or_default().push(at);
        }
        if let Some(event) = events.get(at) {
            event.apply(&mut world);
        }
    }
    for (topic, log) in contents {
        match points.get(topic) {
            Some(at) => text += &format!("topic {topic}: as after {at:?}\n"),
            None => {
                let (first, last) = (first.get(topic), world.get(topic));
                text += &format!("topic {topic}: {log:?}\nwas {first:?}\nthen {last:?}\n");
            }
        }
    }
    text
}
