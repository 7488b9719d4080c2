//! Module group.
