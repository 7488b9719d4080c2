//! The two things that the `rocksdb` crate does not offer: a write batch that takes a value in
//! parts, so that a batch's header and body need no buffer in common, and values that outlive their
//! iterator's next step, so that reads hand out mapped file contents instead of copies.
//!
//! All `unsafe` of the log but the heap settings is in this file.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use bytes::Bytes;
use librocksdb_sys as ffi;
use rocksdb::{AsColumnFamilyRef as _, AsRawPtr as _, DB};

use super::{Db, Family};

/// Changes to be written together. Keeps its buffer when cleared.
pub(in crate::log) struct WriteBatch {
    inner: NonNull<ffi::rocksdb_writebatch_t>,
    /// Bytes put in since the last clear: close to the size of the buffer.
    bytes: usize,
    entries: usize,
}

// SAFETY: a write batch is plain memory without thread affinity, and this is its only handle.
unsafe impl Send for WriteBatch {}

impl WriteBatch {
    /// A larger buffer is not kept for the next batch.
    const KEEP_BYTES: usize = 8 << 20;

    pub(in crate::log) fn new() -> Self {
        // SAFETY: takes nothing, returns a new object.
        let inner = unsafe { ffi::rocksdb_writebatch_create() };
        Self { inner: NonNull::new(inner).expect("operator new throws"), bytes: 0, entries: 0 }
    }

    pub(in crate::log) const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Sets a key to the concatenation of `parts`.
    pub(in crate::log) fn put<const N: usize>(
        &mut self,
        db: &Db,
        family: Family,
        key: &[u8],
        parts: [&[u8]; N],
    ) {
        let (cf, key_data, key_len) = (db.raw_family(family), key.as_ptr().cast(), key.len());
        let data = parts.map(|part| part.as_ptr().cast());
        let lens = parts.map(<[u8]>::len);
        self.bytes += key_len + lens.iter().sum::<usize>();
        self.entries += 1;
        // SAFETY: the batch and the family are alive; the arrays hold as many elements as is said,
        // each a slice that is alive for the call, which copies them.
        unsafe {
            ffi::rocksdb_writebatch_putv_cf(
                self.inner.as_ptr(),
                cf,
                1,
                &raw const key_data,
                &raw const key_len,
                N as libc::c_int,
                data.as_ptr(),
                lens.as_ptr(),
            );
        }
    }

    pub(in crate::log) fn delete(&mut self, db: &Db, family: Family, key: &[u8]) {
        self.bytes += key.len();
        self.entries += 1;
        // SAFETY: the batch and the family are alive; the key is alive for the call, which copies
        // it.
        unsafe {
            ffi::rocksdb_writebatch_delete_cf(
                self.inner.as_ptr(),
                db.raw_family(family),
                key.as_ptr().cast(),
                key.len(),
            );
        }
    }

    pub(in crate::log) fn clear(&mut self) {
        if self.bytes > Self::KEEP_BYTES {
            *self = Self::new();
            return;
        }
        (self.bytes, self.entries) = (0, 0);
        // SAFETY: the batch is alive.
        unsafe { ffi::rocksdb_writebatch_clear(self.inner.as_ptr()) }
    }
}

impl Drop for WriteBatch {
    fn drop(&mut self) {
        // SAFETY: the batch is alive and not used again.
        unsafe { ffi::rocksdb_writebatch_destroy(self.inner.as_ptr()) }
    }
}

/// Handles of the column families, and the options of all writes.
pub(super) struct Handles {
    families: [NonNull<ffi::rocksdb_column_family_handle_t>; Family::ALL.len()],
    write: NonNull<ffi::rocksdb_writeoptions_t>,
}

// SAFETY: RocksDB's handles and options may be used from any thread; nothing here changes them.
unsafe impl Send for Handles {}
// SAFETY: as above.
unsafe impl Sync for Handles {}

impl Handles {
    pub(super) fn of(db: &DB) -> Self {
        let families = Family::ALL.map(|family| {
            let handle = db.cf_handle(family.name()).expect("opened with every family");
            NonNull::new(handle.inner()).expect("a handle is never null")
        });
        // SAFETY: takes nothing, returns a new object: no fsync, with the WAL.
        let write = unsafe { ffi::rocksdb_writeoptions_create() };
        // SAFETY: the options are alive. A write that waits within RocksDB for a flush keeps the
        // recovery of a failed flush from ever getting through: it waits outside, in `Db::write`.
        unsafe { ffi::rocksdb_writeoptions_set_no_slowdown(write, 1) };
        Self { families, write: NonNull::new(write).expect("operator new throws") }
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        // SAFETY: the options are alive and not used again. The families belong to the database.
        unsafe { ffi::rocksdb_writeoptions_destroy(self.write.as_ptr()) }
    }
}

impl Db {
    /// The families are never dropped while the database is open, so the handle is good while
    /// `self` is.
    fn raw_family(&self, family: Family) -> *mut ffi::rocksdb_column_family_handle_t {
        self.handles.families[family as usize].as_ptr()
    }

    /// Writes a batch: into the operating system's cache, or not at all. Fails where it would have
    /// to wait.
    pub(super) fn write_at_once(&self, batch: &WriteBatch) -> Result<(), String> {
        let mut error = ptr::null_mut();
        // SAFETY: database, options and batch are alive; the error is an out parameter.
        unsafe {
            ffi::rocksdb_write(
                self.db.as_raw_ptr(),
                self.handles.write.as_ptr(),
                batch.inner.as_ptr(),
                &raw mut error,
            );
        }
        take_error(error)
    }
}

fn take_error(error: *mut libc::c_char) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: RocksDB returns a NUL-terminated string that the caller frees.
    unsafe {
        let text = CStr::from_ptr(error).to_string_lossy().into_owned();
        ffi::rocksdb_free(error.cast());
        Err(text)
    }
}

/// A key and its value.
pub(in crate::log) type Entry<'a> = (&'a [u8], &'a [u8]);

/// An iterator. If it pins (`pin_data`), all its values stay where they are for as long as it
/// lives.
pub(in crate::log) struct Cursor {
    inner: NonNull<ffi::rocksdb_iterator_t>,
    options: NonNull<ffi::rocksdb_readoptions_t>,
    kept: Vec<*const [u8]>,
    pins: bool,
    /// The options point at it.
    _upper_bound: Box<[u8]>,
    /// Keeps the database open. Dropped last, after `Drop` has destroyed the iterator.
    _db: Arc<Db>,
}

// SAFETY: an iterator may move between threads; nothing about it is thread-local.
unsafe impl Send for Cursor {}
// SAFETY: `&Cursor` only reads the current position, which only `&mut Cursor` changes.
unsafe impl Sync for Cursor {}

impl Cursor {
    /// An iterator over keys below `upper_bound`, positioned nowhere yet. With `pins` it can `keep`
    /// values.
    pub(in crate::log) fn new(
        db: &Arc<Db>,
        family: Family,
        upper_bound: &[u8],
        pins: bool,
    ) -> Self {
        let upper_bound: Box<[u8]> = upper_bound.into();
        // SAFETY: the options are new and alive; the bound's heap memory does not move and is
        // dropped after the iterator; database and family are kept open by `_db`.
        unsafe {
            let options = ffi::rocksdb_readoptions_create();
            ffi::rocksdb_readoptions_set_fill_cache(options, 0);
            // Batches carry a checksum of their own, but not all consumers check it, and their
            // offsets and epochs lie outside of it.
            ffi::rocksdb_readoptions_set_verify_checksums(options, 1);
            ffi::rocksdb_readoptions_set_pin_data(options, pins.into());
            ffi::rocksdb_readoptions_set_background_purge_on_iterator_cleanup(options, 1);
            ffi::rocksdb_readoptions_set_iterate_upper_bound(
                options,
                upper_bound.as_ptr().cast(),
                upper_bound.len(),
            );
            let raw = db.db.as_raw_ptr();
            let inner = ffi::rocksdb_create_iterator_cf(raw, options, db.raw_family(family));
            Self {
                inner: NonNull::new(inner).expect("operator new throws"),
                options: NonNull::new(options).expect("operator new throws"),
                kept: Vec::new(),
                pins,
                _upper_bound: upper_bound,
                _db: Arc::clone(db),
            }
        }
    }

    /// Goes to the first key at or after `key`.
    pub(in crate::log) fn seek(&mut self, key: &[u8]) {
        // SAFETY: the iterator is alive; the key is alive for the call.
        unsafe { ffi::rocksdb_iter_seek(self.inner.as_ptr(), key.as_ptr().cast(), key.len()) }
    }

    /// Goes to the next key; does nothing at the end.
    pub(in crate::log) fn next(&mut self) {
        // SAFETY: the iterator is alive.
        if unsafe { ffi::rocksdb_iter_valid(self.inner.as_ptr()) } != 0 {
            // SAFETY: the iterator is alive and valid, as `Next` demands.
            unsafe { ffi::rocksdb_iter_next(self.inner.as_ptr()) }
        }
    }

    /// The key and value here, or `None` at the end.
    pub(in crate::log) fn entry(&self) -> Result<Option<Entry<'_>>, String> {
        let inner = self.inner.as_ptr();
        // SAFETY: the iterator is alive; key and value are asked for only where it is valid, and
        // live at least until the iterator moves, for which `&mut self` is needed.
        unsafe {
            if ffi::rocksdb_iter_valid(inner) == 0 {
                let mut error = ptr::null_mut();
                ffi::rocksdb_iter_get_error(inner, &raw mut error);
                return take_error(error).map(|()| None);
            }
            let (mut key_len, mut len) = (0, 0);
            let key = ffi::rocksdb_iter_key(inner, &raw mut key_len);
            let value = ffi::rocksdb_iter_value(inner, &raw mut len);
            let slice =
                |data: *const libc::c_char, len| std::slice::from_raw_parts(data.cast(), len);
            Ok(Some((slice(key, key_len), slice(value, len))))
        }
    }

    /// Marks the value here as one to return from [`Cursor::into_kept`].
    pub(in crate::log) fn keep(&mut self) -> Result<(), String> {
        assert!(self.pins, "values of this cursor do not stay in place");
        let value = self.entry()?.map(|(_, value)| ptr::from_ref(value));
        self.kept.extend(value);
        Ok(())
    }

    /// The values kept, as buffers that keep this iterator, and so its files and memtables, alive;
    /// `guard` too.
    pub(in crate::log) fn into_kept<G: Send + Sync + 'static>(mut self, guard: G) -> Vec<Bytes> {
        let kept = std::mem::take(&mut self.kept);
        let holder: Arc<dyn Send + Sync> = Arc::new((self, guard));
        let own = |value| Bytes::from_owner(Owned { value, _holder: Arc::clone(&holder) });
        kept.into_iter().map(own).collect()
    }

    /// The values kept, as buffers of their own.
    pub(in crate::log) fn into_copies(self) -> Vec<Bytes> {
        // SAFETY: with `pin_data`, the values stay in place until the iterator, `self`, is
        // destroyed.
        let copy = |value: &*const [u8]| Bytes::copy_from_slice(unsafe { &**value });
        self.kept.iter().map(copy).collect()
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // SAFETY: both are alive and not used again; the iterator goes first as it reads the
        // options.
        unsafe {
            ffi::rocksdb_iter_destroy(self.inner.as_ptr());
            ffi::rocksdb_readoptions_destroy(self.options.as_ptr());
        }
    }
}

/// A value and the iterator that holds it in place.
struct Owned {
    value: *const [u8],
    /// The iterator.
    _holder: Arc<dyn Send + Sync>,
}

// SAFETY: the bytes behind the pointer are only ever read, and live as long as the cursor, which is
// `Send` and `Sync`.
unsafe impl Send for Owned {}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: with `pin_data`, the value of a plain put stays in place until its iterator is
        // destroyed; `into_kept` pairs each value with the iterator that it came from.
        unsafe { &*self.value }
    }
}
