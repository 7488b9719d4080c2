//! A bound on the memory that members fill with their subscriptions and assignments, which Barnabas keeps as long as the
//! member stays, and that may be half an hour without a word from it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::GroupError;

/// Accounting unit in bytes.
const UNIT_BYTES: usize = 256;
/// The most that one member may say of itself, and that may be said to it: Kafka keeps no group that is larger.
const MEMBER_BYTES: usize = 1 << 20;
/// What a usual member says. A part of the memory is for these only.
const SMALL_BYTES: usize = 16 * 1024;
/// For usual members.
const SMALL_SHARE_BYTES: usize = 64 << 20;
/// For the others.
const LARGE_SHARE_BYTES: usize = 192 << 20;

/// The memory of all groups of this broker; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct MemberMemory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Bytes and what they take; the last clone gives it back.
struct Kept {
    bytes: Box<[u8]>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Default for MemberMemory {
    fn default() -> Self {
        let pool = |bytes| Arc::new(Semaphore::new(bytes / UNIT_BYTES));
        Self { small: pool(SMALL_SHARE_BYTES), large: pool(LARGE_SHARE_BYTES) }
    }
}

/// Checks how many bytes a member says of itself, or is told.
///
/// # Errors
/// When that is too much.
pub(crate) fn check_member(bytes: usize) -> Result<(), GroupError> {
    if bytes <= MEMBER_BYTES { Ok(()) } else { Err(GroupError::MemberTooLarge) }
}

impl MemberMemory {
    /// A copy of bytes of a request, which pays for itself and for `beside` bytes that live as long.
    ///
    /// # Errors
    /// When there is no memory left; [`check_member`] is for the caller.
    pub(crate) fn keep(&self, bytes: &[u8], beside: usize) -> Result<Bytes, GroupError> {
        let cost = bytes.len().saturating_add(beside);
        let pool = if cost <= SMALL_BYTES { &self.small } else { &self.large };
        let units = u32::try_from(cost.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let permit = Arc::clone(pool).try_acquire_many_owned(units);
        let permit = permit.map_err(|_| GroupError::NotAvailable)?;
        Ok(Bytes::from_owner(Kept { bytes: bytes.into(), _permit: permit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_limited_and_comes_back() {
        let memory = MemberMemory::default();
        assert_eq!(check_member(MEMBER_BYTES), Ok(()));
        assert_eq!(check_member(MEMBER_BYTES + 1), Err(GroupError::MemberTooLarge));
        let most = vec![7; MEMBER_BYTES];
        let mut kept: Vec<_> = std::iter::from_fn(|| memory.keep(&most, 0).ok()).collect();
        assert_eq!(kept.len(), LARGE_SHARE_BYTES / MEMBER_BYTES);
        assert_eq!(memory.keep(&most, 0), Err(GroupError::NotAvailable));
        assert_eq!(memory.keep(b"usual", 100).as_deref(), Ok(&b"usual"[..]));
        let clone = kept[0].clone();
        kept.clear();
        drop(clone);
        assert_eq!(memory.large.available_permits(), LARGE_SHARE_BYTES / UNIT_BYTES);
    }
}
