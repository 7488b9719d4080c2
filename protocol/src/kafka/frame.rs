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

/// Takes the next frame, without its length, from what was read so far; `None` until it is
/// complete.
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

/// A request as a whole frame, length included. `header.api_version` chooses the version of the
/// message; its key is that of `R`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Records;
    use crate::kafka::messages::fetch::{FetchableTopicResponse, PartitionData};
    use crate::kafka::messages::{FetchRequest, FetchResponse, HeartbeatRequest};

    #[test]
    fn frames_are_split_as_they_arrive() {
        let header = RequestHeader { api_key: 12, api_version: 4, ..RequestHeader::default() };
        let request = HeartbeatRequest { group_id: "g".into(), ..HeartbeatRequest::default() };
        let frame = request_segments(&header, &request).unwrap().concat();
        let mut buffer = BytesMut::new();
        for byte in &frame[..frame.len() - 1] {
            buffer.extend_from_slice(&[*byte]);
            assert_eq!(split_frame(&mut buffer, 100), Ok(None));
        }
        buffer.extend_from_slice(&[frame[frame.len() - 1], 1, 2]);
        let first = split_frame(&mut buffer, 100).unwrap().unwrap();
        assert_eq!(first, frame[LENGTH_BYTES..]);
        assert_eq!(buffer[..], [1, 2]);

        let mut reader = Reader::new(first);
        assert_eq!(RequestHeader::decode(&mut reader, 2), Ok(header));
        assert_eq!(HeartbeatRequest::decode(&mut reader, 4), Ok(request));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn lengths_beyond_the_limit_are_refused_before_the_frame_arrives() {
        let split = |length: i32| split_frame(&mut BytesMut::from(&length.to_be_bytes()[..]), 10);
        assert_eq!(split(10), Ok(None));
        assert_eq!(split(11), Err(FrameError::TooLarge { length: 11, max: 10 }));
        assert_eq!(split(-1), Err(FrameError::Negative(-1)));
        assert_eq!(split(0), Ok(Some(Bytes::new())));
    }

    #[test]
    fn a_response_counts_its_records_and_shares_them() {
        let records = Bytes::from(vec![7; 1000]);
        let partition = PartitionData {
            records: Some(Records::from(records.clone())),
            ..PartitionData::default()
        };
        let topic = FetchableTopicResponse {
            partitions: vec![partition],
            ..FetchableTopicResponse::default()
        };
        let response = FetchResponse { responses: vec![topic], ..FetchResponse::default() };
        let segments = response_segments(42, &response, 13).unwrap();
        assert_eq!(segments[1].as_ptr(), records.as_ptr());
        let frame =
            split_frame(&mut BytesMut::from(&segments.concat()[..]), 2000).unwrap().unwrap();
        assert_eq!(decode_response::<FetchRequest>(frame, 13), Ok((42, response)));
    }
}
