//! Every codec gives back what it took, and never more than it may.

use super::*;
use proptest::prelude::*;

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// Bytes as records have them: neither all alike nor all different.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(
        prop::sample::select(vec!["alpha ", "beta", "\u{0}\u{1}"]),
        0..40_000,
    );
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..5_000),
        words.prop_map(|words| words.concat().into_bytes()),
    ]
}

#[test]
fn names_and_numbers() {
    for codec in Compression::ALL {
        assert_eq!(Compression::from_id(codec.id()), Some(codec));
        assert_eq!(Compression::from_name(codec.name()), Some(codec));
    }
    assert_eq!(Compression::from_id(5), None);
    assert_eq!(Compression::from_name("uncompressed"), None);
}

#[test]
fn every_level_is_read() {
    let data = b"a record, and another record, and a record".repeat(1000);
    for (codec, level) in [(Compression::Gzip, 9), (Compression::Zstd, 22), (Compression::Zstd, -5)]
    {
        let compressed = codec.compress_at(&data, Some(level)).unwrap();
        assert_eq!(codec.decompress(&compressed, &DecompressLimits::default()).unwrap(), data);
    }
}

#[test]
fn large_equal_records_are_no_bomb() {
    let data = vec![0; 900 * 1024];
    for codec in CODECS {
        let compressed = codec.compress(&data).unwrap();
        assert_eq!(codec.decompress(&compressed, &DecompressLimits::default()).unwrap(), data);
    }
}

#[test]
fn bare_snappy_is_read() {
    let data = b"librdkafka writes one block without frames ".repeat(100);
    let compressed = snap::raw::Encoder::new().compress_vec(&data).unwrap();
    let read = Compression::Snappy.decompress(&compressed, &DecompressLimits::default()).unwrap();
    assert_eq!(read, data);
}

/// CVE-2023-34455 and its kind: lengths that promise what is not there.
#[test]
fn lying_snappy_lengths_take_no_memory() {
    let limits = DecompressLimits { max_bytes: usize::MAX, max_ratio: usize::MAX };
    let frame = |chunks: &[u8]| [&MAGIC_HEADER[..], chunks].concat();
    for data in [
        // A bare block of 4 GiB in six bytes.
        vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0x00],
        frame(&[0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]),
        frame(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3]),
        frame(&[0xff, 0xff, 0xff, 0xff]),
        frame(&[0, 0]),
        MAGIC_HEADER[..12].to_vec(),
    ] {
        let read = Compression::Snappy.decompress(&data, &limits);
        assert!(matches!(read, Err(CompressionError::Corrupt { .. })), "{data:?} {read:?}");
    }
}

const MAGIC_HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// The frame asks for a window of 2 GiB.
#[test]
fn huge_zstd_windows_are_refused() {
    let mut data = zstd::compress(&vec![7; 100_000], None).unwrap();
    // Frame header descriptor without single segment, and the largest window descriptor below 2^31.
    data.splice(4..6, [0x00, (31 - 10) << 3]);
    let read = Compression::Zstd.decompress(&data, &DecompressLimits::default());
    assert!(matches!(read, Err(CompressionError::Corrupt { .. })), "{read:?}");
}

#[test]
fn the_ratio_counts_beyond_the_free_bytes() {
    let data = vec![0; DecompressLimits::FREE_BYTES + 1];
    let compressed = Compression::Zstd.compress(&data).unwrap();
    let limits = DecompressLimits { max_bytes: usize::MAX, max_ratio: 10 };
    let over = CompressionError::OverLimit { codec: "zstd", limit: DecompressLimits::FREE_BYTES };
    assert_eq!(Compression::Zstd.decompress(&compressed, &limits), Err(over));
}

proptest! {
    #[test]
    fn round_trip(data in data()) {
        for codec in Compression::ALL {
            let compressed = codec.compress(&data).unwrap();
            let read = codec.decompress(&compressed, &DecompressLimits::default());
            prop_assert_eq!(read.unwrap(), data.clone(), "{}", codec.name());
        }
    }

    #[test]
    fn damage_is_survived(data in data(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let limits = DecompressLimits { max_bytes: 1 << 20, max_ratio: 250 };
        for codec in CODECS {
            let mut compressed = codec.compress(&data).unwrap().to_vec();
            let at = at.index(compressed.len());
            compressed[at] = byte;
            for data in [&compressed[..], &compressed[..cut.index(compressed.len())]] {
                if let Ok(read) = codec.decompress(data, &limits) {
                    prop_assert!(read.len() <= 1 << 20);
                }
            }
        }
    }

    #[test]
    fn garbage_is_survived(data: Vec<u8>) {
        for codec in CODECS {
            let _ = codec.decompress(&data, &DecompressLimits::default());
        }
    }
}
