//! Reading and writing Kafka's primitive types, bounded and without copies.
//!
//! * [`Reader`] walks one frame. It never reads past the frame, and a memory budget stops small
//!   frames from decoding into large structures.
//! * [`Writer`] collects small data in one buffer and keeps records as they are; the result is a
//!   list of segments.
//! * [`Decode`] and [`Encode`] are implemented by every message, for every version in its range.

mod error;
mod field;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::ops::RangeInclusive;

use super::api_key::ApiKey;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub(crate) use field::{Field, Nullable};
pub use reader::Reader;
pub use writer::Writer;

/// A message that can be read from a frame.
pub trait Decode: Sized {
    /// Reads the message in `version`. Bytes behind the message are left to the caller: see
    /// [`Reader::finish`].
    fn decode(reader: &mut Reader, version: i16) -> Result<Self, DecodeError>;
}

/// A message that can be written to a frame.
pub trait Encode {
    /// Writes the message in `version`. After an error the writer holds a part of the message and
    /// is of no use.
    fn encode(&self, writer: &mut Writer, version: i16) -> Result<(), EncodeError>;
}

/// A request, tied to its key and its response.
pub trait Request: Encode + Decode + Default {
    /// The key that names this API in request headers.
    const API_KEY: ApiKey;
    /// The versions that this codec reads and writes, of the request and of its response.
    const VERSIONS: RangeInclusive<i16>;
    /// The first version with compact encodings and tagged fields (KIP-482), if there is one.
    const FLEXIBLE_FROM: Option<i16>;
    /// What a broker answers.
    type Response: Response;
}

/// A response, tied to the key of its request.
pub trait Response: Encode + Decode + Default {
    /// The key that names this API in request headers.
    const API_KEY: ApiKey;
}
