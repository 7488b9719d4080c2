//! What stands in front of every request and response.

use super::codec::{DecodeError, EncodeError, Reader, Writer};
use super::primitives::Str;

/// The header of a request. Its version follows from the API: see
/// [`ApiKey::request_header_version`](super::ApiKey::request_header_version).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API, as a number that may not be known.
    pub api_key: i16,
    /// The version of the API, which may not be supported.
    pub api_version: i16,
    /// What the client tells its responses apart by.
    pub correlation_id: i32,
    /// A name the client gives itself, for logs, metrics and quotas.
    pub client_id: Option<Str>,
}

impl RequestHeader {
    /// Reads only the key and the version, which choose the version of the header; the reader stays where it is.
    pub fn peek_api(frame: &[u8]) -> Result<(i16, i16), DecodeError> {
        let Some([key_high, key_low, version_high, version_low]) = frame.first_chunk::<4>() else {
            return Err(DecodeError::Truncated { needed: 4, remaining: frame.len() });
        };
        Ok((
            i16::from_be_bytes([*key_high, *key_low]),
            i16::from_be_bytes([*version_high, *version_low]),
        ))
    }

    /// Reads a header of `header_version` 1, or 2 with tagged fields.
    pub fn decode(reader: &mut Reader, header_version: i16) -> Result<Self, DecodeError> {
        check("RequestHeader", header_version, 1..=2)?;
        let header = Self {
            api_key: reader.i16()?,
            api_version: reader.i16()?,
            correlation_id: reader.i32()?,
            // Never in the compact form, so that a broker can read the header of any version.
            client_id: reader.string(false)?,
        };
        if header_version >= 2 {
            reader.tagged_fields(|_, _| Ok(false))?;
        }
        Ok(header)
    }

    /// Writes the header in `header_version` 1 or 2.
    pub fn encode(&self, writer: &mut Writer, header_version: i16) -> Result<(), EncodeError> {
        writer.i16(self.api_key);
        writer.i16(self.api_version);
        writer.i32(self.correlation_id);
        writer.string(self.client_id.as_deref(), false)?;
        if header_version >= 2 {
            writer.unsigned_varint(0);
        }
        Ok(())
    }
}

/// The header of a response. Its version follows from the API: see
/// [`ApiKey::response_header_version`](super::ApiKey::response_header_version).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResponseHeader {
    /// The number that the client gave its request.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads a header of `header_version` 0, or 1 with tagged fields.
    pub fn decode(reader: &mut Reader, header_version: i16) -> Result<Self, DecodeError> {
        check("ResponseHeader", header_version, 0..=1)?;
        let header = Self { correlation_id: reader.i32()? };
        if header_version >= 1 {
            reader.tagged_fields(|_, _| Ok(false))?;
        }
        Ok(header)
    }

    /// Writes the header in `header_version` 0 or 1.
    pub fn encode(&self, writer: &mut Writer, header_version: i16) {
        writer.i32(self.correlation_id);
        if header_version >= 1 {
            writer.unsigned_varint(0);
        }
    }
}

fn check(
    message: &'static str,
    version: i16,
    known: std::ops::RangeInclusive<i16>,
) -> Result<(), DecodeError> {
    if known.contains(&version) {
        Ok(())
    } else {
        Err(DecodeError::UnsupportedVersion { message, version })
    }
}
