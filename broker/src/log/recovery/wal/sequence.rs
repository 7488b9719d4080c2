//! Whether the write batches in WAL files follow each other without a gap.
//!
//! RocksDB numbers all changes. A batch begins with the number of its first one, u64, and their
//! count, u32, little-endian; the next batch goes on where it ends, in the next file too. A file
//! that RocksDB begins has a predecessor with at least one batch, so that where the first files
//! hold none, theirs are lost. Batches of no change, with which RocksDB marks an earlier damage,
//! say nothing.
//!
//! A write that failed uses up its numbers. The writer lets no other follow before all that was
//! written is in table files, and the WAL before it needed no more.

use super::scan::{Fragment, Record};

/// Sequence and count.
const HEAD: usize = 12;

/// Goes through the records of all files in order.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    next: Next,
    /// The batch whose fragments are coming.
    batch: Option<Batch>,
}

/// With which number the next batch may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// Any: it is the first one in the first file.
    #[default]
    Any,
    At(u64),
    /// None: it would be the first one, but not in the first file.
    None,
}

#[derive(Debug)]
struct Batch {
    /// Where it begins in the file.
    at: u64,
    head: [u8; HEAD],
    len: usize,
}

impl Continuity {
    /// Takes the record at `at`. Returns where the batch that it completes begins, if batches
    /// before are missing.
    pub(super) fn follow(&mut self, at: u64, record: &Record<'_>) -> Option<u64> {
        let begins = matches!(record.fragment, Fragment::Full | Fragment::First);
        if begins {
            self.batch = Some(Batch { at, head: [0; HEAD], len: 0 });
        }
        let batch = self.batch.as_mut().filter(|_| record.fragment != Fragment::Other)?;
        let more = record.payload.len().min(HEAD - batch.len);
        batch.head[batch.len..batch.len + more].copy_from_slice(&record.payload[..more]);
        batch.len += more;
        if !matches!(record.fragment, Fragment::Full | Fragment::Last) {
            return None;
        }
        let Batch { at, head, len } = self.batch.take()?;
        // What is too short is no batch; RocksDB says so.
        if len == HEAD && self.misses(head) { Some(at) } else { None }
    }

    /// Whether batches are missing before the one that begins so.
    fn misses(&mut self, head: [u8; HEAD]) -> bool {
        let [s0, s1, s2, s3, s4, s5, s6, s7, c0, c1, c2, c3] = head;
        let sequence = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        let count = u32::from_le_bytes([c0, c1, c2, c3]);
        if count == 0 {
            return false;
        }
        // RocksDB refuses numbers that go back.
        let misses = match self.next {
            Next::Any => false,
            Next::At(next) => sequence > next,
            Next::None => true,
        };
        self.next = Next::At(sequence.saturating_add(count.into()));
        misses
    }

    /// The next record is the first one of the next file.
    pub(super) fn end_file(&mut self) {
        self.batch = None;
        if self.next == Next::Any {
            self.next = Next::None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: u64, count: u32) -> Vec<u8> {
        let mut bytes = sequence.to_le_bytes().to_vec();
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(b"changes");
        bytes
    }

    fn follow(
        continuity: &mut Continuity,
        at: u64,
        fragment: Fragment,
        payload: &[u8],
    ) -> Option<u64> {
        continuity.follow(at, &Record { len: payload.len(), fragment, payload })
    }

    /// Files of batches, each its sequence and count; the number of the file and of the batch after
    /// a gap.
    fn gap(files: &[&[(u64, u32)]]) -> Option<(usize, u64)> {
        let mut continuity = Continuity::default();
        for (file, batches) in files.iter().enumerate() {
            for (at, (sequence, count)) in batches.iter().enumerate() {
                let content = batch(*sequence, *count);
                let found = follow(&mut continuity, at as u64, Fragment::Full, &content);
                if let Some(at) = found {
                    return Some((file, at));
                }
            }
            continuity.end_file();
        }
        None
    }

    #[test]
    fn numbers_that_go_on_are_complete() {
        assert_eq!(gap(&[]), None);
        assert_eq!(gap(&[&[(7, 1), (8, 30), (38, 2)], &[(40, 1)], &[], &[(41, 5), (46, 1)]]), None);
        assert_eq!(gap(&[&[(7, 1)], &[(8, 0), (8, 1)]]), None);
    }

    #[test]
    fn a_lost_tail_is_found_in_the_next_file() {
        assert_eq!(gap(&[&[(7, 1), (8, 30)], &[(40, 1)]]), Some((1, 0)));
        assert_eq!(gap(&[&[(7, 1), (8, 30)], &[], &[(38, 0), (39, 1)]]), Some((2, 1)));
        assert_eq!(gap(&[&[(7, 1), (9, 1)]]), Some((0, 1)));
    }

    #[test]
    fn a_lost_first_file_is_found() {
        assert_eq!(gap(&[&[], &[(40, 1)]]), Some((1, 0)));
        assert_eq!(gap(&[&[(38, 0)], &[(38, 0), (38, 1)]]), Some((1, 1)));
    }

    #[test]
    fn fragments_make_up_a_batch() {
        for cut in [0, 3, 11, 12, 15] {
            let mut continuity = Continuity::default();
            let mut whole = |at, sequence| {
                let content = batch(sequence, 1);
                let (first, rest) = content.split_at(cut);
                let (middle, last) = rest.split_at(2);
                assert_eq!(follow(&mut continuity, at, Fragment::First, first), None);
                assert_eq!(follow(&mut continuity, at + 1, Fragment::Other, b"between"), None);
                assert_eq!(follow(&mut continuity, at + 1, Fragment::Middle, middle), None);
                follow(&mut continuity, at + 2, Fragment::Last, last)
            };
            assert_eq!((whole(0, 5), whole(3, 6), whole(6, 8)), (None, None, Some(6)), "{cut}");
        }
    }

    #[test]
    fn a_torn_batch_does_not_count() {
        let mut continuity = Continuity::default();
        let mut follow = |fragment, sequence| {
            Continuity::follow(
                &mut continuity,
                0,
                &Record { len: 0, fragment, payload: &batch(sequence, 1) },
            )
        };
        assert_eq!(follow(Fragment::Full, 5), None);
        assert_eq!(follow(Fragment::First, 6), None);
        assert_eq!(follow(Fragment::Full, 7), Some(0));
    }
}
