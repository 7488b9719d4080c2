//! Checks that the write-ahead log is complete before RocksDB replays it.
//!
//! RocksDB replays a WAL up to the first record that is not whole, and forgets what follows. That
//! is right for a torn tail: a process that was killed left half a record, and nothing was
//! acknowledged after it. It is wrong where a record in the middle has rotted: acknowledged records
//! would be gone, and nobody would be told. The two are told apart by what follows: after a torn
//! tail there is nothing of this WAL.
//!
//! After a power failure pages may be missing anywhere in what was not synced, and records after
//! them prove nothing. So the caller has to know whether the machine has been up since. Then the
//! log has to be cut there: RocksDB passes over a block without a word where it happens upon zeros,
//! and would take what comes after. It would also replay a file whose predecessor has lost its
//! tail; only the sequence numbers tell.

mod scan;
mod sequence;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use scan::{BLOCK, Fragment, Scan};
use sequence::Continuity;

#[cfg(test)]
pub(in crate::log) use scan::encode;

/// A place from which on the WAL cannot be read, although it goes on behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::log) struct Damage {
    pub(in crate::log) file: PathBuf,
    /// Where what cannot be used begins.
    pub(in crate::log) at: u64,
    /// Where there is a good record again.
    pub(in crate::log) resumes: u64,
    /// The files after it.
    later: Vec<PathBuf>,
}

/// What counts as damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) enum Demand {
    /// Good records in a file behind bad ones.
    Readable,
    /// Those, and records after others that are missing.
    Complete,
}

/// The WAL files of a database, in order.
#[derive(Debug)]
pub(in crate::log) struct WalFiles {
    files: Vec<(u64, PathBuf)>,
    /// Where the last whole batch of each file ends, of those that were looked at.
    ends: Vec<u64>,
}

impl WalFiles {
    /// Finds the files; none where there is no database yet.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(in crate::log) fn of(database: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        if !database.exists() {
            return Ok(Self { files, ends: Vec::new() });
        }
        for entry in fs::read_dir(database)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if let Some(number) =
                number.filter(|_| path.extension().is_some_and(|end| end == "log"))
            {
                files.push((number, path));
            }
        }
        files.sort_unstable();
        Ok(Self { files, ends: Vec::new() })
    }

    /// Leaves out the files before the one with this number.
    pub(in crate::log) fn skip_to(&mut self, number: u64) {
        self.files.retain(|(file, _)| *file >= number);
    }

    /// The first damage, if any.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(in crate::log) fn find_damage(&mut self, demand: Demand) -> io::Result<Option<Damage>> {
        let mut continuity = Continuity::default();
        self.ends = Vec::with_capacity(self.files.len());
        for (i, (number, file)) in self.files.iter().enumerate() {
            self.ends.push(0);
            let mut scan = Scan::new(*number as u32);
            let mut gap = None;
            let mut content = File::open(file)?;
            let mut block = Vec::with_capacity(BLOCK);
            loop {
                block.clear();
                if content.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0 {
                    break;
                }
                let damage = scan.block(&block, |at, record| {
                    if !matches!(record.fragment, Fragment::First | Fragment::Middle) {
                        self.ends[i] = at + record.len as u64;
                    }
                    if demand == Demand::Complete && gap.is_none() {
                        gap = continuity.follow(at, record);
                    }
                });
                // A gap is found among good records, and so before the first bad one.
                if let Some((at, resumes)) = gap.map(|at| (at, at)).or(damage) {
                    let later = self.files[i + 1..].iter().map(|(_, file)| file.clone()).collect();
                    return Ok(Some(Damage { file: file.clone(), at, resumes, later }));
                }
            }
            continuity.end_file();
        }
        Ok(None)
    }

    /// Removes what follows the last whole batch of each file that [`WalFiles::find_damage`] has
    /// looked at.
    ///
    /// RocksDB takes a torn tail for a damage, and refuses to open if a crash came while it noted
    /// down, one column family after the other, that it has replayed such a file.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(in crate::log) fn trim(&self) -> io::Result<()> {
        for ((_, file), end) in self.files.iter().zip(&self.ends) {
            let file = File::options().write(true).open(file)?;
            if file.metadata()?.len() > *end {
                file.set_len(*end)?;
                file.sync_all()?;
            }
        }
        Ok(())
    }
}

impl Damage {
    /// Removes what follows the damage.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(in crate::log) fn cut(&self) -> io::Result<()> {
        // The last first: a crash in between leaves the damage where it is.
        let files = self.later.iter().rev().map(|later| (later, 0)).chain([(&self.file, self.at)]);
        for (file, len) in files {
            let file = File::options().write(true).open(file)?;
            file.set_len(len)?;
            file.sync_all()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(sequence: u64) -> Vec<u8> {
        [&sequence.to_le_bytes()[..], &1_u32.to_le_bytes(), &[7; 10_000]].concat()
    }

    /// Writes files of batches with these sequence numbers.
    fn write(dir: &Path, files: &[(u32, &[u64])]) {
        for (number, sequences) in files {
            let payloads: Vec<_> = sequences.iter().map(|sequence| batch(*sequence)).collect();
            fs::write(dir.join(format!("{number:06}.log")), encode(*number, &payloads)).unwrap();
        }
    }

    #[test]
    fn a_log_that_goes_on_after_a_lost_tail_is_cut_at_the_gap() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[(3, &[1, 2]), (12, &[3]), (14, &[5]), (15, &[6])]);
        let mut files = WalFiles::of(dir.path()).unwrap();
        assert_eq!(files.find_damage(Demand::Readable).unwrap(), None);
        let damage = files.find_damage(Demand::Complete).unwrap().unwrap();
        assert_eq!((damage.file.as_path(), damage.at), (&*dir.path().join("000014.log"), 0));
        damage.cut().unwrap();
        let len = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
        assert!(len("000012.log") > 10_000);
        assert_eq!((len("000014.log"), len("000015.log")), (0, 0));
        assert_eq!(files.find_damage(Demand::Complete).unwrap(), None);
    }

    #[test]
    fn files_that_are_left_out_miss_nothing() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[(3, &[1]), (12, &[20]), (14, &[21])]);
        let mut files = WalFiles::of(dir.path()).unwrap();
        assert!(files.find_damage(Demand::Complete).unwrap().is_some());
        files.skip_to(4);
        assert_eq!(files.find_damage(Demand::Complete).unwrap(), None);
    }

    #[test]
    fn torn_tails_are_trimmed() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &[(3, &[1, 2]), (5, &[])]);
        let whole = dir.path().join("000003.log");
        let before = fs::read(&whole).unwrap();
        // A batch that is torn, and what an earlier use of a file has left.
        fs::write(&whole, [&before, &before[..5_000]].concat()).unwrap();
        fs::write(dir.path().join("000005.log"), &before).unwrap();
        let mut files = WalFiles::of(dir.path()).unwrap();
        assert_eq!(files.find_damage(Demand::Readable).unwrap(), None);
        files.trim().unwrap();
        assert_eq!(fs::read(&whole).unwrap(), before);
        assert!(fs::read(dir.path().join("000005.log")).unwrap().is_empty());
    }
}
