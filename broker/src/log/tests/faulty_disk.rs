//! A disk that stops, fails, or forgets what was not synced, beneath RocksDB and the standard
//! library alike.
//!
//! This test program defines the C library's calls that change files; the linker uses these
//! definitions for all of it, RocksDB's C++ included. Calls on a directory that was made a
//! [`FaultyDisk`] are counted, and one of them may be the last: at that instant the directory is
//! copied, which is exactly what a kill would leave behind, and everything later fails. What had
//! not been synced by then is known, so that the copy can be turned into what a power failure might
//! leave. Calls on anything else go straight through.
//!
//! Not modelled: renames, new names and removals that are lost. Journaling file systems keep their
//! order. Nor does the fsync of a directory fail and later ones succeed: RocksDB (11.8,
//! `AtomicFlushMemTablesToOutputFiles`) does not take back the flush that fails so, and the next
//! one waits for it for ever.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs::{self, File};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use super::random::Random;
use crate::log::location::Location;

/// What a page cache writes back as one.
const PAGE: usize = 4096;

/// What shall happen to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The change with this number is the last; if it is a write, part of it is still made.
    Stop {
        at: u64,
    },
    /// Changes from this number on fail with an error and have no effect, `count` of them.
    Fail {
        at: u64,
        count: u64,
        errno: c_int,
    },
}

/// A directory whose changes are watched, until it is dropped.
pub(super) struct FaultyDisk(Arc<Disk>);

/// What a crash left behind.
pub(super) struct Remains {
    /// Its files as the operating system saw them.
    pub(super) dir: tempfile::TempDir,
    /// The content that is safe on disk, of the files where that is another.
    synced: Vec<(PathBuf, Vec<u8>)>,
}

struct Disk {
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    fault: Fault,
    changes: u64,
    random: Random,
    /// By inode: what the writes since the last sync have overwritten, oldest first.
    unsynced: HashMap<u64, Vec<Overwritten>>,
    remains: Option<Remains>,
    stopped: bool,
}

/// What was there before a write.
struct Overwritten {
    at: u64,
    old: Vec<u8>,
    /// The file's size before.
    size: u64,
}

static DISKS: RwLock<Vec<Arc<Disk>>> = RwLock::new(Vec::new());
static WATCHED: AtomicUsize = AtomicUsize::new(0);

impl FaultyDisk {
    /// Watches a directory. `random` decides how much of a torn write is made.
    pub(super) fn watch(root: &Path, fault: Fault, random: Random) -> Self {
        let state = State {
            fault,
            changes: 0,
            random,
            unsynced: HashMap::new(),
            remains: None,
            stopped: false,
        };
        let root = root.canonicalize().unwrap();
        let disk = Arc::new(Disk { root, state: Mutex::new(state) });
        DISKS.write().push(Arc::clone(&disk));
        WATCHED.fetch_add(1, Ordering::SeqCst);
        Self(disk)
    }

    /// Changes made so far.
    pub(super) fn changes(&self) -> u64 {
        self.0.state.lock().changes
    }

    /// What is left: of the planned instant, or of this one if that has not come.
    pub(super) fn remains(&self) -> Remains {
        let mut state = self.0.state.lock();
        if !state.stopped {
            state.stop(&self.0.root);
        }
        state.remains.take().expect("asked for once")
    }
}

impl Drop for FaultyDisk {
    fn drop(&mut self) {
        DISKS.write().retain(|disk| !Arc::ptr_eq(disk, &self.0));
        WATCHED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is left lies elsewhere only because the test has put it there.
fn hide_the_copy(dir: &Path) {
    let noted = dir.join("location");
    if Location::read(&noted).is_some() {
        let lock = File::open(dir.join("lock")).unwrap();
        fs::write(noted, Location::of(&lock).unwrap().print()).unwrap();
    }
}

impl Remains {
    /// Its files: name, size, size of what is synced, to understand what went wrong.
    pub(super) fn files(&self) -> Vec<(PathBuf, u64, Option<usize>)> {
        let folder = fs::read_dir(self.dir.path().join("rocksdb")).into_iter().flatten().flatten();
        let describe = |entry: fs::DirEntry| {
            let name = Path::new("rocksdb").join(entry.file_name());
            let synced = self.synced.iter().find(|(path, _)| *path == name);
            (name, entry.metadata().unwrap().size(), synced.map(|(_, content)| content.len()))
        };
        folder.map(describe).collect()
    }

    /// Takes away, by chance, what was not synced, and lets the machine boot again.
    ///
    /// In place of synced content, any page may be the old one. Beyond it a file ends somewhere:
    /// file systems that order data before sizes show no hole there.
    pub(super) fn lose_power(&self, random: &mut Random) {
        for (path, synced) in &self.synced {
            let path = self.dir.path().join(path);
            let mut left = fs::read(&path).unwrap();
            let old = left.len().min(synced.len());
            let (all, none) = (random.one_in(4), random.one_in(3));
            for start in (0..old).step_by(PAGE).filter(|_| !all) {
                let end = (start + PAGE).min(old);
                if none || random.one_in(2) {
                    left[start..end].copy_from_slice(&synced[start..end]);
                }
            }
            if !all {
                left.extend_from_slice(&synced[old..]);
            }
            if left.len() > synced.len() && !all {
                let more = if none { 0 } else { random.below((left.len() - old) as u64) as usize };
                left.truncate(synced.len() + more);
            }
            fs::write(&path, left).unwrap();
        }
        fs::write(self.dir.path().join("location"), "an earlier one").unwrap();
    }
}

impl State {
    /// Says whether a change may be made: all of it, or an error. At the planned instant, a write
    /// of `len` bytes is made in part by `part`.
    fn admit(&mut self, root: &Path, len: usize, part: impl FnOnce(usize)) -> Result<(), c_int> {
        if self.stopped {
            return Err(libc::EIO);
        }
        self.changes += 1;
        match self.fault {
            Fault::Stop { at } if self.changes == at => {
                part(self.random.below(len as u64 + 1) as usize);
                self.stop(root);
                Err(libc::EIO)
            }
            Fault::Fail { at, count, errno } if (at..at + count).contains(&self.changes) => {
                Err(errno)
            }
            _ => Ok(()),
        }
    }

    fn stop(&mut self, root: &Path) {
        self.stopped = true;
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let mut remains = Remains { dir, synced: Vec::new() };
        self.copy(root, Path::new(""), &mut remains);
        hide_the_copy(remains.dir.path());
        self.remains = Some(remains);
    }

    fn copy(&self, root: &Path, below: &Path, remains: &mut Remains) {
        for entry in fs::read_dir(root.join(below)).unwrap().map(Result::unwrap) {
            let name = below.join(entry.file_name());
            let (from, to) = (root.join(&name), remains.dir.path().join(&name));
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                fs::create_dir(&to).unwrap();
                self.copy(root, &name, remains);
                continue;
            }
            let content = fs::read(&from).unwrap();
            fs::write(&to, &content).unwrap();
            if let Some(writes) = self.unsynced.get(&meta.ino()) {
                remains.synced.push((name, undo(content, writes)));
            }
        }
    }

    /// Takes note of what a write is about to overwrite, or a change of the size to cut off.
    fn remember(&mut self, file: RawFd, at: u64, len: usize) {
        let file = File::open(format!("/proc/self/fd/{file}")).unwrap();
        let meta = file.metadata().unwrap();
        let mut old = vec![0; len.min(meta.size().saturating_sub(at) as usize)];
        file.read_exact_at(&mut old, at).unwrap();
        let overwritten = Overwritten { at, old, size: meta.size() };
        self.unsynced.entry(meta.ino()).or_default().push(overwritten);
    }

    fn forget(&mut self, meta: std::io::Result<fs::Metadata>) {
        if let Some(meta) = meta.ok().filter(|meta| meta.nlink() == 1) {
            self.unsynced.remove(&meta.ino());
        }
    }
}

/// The content before these writes.
fn undo(mut content: Vec<u8>, writes: &[Overwritten]) -> Vec<u8> {
    for write in writes.iter().rev() {
        let (at, end) = (write.at as usize, write.at as usize + write.old.len());
        content.resize(content.len().max(end), 0);
        content[at..end].copy_from_slice(&write.old);
        content.truncate(write.size as usize);
    }
    content
}

fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    DISKS.read_recursive().iter().find(|disk| path.starts_with(&disk.root)).cloned()
}

fn disk_of_file(file: c_int) -> Option<Arc<Disk>> {
    if WATCHED.load(Ordering::Relaxed) == 0 {
        return None;
    }
    disk_of(&fs::read_link(format!("/proc/self/fd/{file}")).ok()?)
}

/// SAFETY: `path` is a C string.
unsafe fn disk_of_path(path: *const c_char) -> Option<(Arc<Disk>, PathBuf)> {
    if WATCHED.load(Ordering::Relaxed) == 0 {
        return None;
    }
    // SAFETY: as above.
    let path = PathBuf::from(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    disk_of(&path).map(|disk| (disk, path))
}

fn failed(errno: c_int) -> c_int {
    // SAFETY: points to this thread's errno.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// A write of `len` bytes at an offset that `write` makes, in part perhaps.
fn change(file: c_int, at: Option<i64>, len: usize, write: impl Fn(usize) -> isize) -> isize {
    let Some(disk) = disk_of_file(file) else { return write(len) };
    let mut state = disk.state.lock();
    // SAFETY: takes no pointers.
    let at = at.unwrap_or_else(|| unsafe { libc::lseek(file, 0, libc::SEEK_CUR) });
    if !state.stopped {
        state.remember(file, at as u64, len);
    }
    match state.admit(&disk.root, len, |part| {
        write(part);
    }) {
        Ok(()) => write(len),
        Err(errno) => failed(errno) as isize,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(file: c_int, data: *const c_void, len: usize) -> isize {
    // SAFETY: as of the caller.
    change(file, None, len, |len| unsafe {
        libc::syscall(libc::SYS_write, file, data, len) as isize
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(file: c_int, data: *const c_void, len: usize, at: i64) -> isize {
    change(file, Some(at), len, |len| {
        // SAFETY: as of the caller.
        unsafe { libc::syscall(libc::SYS_pwrite64, file, data, len, at) as isize }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(file: c_int, data: *const c_void, len: usize, at: i64) -> isize {
    // SAFETY: as of the caller.
    unsafe { pwrite(file, data, len, at) }
}

fn sync(file: c_int, call: libc::c_long) -> c_int {
    let Some(disk) = disk_of_file(file) else {
        // SAFETY: takes no pointers.
        return unsafe { libc::syscall(call, file) as c_int };
    };
    let mut state = disk.state.lock();
    let synced = fs::metadata(format!("/proc/self/fd/{file}")).unwrap();
    match state.admit(&disk.root, 0, |_| {}) {
        Err(errno) if state.stopped || !synced.is_dir() => return failed(errno),
        _ => {}
    }
    state.unsynced.remove(&synced.ino());
    0
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: c_int) -> c_int {
    sync(file, libc::SYS_fdatasync)
}

#[unsafe(no_mangle)]
extern "C" fn fsync(file: c_int) -> c_int {
    sync(file, libc::SYS_fsync)
}

/// RocksDB pauses for a second after each background error; that many errors would take a day.
#[unsafe(no_mangle)]
extern "C" fn usleep(microseconds: libc::useconds_t) -> c_int {
    let watched = WATCHED.load(Ordering::Relaxed) > 0;
    let pause = if watched { microseconds.min(1000) } else { microseconds };
    std::thread::sleep(std::time::Duration::from_micros(pause.into()));
    0
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(file: c_int, len: i64) -> c_int {
    // SAFETY: takes no pointers.
    let call = || unsafe { libc::syscall(libc::SYS_ftruncate, file, len) as c_int };
    let Some(disk) = disk_of_file(file) else { return call() };
    let mut state = disk.state.lock();
    match state.admit(&disk.root, 0, |_| {}) {
        Ok(()) => {
            state.remember(file, len as u64, usize::MAX);
            call()
        }
        Err(errno) => failed(errno),
    }
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(file: c_int, len: i64) -> c_int {
    ftruncate(file, len)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as of the caller.
    let call = || unsafe { libc::renameat(libc::AT_FDCWD, from, libc::AT_FDCWD, to) };
    // SAFETY: as of the caller.
    let Some((disk, replaced)) = (unsafe { disk_of_path(to) }) else { return call() };
    let mut state = disk.state.lock();
    match state.admit(&disk.root, 0, |_| {}) {
        Ok(()) => {
            state.forget(fs::metadata(replaced));
            call()
        }
        Err(errno) => failed(errno),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: as of the caller.
    let call = || unsafe { libc::unlinkat(libc::AT_FDCWD, path, 0) };
    // SAFETY: as of the caller.
    let Some((disk, removed)) = (unsafe { disk_of_path(path) }) else { return call() };
    let mut state = disk.state.lock();
    match state.admit(&disk.root, 0, |_| {}) {
        Ok(()) => {
            state.forget(fs::metadata(removed));
            call()
        }
        Err(errno) => failed(errno),
    }
}
