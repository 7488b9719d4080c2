//! Value types of the protocol that Rust has no equal of: shared strings, records as segments,
//! variable-length integers.

mod records;
mod str;
pub mod varint;

pub use self::records::Records;
pub use self::str::Str;
