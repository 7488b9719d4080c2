//! Bounds the memory that fetch responses hold until their consumers have read them. The log could
//! free it otherwise. When the bound is reached, responses are short: every consumer still makes
//! progress, in smaller steps.

use std::sync::Arc;

use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::messages::fetch::PartitionData;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accounting unit in bytes.
const UNIT_BYTES: usize = 1024;
/// For all responses together.
const ALL_BYTES: usize = 256 << 20;
/// The bound allows for at least this many of the largest responses.
const LARGEST: usize = 4;
/// A response up to this size, or of a single batch, is not counted: the number of connections
/// bounds these.
pub(crate) const FREE_BYTES: usize = 256 * 1024;

/// The memory of all fetch responses of this broker.
#[derive(Debug)]
pub(crate) struct ReplyMemory(Arc<Semaphore>);

/// The last segment of a response, which holds the permit for all of it.
struct Last {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl ReplyMemory {
    /// For responses of up to `fetch_max_bytes`.
    pub(crate) fn new(fetch_max_bytes: usize) -> Self {
        let bytes = ALL_BYTES.max(fetch_max_bytes.saturating_mul(LARGEST));
        Self(Arc::new(Semaphore::new((bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS))))
    }

    /// Reserves the memory of a response until its last byte is sent or dropped; false when the
    /// bound is reached.
    pub(crate) fn hold<'a>(&self, answers: impl Iterator<Item = &'a mut PartitionData>) -> bool {
        let (mut bytes, mut last) = (0, None);
        for records in answers.filter_map(|data| data.records.as_mut()) {
            let len = records.len();
            bytes += len;
            last = if len > 0 { Some(records) } else { last };
        }
        let Some(last) = last.filter(|_| bytes > FREE_BYTES) else { return true };
        let units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(&self.0).try_acquire_many_owned(units) else { return false };
        let mut segments = last.segments().to_vec();
        if let Some(end) = segments.last_mut() {
            *end = Bytes::from_owner(Last { bytes: std::mem::take(end), _permit: permit });
        }
        *last = Records::from(segments);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Vec<PartitionData> {
        let some = Records::from(vec![vec![1; bytes / 2].into(), vec![2; bytes / 2].into()]);
        let records = [Records::default(), some, Records::default()];
        let data = |records| PartitionData { records: Some(records), ..PartitionData::default() };
        records.into_iter().map(data).collect()
    }

    #[test]
    fn an_answer_holds_its_share_until_it_is_gone() {
        let memory = ReplyMemory::new(0);
        let all = memory.0.available_permits();
        let mut large = answer(ALL_BYTES);
        assert!(memory.hold(large.iter_mut()));
        assert_eq!(large[1].records, answer(ALL_BYTES)[1].records, "the bytes stay as they are");
        assert!(!memory.hold(answer(2 * FREE_BYTES).iter_mut()));
        assert!(memory.hold(answer(FREE_BYTES).iter_mut()), "small answers are free");
        let kept = large[1].records.clone().expect("records").segments()[1].clone();
        drop(large);
        assert_eq!(memory.0.available_permits(), 0, "the end is still to be sent");
        drop(kept);
        assert_eq!(memory.0.available_permits(), all);
    }
}
