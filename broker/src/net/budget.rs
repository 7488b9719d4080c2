//! The memory that requests in flight may take together (`queued.max.request.bytes`).
//!
//! A connection pays for bytes as they arrive, never for a length that it only announces; what it paid is
//! given back when the request is answered. When nothing is left, connections stop reading, and TCP slows
//! the clients down.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accounting unit: fine enough for small requests, coarse enough for the semaphore's counter.
const UNIT_BYTES: usize = 1024;

/// A cheap handle to the shared budget.
#[derive(Clone, Debug)]
pub struct RequestBudget(Arc<Semaphore>);

/// A part of the budget; dropping it gives it back.
#[derive(Debug, Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
}

impl RequestBudget {
    /// A budget of `bytes`.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Grows `share` until it covers `bytes`, if that is possible at once.
    #[must_use]
    pub fn try_cover(&self, share: &mut Share, bytes: usize) -> bool {
        let missing = missing_units(share, bytes);
        if missing == 0 {
            return true;
        }
        match Arc::clone(&self.0).try_acquire_many_owned(missing) {
            Ok(permit) => share.add(permit),
            Err(_) => return false,
        }
        true
    }

    /// Grows `share` until it covers `bytes`, waiting for other requests to end. Cancel safe.
    pub async fn cover(&self, share: &mut Share, bytes: usize) {
        let missing = missing_units(share, bytes);
        // The semaphore is never closed, so the only error cannot happen.
        if missing > 0
            && let Ok(permit) = Arc::clone(&self.0).acquire_many_owned(missing).await
        {
            share.add(permit);
        }
    }

    /// Bytes that are free now.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        self.0.available_permits() * UNIT_BYTES
    }
}

impl Share {
    fn add(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }

    fn units(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Bytes covered.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.units() * UNIT_BYTES
    }
}

fn missing_units(share: &Share, bytes: usize) -> u32 {
    let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(share.units());
    u32::try_from(missing).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = RequestBudget::new(10 * UNIT_BYTES);
        let mut one = Share::default();
        assert!(budget.try_cover(&mut one, 3000));
        assert_eq!(one.bytes(), 3 * UNIT_BYTES);
        assert!(budget.try_cover(&mut one, 4000), "a share grows");
        assert_eq!(budget.free_bytes(), 6 * UNIT_BYTES);
        let mut two = Share::default();
        assert!(!budget.try_cover(&mut two, 7 * UNIT_BYTES));
        drop(one);
        assert!(budget.try_cover(&mut two, 7 * UNIT_BYTES));
    }
}
