//! What the handlers that ask the controller share: deadlines, and names given twice.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// The longest that a request may ask the controller to work on it.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// Kafka's words for a topic that occurs twice in one request.
pub(super) const DUPLICATE_NAME: &str = "Duplicate topic name.";

/// When a request with this `timeout_ms` gives up.
pub(super) fn deadline(timeout_ms: i32) -> Instant {
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    crate::env::now() + timeout.min(MAX_TIMEOUT)
}

/// The values that occur more than once, each once.
pub(super) fn repeated<T: Clone + Eq + Hash>(values: impl Iterator<Item = T>) -> HashSet<T> {
    let mut seen = HashSet::new();
    values.filter(|value| !seen.insert(value.clone())).collect()
}
