//! Idempotent producers and transactions.

use super::def::Check::{Any, AtLeast};
use super::def::Support::{Honoured, Inert};
use super::def::keys;
use crate::config::keys::reasons::TRANSACTIONS;

keys! {
    /// Idempotent producers and transactions.
    TRANSACTION, Broker:
    "producer.id.expiration.ms", Int, Some("86400000"), AtLeast(1), Low, ClusterWide, Honoured,
        "Milliseconds after its last record that a partition forgets an idempotent producer.";
    "producer.id.expiration.check.interval.ms", Int, Some("600000"), AtLeast(1), Low, ReadOnly,
        Inert("producers are searched for as often as records to delete, see log.retention.check.interval.ms"),
        "Milliseconds between two searches for producers to forget.";
    "transaction.max.timeout.ms", Int, Some("900000"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Longest transaction timeout that a producer may ask for.";
    "transactional.id.expiration.ms", Int, Some("604800000"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Milliseconds after which an unused transactional id is forgotten.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", Int, Some("10000"),
        AtLeast(1), Low, ReadOnly,
        Inert(TRANSACTIONS),
        "Milliseconds between two searches for transactions to abort.";
    "transaction.remove.expired.transaction.cleanup.interval.ms", Int, Some("3600000"),
        AtLeast(1), Low, ReadOnly,
        Inert(TRANSACTIONS),
        "Milliseconds between two searches for transactional ids to forget.";
    "transaction.partition.verification.enable", Boolean, Some("true"), Any, Low, ClusterWide,
        Inert(TRANSACTIONS),
        "Whether a partition checks that it belongs to the transaction (KIP-890).";
    "transaction.two.phase.commit.enable", Boolean, Some("false"), Any, Low, ReadOnly,
        Inert(TRANSACTIONS),
        "Whether clients may prepare transactions (KIP-939).";
    "transaction.state.log.load.buffer.size", Int, Some("5242880"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Bytes read at once when transactions are loaded.";
    "transaction.state.log.min.isr", Int, Some("2"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "min.insync.replicas of the topic of transactions.";
    "transaction.state.log.num.partitions", Int, Some("50"), AtLeast(1), High, ReadOnly, Honoured,
        "Shards over which the transactional ids are spread among the brokers. All brokers of a cluster must \
         agree.";
    "transaction.state.log.replication.factor", Short, Some("3"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Replicas of the topic of transactions.";
    "transaction.state.log.segment.bytes", Int, Some("104857600"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Segment size of the topic of transactions.";
    "add.partitions.to.txn.retry.backoff.ms", Int, Some("20"), AtLeast(1), High, ReadOnly,
        Inert(TRANSACTIONS),
        "First pause before adding partitions to a transaction is tried again.";
    "add.partitions.to.txn.retry.backoff.max.ms", Int, Some("100"), AtLeast(0), High, ReadOnly,
        Inert(TRANSACTIONS),
        "Longest time of trying to add partitions to a transaction.";
}
