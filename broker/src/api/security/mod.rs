//! Authentication: SASL is refused.

pub mod sasl;
