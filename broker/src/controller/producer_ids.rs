//! Ids for idempotent and transactional producers: blocks of a thousand, taken by compare and swap.
//!
//! An id is never given twice. Blocks that were taken by a broker that died, or by a transaction whose reply was lost,
//! stay unused; there are enough of them.

use std::ops::Range;

use barnabas_coordinator_client::{CreateRevision, Error, Expect, Txn, TxnError, TxnOutcome};
use barnabas_protocol::state::ids::ProducerId;
use barnabas_protocol::state::values::ProducerIdBlock;
use barnabas_protocol::state::{StateError, StateValue, from_json, to_json};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::membership::ClusterMember;

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
    block: Mutex<Range<i64>>,
    fetch: Semaphore,
}

impl ProducerIdAllocator {
    /// An allocator without a block: the first id asks etcd for one.
    #[must_use]
    pub fn new(member: ClusterMember) -> Self {
        let (block, fetch) = (Mutex::new(0..0), Semaphore::new(1));
        Self { member, block, fetch }
    }

    /// The next id, from memory except once in a thousand times.
    ///
    /// # Errors
    /// Where a new block is needed and cannot be had.
    pub async fn next(&self) -> Result<ProducerId, ProducerIdError> {
        loop {
            if let Some(id) = self.block.lock().next() {
                return Ok(ProducerId(id));
            }
            // One task fetches, the others find its block. The semaphore is never closed.
            let _turn = self.fetch.acquire().await;
            if self.block.lock().is_empty() {
                let block = self.take_block().await?;
                *self.block.lock() = block;
            }
        }
    }

    async fn take_block(&self) -> Result<Range<i64>, ProducerIdError> {
        let key = self.member.keys.producer_id_block();
        for _ in 0..ATTEMPTS {
            let registration = *self.member.registration.borrow();
            let registration = registration.ok_or(ProducerIdError::NotRegistered)?;
            let last = self.member.client.get(&key).await?;
            let (start, expected) = match &last {
                None => (0, Expect::Absent),
                Some(kv) => {
                    let block: ProducerIdBlock = from_json(&kv.value)?;
                    (next_start(&block)?, Expect::ModRevision(kv.mod_revision))
                }
            };
            let end = start.checked_add(BLOCK_IDS).ok_or(ProducerIdError::Exhausted)?;
            let value = ProducerIdBlock {
                version: ProducerIdBlock::VERSION,
                broker_id: self.member.broker.0,
                block_start: start,
                block_end: end - 1,
            };
            let current = Expect::CreateRevision(CreateRevision(registration.epoch.0));
            let txn = Txn::new()
                .expect(key.clone(), expected)
                .expect(self.member.keys.broker(self.member.broker), current)
                .put(key.clone(), to_json(&value));
            // A block whose fate is unknown is left alone: the next attempt starts from what is there then.
            match self.member.client.txn(txn).await {
                Ok(TxnOutcome::Committed { .. }) => return Ok(start..end),
                Ok(TxnOutcome::Conflict { .. }) | Err(TxnError::Indeterminate(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ProducerIdError::Contended)
    }
}

/// Where the block after this one starts.
fn next_start(last: &ProducerIdBlock) -> Result<i64, ProducerIdError> {
    if last.block_start < 0 || last.block_end < last.block_start {
        let reason = "the block is empty or negative".to_owned();
        return Err(StateError::Invalid { name: ProducerIdBlock::NAME, reason }.into());
    }
    last.block_end.checked_add(1).ok_or(ProducerIdError::Exhausted)
}
