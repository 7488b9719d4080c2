//! Module metadata.
