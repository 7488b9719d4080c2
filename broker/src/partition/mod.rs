//! Module partition.
