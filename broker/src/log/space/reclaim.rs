//! The maintenance step: frees the space of batches that lie before their log's start or belong to
//! no log.
//!
//! 1. Chunks that lie wholly before their log's start leave the index.
//! 2. Generations in which no chunk is left go with their files, at once and without being read.
//! 3. Generations that few live chunks pin are rewritten without the rest, a few in each step.
//!    Neighbours go into one file, so that a log that is kept forever does not hold one small file
//!    per generation open.
//!
//! No tombstones: one for old data would lie in the newest file, and RocksDB could then no longer
//! move flushed files without rewriting them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::log::db::LogFile;
use crate::log::queue::ExclusiveChange;
use crate::log::shared::StoreShared;
use crate::log::{Chunk, Health, LogId, Reclaimed, StoreFault};

/// A file of which less than one part in this many is live is rewritten.
const LIVE_PART: u64 = 3;

/// A file smaller than this is put together with its neighbours when there are enough of them.
const SMALL_BYTES: u64 = 2 << 20;

/// This many small neighbours are merged.
const SMALL_FILES: usize = 16;

/// Garbage below this is ignored: it is within the overhead of a small file.
const GARBAGE_BYTES: u64 = 64 << 10;

/// About how many live bytes one step rewrites, so that a step stays short.
const STEP_BYTES: u64 = 64 << 20;

/// Live bytes by generation.
type Live = BTreeMap<u32, u64>;

/// Does one step. `change` runs a change through the writer and waits for it.
pub(in crate::log) fn step(
    shared: &StoreShared,
    change: impl Fn(ExclusiveChange) -> Result<(), StoreFault>,
) -> Result<Reclaimed, StoreFault> {
    let open = shared.generation.load(Ordering::Acquire);
    // On a full disk nothing can be changed or rewritten, but files can be deleted, which may free
    // enough.
    let is_full = *shared.health.borrow() == Health::DiskFull;
    let chunks = if is_full { 0 } else { forget(dead_chunks(shared, open), &change)? };
    let live = live_bytes(shared);
    if !is_full {
        change(ExclusiveChange::EndIdleGeneration {
            live_bytes: live.get(&open).copied().unwrap_or(0),
        })?;
    }
    let failed = |message: String| StoreFault::Failed(message.into());
    let files = shared.db.log_files().map_err(failed)?;
    let gaps: Vec<_> = gaps(&live, open).filter(|gap| holds_any(&files, *gap)).collect();
    let worn = if is_full { Vec::new() } else { worn(&files, &live, open) };
    if gaps.is_empty() && worn.is_empty() {
        return Ok(Reclaimed { chunks, ..Reclaimed::default() });
    }
    // The records that make the data garbage must be durable before the data is deleted.
    let bounds = shared.table.bounds();
    shared.db.sync().map_err(failed)?;
    shared.table.set_durable(bounds);
    for (first, last) in gaps {
        if !is_full && files.iter().any(|file| file.level == 0 && within(file, (first, last))) {
            shared.db.compact(first, last);
        }
        shared.db.drop_files(first, last).map_err(failed)?;
    }
    for (first, last) in &worn {
        shared.db.compact(*first, *last);
    }
    let total = |files: &[LogFile]| files.iter().map(|file| file.bytes).sum::<u64>();
    let left = shared.db.log_files().map_err(failed)?;
    let bytes = total(&files).saturating_sub(total(&left));
    Ok(Reclaimed { chunks, bytes, rewritten: worn.len() })
}

/// Removes dead chunks from the index; returns how many.
fn forget(
    dead: Vec<(LogId, Vec<Chunk>)>,
    change: impl Fn(ExclusiveChange) -> Result<(), StoreFault>,
) -> Result<usize, StoreFault> {
    let chunks = dead.iter().map(|(_, chunks)| chunks.len()).sum();
    if chunks > 0 {
        change(ExclusiveChange::Forget(dead))?;
    }
    Ok(chunks)
}

/// Chunks of ended generations that lie before their log's start.
fn dead_chunks(shared: &StoreShared, open: u32) -> Vec<(LogId, Vec<Chunk>)> {
    let mut dead = Vec::new();
    for log in shared.table.all() {
        let start = log.start();
        let state = log.state();
        let is_dead = |chunk: &&Chunk| chunk.last < start && chunk.generation < open;
        let chunks: Vec<Chunk> = state.chunks.iter().take_while(is_dead).copied().collect();
        if !chunks.is_empty() {
            dead.push((log.id, chunks));
        }
    }
    dead
}

fn live_bytes(shared: &StoreShared) -> Live {
    let mut live = Live::new();
    for log in shared.table.all() {
        let start = log.start();
        for chunk in log.state().chunks.iter().filter(|chunk| chunk.last >= start) {
            *live.entry(chunk.generation).or_default() += chunk.bytes;
        }
    }
    live
}

/// The runs of ended generations with nothing live in them, as first and last.
fn gaps(live: &Live, open: u32) -> impl Iterator<Item = (u32, u32)> {
    let ends = live.range(..open).map(|(generation, _)| *generation).chain([open]);
    let mut next = 0;
    ends.filter_map(move |end| {
        let gap = (next < end).then(|| (next, end - 1));
        next = end + 1;
        gap
    })
}

/// What to rewrite, as first and last generation: runs of neighbouring files of which little is
/// live, or that are small and many.
fn worn(files: &[LogFile], live: &Live, open: u32) -> Vec<(u32, u32)> {
    let (mut runs, mut run, mut budget) = (Vec::new(), Run::default(), STEP_BYTES);
    for file in files.iter().filter(|file| file.level > 0 && file.last_generation < open) {
        let generations = file.first_generation..=file.last_generation;
        let needed: u64 = live.range(generations).map(|(_, bytes)| bytes).sum();
        let pinned = needed < file.bytes / LIVE_PART && file.bytes > needed + GARBAGE_BYTES;
        if needed == 0 {
            // Nothing in it is live: the whole file is deleted elsewhere.
        } else if (pinned || file.bytes < SMALL_BYTES) && needed <= budget {
            budget -= needed;
            run.add(file, pinned);
        } else {
            runs.extend(std::mem::take(&mut run).finish());
        }
    }
    runs.extend(run.finish());
    runs
}

/// Neighbouring files that may be rewritten together.
#[derive(Default)]
struct Run {
    generations: Option<(u32, u32)>,
    files: usize,
    pinned: bool,
}

impl Run {
    fn add(&mut self, file: &LogFile, pinned: bool) {
        let first = self.generations.map_or(file.first_generation, |(first, _)| first);
        self.generations = Some((first, file.last_generation));
        self.files += 1;
        self.pinned |= pinned;
    }

    fn finish(self) -> Option<(u32, u32)> {
        self.generations.filter(|_| self.pinned || self.files >= SMALL_FILES)
    }
}

fn within(file: &LogFile, (first, last): (u32, u32)) -> bool {
    first <= file.first_generation && file.last_generation <= last
}

fn holds_any(files: &[LogFile], gap: (u32, u32)) -> bool {
    files.iter().any(|file| within(file, gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_lies_between_live_generations() {
        let live = Live::from([(2, 1), (3, 1), (7, 1), (9, 1)]);
        assert_eq!(gaps(&live, 9).collect::<Vec<_>>(), [(0, 1), (4, 6), (8, 8)]);
        assert_eq!(gaps(&Live::new(), 3).collect::<Vec<_>>(), [(0, 2)]);
    }

    fn file(first_generation: u32, last_generation: u32, kib: u64) -> LogFile {
        LogFile { first_generation, last_generation, bytes: kib << 10, level: 6 }
    }

    #[test]
    fn files_of_which_little_is_live_are_rewritten_with_their_neighbours() {
        let full = 32 << 10;
        let files =
            [1, 2, 3, 5, 6, 7, 8].map(|generation| file(generation, generation, full)).to_vec();
        let kib = |kib: u64| kib << 10;
        let live =
            [(1, full), (2, 100), (5, 5000), (6, full), (7, 40), (8, 1)].map(|(g, k)| (g, kib(k)));
        assert_eq!(worn(&files, &live.into(), 8), [(2, 5), (7, 7)]);
    }

    #[test]
    fn small_files_are_put_together_once_there_are_many() {
        let files: Vec<_> = (1..=40).map(|generation| file(generation, generation, 2)).collect();
        let live: Live = (1..=40).map(|generation| (generation, 1 << 10)).collect();
        assert_eq!(worn(&files[..15], &live, 99), []);
        assert_eq!(worn(&files, &live, 99), [(1, 40)]);
    }
}
