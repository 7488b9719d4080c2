//! A bound on the bytes of requests that wait for etcd.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accounting unit in bytes.
const UNIT_BYTES: usize = 256;

/// The bytes that the waiting changes of all shards may take together; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct WriteBudget {
    total_bytes: usize,
    units: Arc<Semaphore>,
}

/// A part of the budget, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit {
    _units: OwnedSemaphorePermit,
}

/// Why a request gets no part of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMuch {
    /// Other requests have to finish first.
    #[error("too many bytes wait to be written to etcd")]
    ForNow,
    /// The request alone exceeds the budget.
    #[error("the request is larger than all that may wait to be written to etcd")]
    ForEver,
}

impl WriteBudget {
    pub(crate) fn new(total_bytes: usize) -> Self {
        Self { total_bytes, units: Arc::new(Semaphore::new(total_bytes / UNIT_BYTES)) }
    }

    /// Takes a part of the budget without waiting.
    pub(crate) fn take(&self, bytes: usize) -> Result<Permit, TooMuch> {
        if bytes > self.total_bytes {
            return Err(TooMuch::ForEver);
        }
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).map_err(|_| TooMuch::ForEver)?;
        let taken = Arc::clone(&self.units).try_acquire_many_owned(units);
        taken.map(|units| Permit { _units: units }).map_err(|_| TooMuch::ForNow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_finite_and_comes_back() {
        let budget = WriteBudget::new(10 * UNIT_BYTES);
        let first = budget.take(9 * UNIT_BYTES).expect("there is room");
        assert_eq!(budget.take(UNIT_BYTES + 1).err(), Some(TooMuch::ForNow));
        let second = budget.take(UNIT_BYTES).expect("there is room");
        assert_eq!(budget.take(1).err(), Some(TooMuch::ForNow));
        drop((first, second));
        assert!(budget.take(10 * UNIT_BYTES).is_ok());
        assert_eq!(budget.take(10 * UNIT_BYTES + 1).err(), Some(TooMuch::ForEver));
    }
}
