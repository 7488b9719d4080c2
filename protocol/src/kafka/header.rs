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
    /// Looks at the key and the version in front of `frame`, which choose the version of the
    /// header.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_headers_round_trip() {
        let header = RequestHeader {
            api_key: 3,
            api_version: 12,
            correlation_id: 7,
            client_id: Some("client".into()),
        };
        for version in 1..=2 {
            let mut writer = Writer::new();
            header.encode(&mut writer, version).unwrap();
            let bytes = writer.into_segments().concat();
            assert_eq!(RequestHeader::peek_api(&bytes), Ok((3, 12)));
            let mut reader = Reader::new(bytes.into());
            assert_eq!(RequestHeader::decode(&mut reader, version).as_ref(), Ok(&header));
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn tagged_fields_of_later_clients_are_skipped() {
        let bytes: &[u8] = &[0, 3, 0, 12, 0, 0, 0, 7, 0xff, 0xff, 2, 0, 3, 1, 2, 3, 9, 0];
        let mut reader = Reader::new(bytes.into());
        let header = RequestHeader::decode(&mut reader, 2).unwrap();
        assert_eq!((header.correlation_id, header.client_id), (7, None));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn short_headers_are_truncated() {
        let missing = DecodeError::Truncated { needed: 4, remaining: 2 };
        assert_eq!(RequestHeader::peek_api(&[0, 3]), Err(missing.clone()));
        let mut reader = Reader::new((&[0_u8, 3, 0, 12, 0, 0][..]).into());
        assert_eq!(RequestHeader::decode(&mut reader, 1), Err(missing));
    }
}
