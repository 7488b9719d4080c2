//! Why keys have no effect, or only some of their values are honoured, and what to use instead.

pub(super) const COMPACTION: &str = "compaction is not available yet";
pub(super) const RECOMPRESSION: &str =
    "batches are stored as the producer compressed them; set compression.type in the producer";
pub(super) const ROCKSDB: &str =
    "the log is kept in RocksDB, without segment and index files; see log.generation.bytes";
pub(super) const NO_REPLICATION: &str = "brokers do not replicate from each other yet";
pub(super) const KRAFT: &str =
    "there is no KRaft quorum, the cluster's state is in etcd; set etcd.endpoints and etcd.prefix";
pub(super) const LEASE: &str = "a broker lives as long as its lease in etcd; set etcd.lease.ttl.ms";
pub(super) const RUNTIME: &str = "the number of threads follows from the number of processors";
pub(super) const PURGATORY: &str = "waiting requests are removed as soon as they are answered";
pub(super) const QUOTAS: &str = "quotas are not available yet";
pub(super) const TELEMETRY: &str = "clients' telemetry is not collected";
pub(super) const METRICS: &str = "metrics are not available yet";
pub(super) const OFFSETS: &str = "groups and their offsets are kept in etcd, not in a topic";
pub(super) const KIP848: &str =
    "the consumer protocol of KIP-848 is not available yet; classic groups are";
pub(super) const SHARE: &str = "share groups are not available";
pub(super) const STREAMS: &str = "streams groups are not available, only classic groups are";
pub(super) const TRANSACTIONS: &str = "transactions are not available yet";
pub(super) const REMOTE: &str = "tiered storage is not available";
pub(super) const TLS: &str = "TLS is not available yet, only PLAINTEXT is";
pub(super) const SASL: &str = "SASL authentication is not available yet";
pub(super) const AUTHORIZER: &str =
    "there is no authorizer yet, and running open in its place would be unsafe";
pub(super) const TOKENS: &str = "delegation tokens are not available";
pub(super) const CLASS: &str = "Java classes cannot be loaded";
