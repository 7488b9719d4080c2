//! The Kafka wire protocol: frames, headers, messages and record batches as types.
//!
//! This is a codec written for a server: it reads hostile bytes. What a frame claims about itself
//! (lengths, counts, tags) is checked against the bytes that are really there before anything is
//! allocated; strings and records are slices of the frame; and record bytes are never copied on the
//! way out.
//!
//! ```text
//! socket -> frame::split_frame -> Reader -> header::RequestHeader -> messages::* (Decode)
//! messages::* (Encode) -> Writer -> segments -> vectored write
//! ```

pub mod api_key;
pub mod codec;
pub mod error_code;
pub mod frame;
pub mod header;
pub mod messages;
pub mod primitives;
pub mod record_batch;

pub use api_key::ApiKey;
pub use codec::{Decode, DecodeError, Encode, EncodeError, Reader, Request, Response, Writer};
pub use error_code::ErrorCode;
pub use primitives::{Records, Str};
