//! A bound on the memory of subscriptions and assignments. The broker keeps them as long as the
//! member is in the group, up to half an hour after its last request.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::GroupError;

/// Accounting unit in bytes.
const UNIT_BYTES: usize = 256;
/// The largest subscription, and the largest assignment, of one member: Kafka cannot store a larger
/// group.
const MEMBER_BYTES: usize = 1 << 20;
/// The size of a usual member. A part of the memory is reserved for members of this size.
const SMALL_BYTES: usize = 16 * 1024;
/// Reserved for usual members.
const SMALL_SHARE_BYTES: usize = 64 << 20;
/// For larger members.
const LARGE_SHARE_BYTES: usize = 192 << 20;

/// The memory of all groups of this broker; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct MemberMemory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Bytes with their share of the memory, which the last clone gives back.
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

/// Checks the size of a subscription or an assignment.
///
/// # Errors
/// When it is too large.
pub(crate) fn check_member(bytes: usize) -> Result<(), GroupError> {
    if bytes <= MEMBER_BYTES { Ok(()) } else { Err(GroupError::MemberTooLarge) }
}

impl MemberMemory {
    /// Copies bytes out of a request. The copy accounts for itself and for `beside` more bytes that
    /// live as long. The caller has to call [`check_member`] before.
    ///
    /// # Errors
    /// When no memory is left.
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
