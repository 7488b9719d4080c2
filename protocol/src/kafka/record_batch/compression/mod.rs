//! The four codecs of record batches, with bounds on what comes out.
//!
//! Compressed data is a stranger's: a megabyte can hold ten gigabytes, and lengths can lie.
//! Everything is decompressed as a stream into memory that grows with what has really come out, up
//! to a cap; no length is believed.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use bytes::Bytes;
use std::io::{self, Read};

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Snappy, in the frames of snappy-java or bare.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (KIP-110).
    Zstd,
}

/// Bounds on decompressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecompressLimits {
    /// Most bytes that may come out.
    pub max_bytes: usize,
    /// Most bytes that may come out for one that went in. The first
    /// [`FREE_BYTES`](Self::FREE_BYTES) are exempt: a batch of equal records may shrink more than
    /// ten-thousandfold.
    pub max_ratio: usize,
}

impl DecompressLimits {
    /// What may come out whatever the ratio, in bytes.
    pub const FREE_BYTES: usize = 16 * 1024 * 1024;

    fn cap(&self, compressed: usize) -> usize {
        self.max_bytes.min(compressed.saturating_mul(self.max_ratio).max(Self::FREE_BYTES))
    }
}

impl Default for DecompressLimits {
    fn default() -> Self {
        Self { max_bytes: 128 * 1024 * 1024, max_ratio: 250 }
    }
}

/// Why records could not be compressed or decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// The data is not what the codec makes.
    #[error("{codec} data is corrupt: {reason}")]
    Corrupt {
        /// Name of the codec.
        codec: &'static str,
        /// What the codec says.
        reason: String,
    },
    /// More comes out than is allowed.
    #[error("{codec} data decompresses to more than the {limit} bytes allowed")]
    OverLimit {
        /// Name of the codec.
        codec: &'static str,
        /// The bound, in bytes.
        limit: usize,
    },
    /// The compressor failed.
    #[error("{codec} cannot compress: {reason}")]
    Compress {
        /// Name of the codec.
        codec: &'static str,
        /// What the codec says.
        reason: String,
    },
    /// The batch is larger than a batch can be.
    #[error("the batch is larger than 2 GiB")]
    TooLarge,
}

impl Compression {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The number in a batch's attributes.
    #[must_use]
    pub fn id(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The codec with this number.
    #[must_use]
    pub fn from_id(id: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.id() == id)
    }

    /// The name in configurations (`compression.type`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Compresses with the codec's default level.
    ///
    /// # Errors
    /// A failure of the codec.
    pub fn compress(self, data: &[u8]) -> Result<Bytes, CompressionError> {
        self.compress_at(data, None)
    }

    /// Compresses with a level (`compression.gzip.level` 1-9, `compression.zstd.level` up to 22);
    /// the other codecs have one level only.
    ///
    /// # Errors
    /// A failure of the codec.
    pub fn compress_at(self, data: &[u8], level: Option<i32>) -> Result<Bytes, CompressionError> {
        let compressed = match self {
            Self::None => return Ok(Bytes::copy_from_slice(data)),
            Self::Gzip => gzip::compress(data, level),
            Self::Snappy => snappy::compress(data),
            Self::Lz4 => lz4::compress(data),
            Self::Zstd => zstd::compress(data, level),
        };
        compressed.map(Bytes::from).map_err(|error| CompressionError::Compress {
            codec: self.name(),
            reason: error.to_string(),
        })
    }

    /// Decompresses, whatever the producer's library has made of the codec's format.
    ///
    /// # Errors
    /// Corrupt data, or more of it than the limits allow.
    pub fn decompress(
        self,
        data: &[u8],
        limits: &DecompressLimits,
    ) -> Result<Bytes, CompressionError> {
        let limit = limits.cap(data.len());
        let result = match self {
            Self::None if data.len() > limit => Err(Failure::OverLimit),
            Self::None => Ok(data.to_vec()),
            Self::Gzip => gzip::decompress(data, limit),
            Self::Snappy => snappy::decompress(data, limit),
            Self::Lz4 => lz4::decompress(data, limit),
            Self::Zstd => zstd::decompress(data, limit),
        };
        result.map(Bytes::from).map_err(|failure| match failure {
            Failure::Corrupt(reason) => CompressionError::Corrupt { codec: self.name(), reason },
            Failure::OverLimit => CompressionError::OverLimit { codec: self.name(), limit },
        })
    }
}

/// Why a codec gave up.
enum Failure {
    Corrupt(String),
    OverLimit,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// Reads a decompressor to its end behind what is already there, but no further than the limit.
fn capped(source: impl Read, limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let room = limit.saturating_sub(out.len()) as u64;
    source.take(room + 1).read_to_end(out)?;
    if out.len() > limit { Err(Failure::OverLimit) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
