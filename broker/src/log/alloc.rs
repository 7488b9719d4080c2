//! Heap settings that the log's speed depends on; the binary applies them first of all.
#![allow(unsafe_code)]

/// Makes glibc keep freed memory instead of giving it back to the kernel after each flush, which
/// would fault every page of the next generation in again (a third of the store's CPU time).
pub fn keep_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets parameters of the allocator; it may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
    }
}

/// Gives free memory back to the kernel after all: for a store that has fallen idle.
pub(super) fn release_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes the allocator's own locks; it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
