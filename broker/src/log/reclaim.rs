//! The maintenance step: gives back the space of what lies before its log's start, or belongs to no log.
//!
//! 1. Chunks that lie wholly before their log's start leave the index.
//! 2. Generations in which no chunk is left go with their files, at once and without being read.
//! 3. Generations that few live chunks pin are rewritten without the rest, a few in each step.
//!
//! Nothing is ever deleted by a tombstone: one for old data would lie in the newest file and end the moves
//! that keep flushed files from being rewritten.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::db::LogFile;
use super::queue::Change;
use super::writer::Shared;
use super::{Chunk, LogId, Reclaimed, StoreFault};

/// A file of which less than one part in this many is live is rewritten.
const LIVE_PART: u64 = 3;

/// Files rewritten in one step, so that a step stays short.
const REWRITES: usize = 8;

/// Live bytes by generation.
type Live = BTreeMap<u32, u64>;

/// Does one step. `change` runs a change through the writer and waits for it.
pub(super) fn step(
    shared: &Shared,
    change: impl Fn(Change) -> Result<(), StoreFault>,
) -> Result<Reclaimed, StoreFault> {
    let open = shared.generation.load(Ordering::Acquire);
    let dead = dead_chunks(shared, open);
    let chunks = dead.iter().map(|(_, chunks)| chunks.len()).sum();
    if chunks > 0 {
        change(Change::Forget(dead))?;
    }
    let live = live_bytes(shared);
    change(Change::EndIdleGeneration { live_bytes: live.get(&open).copied().unwrap_or(0) })?;
    let failed = |message: String| StoreFault::Failed(message.into());
    let files = shared.db.log_files().map_err(failed)?;
    let gaps: Vec<_> = gaps(&live, open).filter(|gap| holds_any(&files, *gap)).collect();
    let pinned: Vec<_> = pinned(&files, &live, open).take(REWRITES).collect();
    if gaps.is_empty() && pinned.is_empty() {
        return Ok(Reclaimed { chunks, ..Reclaimed::default() });
    }
    // What says that the data is not needed must survive a power failure before the data goes.
    shared.db.sync().map_err(failed)?;
    for (first, last) in gaps {
        if files.iter().any(|file| file.level == 0 && within(file, (first, last))) {
            shared.db.compact(first, last);
        }
        shared.db.drop_files(first, last).map_err(failed)?;
    }
    for (first, last) in &pinned {
        shared.db.compact(*first, *last);
    }
    let total = |files: &[LogFile]| files.iter().map(|file| file.bytes).sum::<u64>();
    let left = shared.db.log_files().map_err(failed)?;
    let bytes = total(&files).saturating_sub(total(&left));
    Ok(Reclaimed { chunks, bytes, rewritten: pinned.len() })
}

/// Chunks of ended generations that lie before their log's start.
fn dead_chunks(shared: &Shared, open: u32) -> Vec<(LogId, Vec<Chunk>)> {
    let mut dead = Vec::new();
    for log in shared.registry.all() {
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

fn live_bytes(shared: &Shared) -> Live {
    let mut live = Live::new();
    for log in shared.registry.all() {
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

/// Files, as first and last generation, of which little is live, but something.
fn pinned(files: &[LogFile], live: &Live, open: u32) -> impl Iterator<Item = (u32, u32)> {
    files.iter().filter(move |file| file.last_generation < open).filter_map(|file| {
        let (first, last) = (file.first_generation, file.last_generation);
        let needed: u64 = live.range(first..=last).map(|(_, bytes)| bytes).sum();
        (needed > 0 && needed < file.bytes / LIVE_PART).then_some((first, last))
    })
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

    #[test]
    fn pinned_files_hold_little_that_is_live() {
        let file = |first_generation, last_generation, bytes| LogFile {
            first_generation,
            last_generation,
            bytes,
            level: 6,
        };
        let files = [file(1, 1, 100), file(2, 3, 100), file(4, 4, 100), file(5, 5, 100)];
        let live = Live::from([(1, 90), (3, 20), (5, 1)]);
        assert_eq!(pinned(&files, &live, 5).collect::<Vec<_>>(), [(2, 3)]);
    }
}
