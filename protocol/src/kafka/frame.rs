//! Frames: a four-byte length, a header and a message.

use bytes::{Buf, Bytes, BytesMut};

use super::codec::{Decode, DecodeError, EncodeError, Reader, Request, Response, Writer};
use super::header::{RequestHeader, ResponseHeader};

/// The bytes of the length in front of a frame, which do not count themselves.
pub const LENGTH_BYTES: usize = 4;

/// What a peer claims about its next frame is not acceptable; the connection has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is below zero.
    #[error("negative frame length {0}")]
    Negative(i32),
    /// The length is above the limit.
    #[error("frame of {length} bytes, but at most {max} are accepted")]
    TooLarge {
        /// The claimed length in bytes.
        length: usize,
        /// The limit in bytes.
        max: usize,
    },
}

/// Takes the next frame, without its length, from what was read so far; `None` until it is complete.
///
/// Nothing is reserved for a length that was only announced.
pub fn split_frame(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(length) = buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = i32::from_be_bytes(*length);
    let length = usize::try_from(length).map_err(|_| FrameError::Negative(length))?;
    if length > max {
        return Err(FrameError::TooLarge { length, max });
    }
    if buffer.len() < LENGTH_BYTES + length {
        return Ok(None);
    }
    buffer.advance(LENGTH_BYTES);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// A request as a whole frame, length included. `header.api_version` chooses the version of the message; its key is
/// that of `R`.
pub fn request_segments<R: Request>(
    header: &RequestHeader,
    request: &R,
) -> Result<Vec<Bytes>, EncodeError> {
    let version = header.api_version;
    framed(|writer| {
        header.encode(writer, R::API_KEY.request_header_version(version))?;
        request.encode(writer, version)
    })
}

/// A response as a whole frame, length included, for one vectored write.
pub fn response_segments<R: Response>(
    correlation_id: i32,
    response: &R,
    version: i16,
) -> Result<Vec<Bytes>, EncodeError> {
    framed(|writer| {
        ResponseHeader { correlation_id }
            .encode(writer, R::API_KEY.response_header_version(version));
        response.encode(writer, version)
    })
}

/// Reads the response to a request of type `R` from a frame without its length.
pub fn decode_response<R: Request>(
    frame: Bytes,
    version: i16,
) -> Result<(i32, R::Response), DecodeError> {
    let mut reader = Reader::new(frame);
    let header = ResponseHeader::decode(&mut reader, R::API_KEY.response_header_version(version))?;
    let response = Decode::decode(&mut reader, version)?;
    reader.finish()?;
    Ok((header.correlation_id, response))
}

fn framed(
    write: impl FnOnce(&mut Writer) -> Result<(), EncodeError>,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut writer = Writer::new();
    writer.i32(0);
    write(&mut writer)?;
    let length = writer.len() - LENGTH_BYTES;
    writer.patch_i32(0, i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?);
    Ok(writer.into_segments())
}
