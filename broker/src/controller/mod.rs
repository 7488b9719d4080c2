//! Module controller.
