//! Which records have outlived `retention.ms` and `retention.bytes`.
//!
//! Pure. Like Kafka, which drops whole segments, this drops whole chunks: the run of a partition's
//! records that was flushed together. A partition keeps at least `retention.bytes`.

use barnabas_protocol::state::ids::Offset;

use crate::log::Chunk;

/// How much of a partition is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    /// `retention.ms`; -1 keeps for ever.
    pub(super) ms: i64,
    /// `retention.bytes`; -1 keeps any amount.
    pub(super) bytes: i64,
}

/// Where the log may start, given its chunks from oldest to newest: the first offset that must be
/// kept. Never past `high_watermark`.
#[must_use]
pub(super) fn first_kept(
    chunks: &[Chunk],
    retention: Retention,
    now_ms: i64,
    high_watermark: Offset,
) -> Option<Offset> {
    let mut excess = match retention.bytes {
        -1 => 0,
        keep => total_bytes(chunks).saturating_sub(keep),
    };
    let mut kept_from = None;
    for (position, chunk) in chunks.iter().enumerate() {
        let expired = retention.ms >= 0 && now_ms.saturating_sub(chunk.latest_ms()) > retention.ms;
        let surplus = retention.bytes >= 0 && excess >= chunk.bytes as i64;
        if !expired && !surplus {
            break;
        }
        excess -= chunk.bytes as i64;
        let next = chunks.get(position + 1).map_or(high_watermark, |next| next.first);
        if next > high_watermark {
            break;
        }
        kept_from = Some(next);
    }
    kept_from
}

fn total_bytes(chunks: &[Chunk]) -> i64 {
    chunks.iter().map(|chunk| chunk.bytes as i64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREVER: Retention = Retention { ms: -1, bytes: -1 };

    /// Three chunks of 100 bytes: offsets 0, 10, 20, newest record at 30; timestamps 1000, 2000,
    /// 3000.
    fn chunks() -> Vec<Chunk> {
        (0..3)
            .map(|i| Chunk {
                first: Offset(i * 10),
                last: Offset(i * 10 + 9),
                generation: i as u32,
                max_timestamp: (i + 1) * 1000,
                bytes: 100,
            })
            .collect()
    }

    fn kept(retention: Retention, now: i64, high_watermark: i64) -> Option<i64> {
        first_kept(&chunks(), retention, now, Offset(high_watermark)).map(|o| o.0)
    }

    #[test]
    fn nothing_expires_without_limits() {
        assert_eq!(kept(FOREVER, i64::MAX, 30), None);
    }

    #[test]
    fn chunks_expire_when_their_newest_record_does() {
        let retention = Retention { ms: 1000, ..FOREVER };
        assert_eq!(kept(retention, 2000, 30), None);
        assert_eq!(kept(retention, 2001, 30), Some(10));
        assert_eq!(kept(retention, 9999, 30), Some(30));
    }

    #[test]
    fn at_least_the_configured_bytes_stay() {
        assert_eq!(kept(Retention { bytes: 250, ..FOREVER }, 0, 30), None);
        assert_eq!(kept(Retention { bytes: 200, ..FOREVER }, 0, 30), Some(10));
        assert_eq!(kept(Retention { bytes: 0, ..FOREVER }, 0, 30), Some(30));
    }

    #[test]
    fn uncommitted_records_are_kept() {
        assert_eq!(kept(Retention { ms: 0, ..FOREVER }, 9999, 15), Some(10));
    }
}
