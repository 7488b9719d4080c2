//! Module api.
