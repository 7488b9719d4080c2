//! Ids for idempotent and transactional producers: blocks of a thousand, taken by compare and swap.
//!
//! An id is never given twice. Blocks that were taken by a broker that died, or by a transaction
//! whose reply was lost, stay unused; there are enough of them. An etcd that was restored from a
//! backup has forgotten the last blocks, so that the ids after the n-th restore begin at n · 2⁴⁸.

use std::ops::Range;

use barnabas_coordinator_client::{
    CreateRevision, Error, Expect, MAX_COUNT, MarksError, Txn, TxnError, TxnOutcome,
};
use barnabas_protocol::state::ids::ProducerId;
use barnabas_protocol::state::values::ProducerIdBlock;
use barnabas_protocol::state::{StateError, StateValue, from_json, to_json};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::membership::ClusterMember;

/// Each restore of etcd has 2⁴⁸ ids.
const IDS_PER_RESTORE_BITS: u32 = 48;

/// Ids in a block, as Kafka has it.
const BLOCK_IDS: i64 = 1000;

/// Attempts at a block that other brokers want as well.
const ATTEMPTS: usize = 20;

/// Why there is no producer id. All but the first two pass by themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerIdError {
    /// The last block has been given out.
    #[error("all producer ids have been used")]
    Exhausted,
    /// The block in etcd cannot be understood.
    #[error(transparent)]
    State(#[from] StateError),
    /// The restore count or the clock cannot be read.
    #[error(transparent)]
    Marks(#[from] MarksError),
    /// etcd was restored, and no controller has counted that yet.
    #[error(
        "etcd seems to be restored from a backup, and no controller has dealt with that yet: {0}"
    )]
    Uncounted(String),
    /// This broker has no registration at the moment.
    #[error("this broker is not registered")]
    NotRegistered,
    /// Other brokers were faster every time.
    #[error("too many brokers ask for producer ids")]
    Contended,
    /// etcd cannot be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// etcd did not answer, or refused, the write.
    #[error(transparent)]
    Write(#[from] TxnError),
}

/// Gives out producer ids.
#[derive(Debug)]
pub struct ProducerIdAllocator {
    member: ClusterMember,
    block: Mutex<Block>,
    fetch: Semaphore,
}

/// Ids that nobody has been given yet.
#[derive(Debug, Default)]
struct Block {
    ids: Range<i64>,
    /// How often etcd had been restored when they were taken.
    restored: i64,
}

impl ProducerIdAllocator {
    /// An allocator without a block: the first id asks etcd for one.
    #[must_use]
    pub fn new(member: ClusterMember) -> Self {
        let (block, fetch) = (Mutex::default(), Semaphore::new(1));
        Self { member, block, fetch }
    }

    /// The next id, from memory except once in a thousand times.
    ///
    /// # Errors
    /// Where a new block is needed and cannot be had.
    pub async fn next(&self) -> Result<ProducerId, ProducerIdError> {
        loop {
            if let Some(id) = self.take_id() {
                return Ok(ProducerId(id));
            }
            // One task fetches, the others find its block. The semaphore is never closed.
            let _turn = self.fetch.acquire().await;
            if self.block.lock().ids.is_empty() {
                let block = self.take_block().await?;
                *self.block.lock() = block;
            }
        }
    }

    /// An id of the block that is held. A block from before a restore is dropped: its ids may be
    /// given out again.
    fn take_id(&self) -> Option<i64> {
        let restored = self.member.image.load().restored.count;
        let mut block = self.block.lock();
        if block.restored < restored {
            *block = Block::default();
        }
        block.ids.next()
    }

    async fn take_block(&self) -> Result<Block, ProducerIdError> {
        let key = self.member.keys.producer_id_block();
        for _ in 0..ATTEMPTS {
            let registration = *self.member.registration.borrow();
            let registration = registration.ok_or(ProducerIdError::NotRegistered)?;
            let marks = self.member.client.read_marks(&self.member.keys).await?;
            if let Some(reason) = marks.behind(true) {
                return Err(ProducerIdError::Uncounted(reason));
            }
            let (last, expected) = match self.member.client.get(&key).await? {
                None => (None, Expect::Absent),
                Some(kv) => (Some(from_json(&kv.value)?), Expect::ModRevision(kv.mod_revision)),
            };
            let Range { start, end } = next_block(last.as_ref(), marks.count)?;
            let value = ProducerIdBlock {
                version: ProducerIdBlock::VERSION,
                broker_id: self.member.broker.0,
                block_start: start,
                block_end: end - 1,
            };
            let current = Expect::CreateRevision(CreateRevision(registration.epoch.0));
            let txn = Txn::new()
                .expect(key.clone(), expected)
                .expect(self.member.keys.restored(), marks.expect())
                .expect(self.member.keys.broker(self.member.broker), current)
                .put(key.clone(), to_json(&value));
            // A block whose fate is unknown is left alone: the next attempt starts from what is
            // there then.
            match self.member.client.txn(txn).await {
                Ok(TxnOutcome::Committed { .. }) => {
                    return Ok(Block { ids: start..end, restored: marks.count });
                }
                Ok(TxnOutcome::Conflict { .. }) | Err(TxnError::Indeterminate(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ProducerIdError::Contended)
    }
}

/// The block after `last`, among the ids that belong to this restore count.
fn next_block(
    last: Option<&ProducerIdBlock>,
    restored: i64,
) -> Result<Range<i64>, ProducerIdError> {
    if last.is_some_and(|last| last.block_start < 0 || last.block_end < last.block_start) {
        let reason = "the block is empty or negative".to_owned();
        return Err(StateError::Invalid { name: ProducerIdBlock::NAME, reason }.into());
    }
    if !(0..=MAX_COUNT).contains(&restored) {
        return Err(ProducerIdError::Exhausted);
    }
    let first = restored << IDS_PER_RESTORE_BITS;
    let most = first + ((1 << IDS_PER_RESTORE_BITS) - 1);
    let start = last.map_or(0, |last| last.block_end.saturating_add(1)).max(first);
    let end = start.saturating_add(BLOCK_IDS);
    if end > most { Err(ProducerIdError::Exhausted) } else { Ok(start..end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(start: i64, end: i64) -> ProducerIdBlock {
        ProducerIdBlock { version: 1, broker_id: 1, block_start: start, block_end: end }
    }

    #[test]
    fn each_restore_has_ids_of_its_own() {
        assert_eq!(next_block(None, 0), Ok(0..1000));
        assert_eq!(next_block(Some(&block(0, 999)), 0), Ok(1000..2000));
        let first = 1 << 48;
        assert_eq!(next_block(Some(&block(7000, 7999)), 1), Ok(first..first + 1000));
        let later = block(first, first + 999);
        assert_eq!(next_block(Some(&later), 1), Ok(first + 1000..first + 2000));
        // The last one that fits below the ids of the next restore, and one too many.
        assert!(next_block(Some(&block(0, first - 1002)), 0).is_ok());
        assert_eq!(next_block(Some(&block(0, first - 900)), 0), Err(ProducerIdError::Exhausted));
        assert!(next_block(None, MAX_COUNT).is_ok_and(|ids| ids.start > 0));
        assert_eq!(next_block(None, MAX_COUNT + 1), Err(ProducerIdError::Exhausted));
        assert!(matches!(next_block(Some(&block(5, 3)), 0), Err(ProducerIdError::State(_))));
    }
}
