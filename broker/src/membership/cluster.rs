//! The cluster that this broker is part of: its id, and the settings that all its brokers must
//! agree on. The first broker writes them to etcd; every later one compares, and does not start
//! with others.

use barnabas_coordinator_client::{Client, Error, Expect, Txn, TxnOutcome};
use barnabas_protocol::state::ids::ClusterUuid;
use barnabas_protocol::state::values::Cluster;
use barnabas_protocol::state::{Keys, StateError, StateValue, from_json, to_json};

use super::{BrokenLineage, RegistrationError};

/// Version of all formats in etcd and between brokers together.
const FORMAT_LEVEL: u32 = 1;

/// What all brokers of a cluster must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// `offsets.topic.num.partitions`: shards of the group coordinators.
    pub group_shards: usize,
    /// `transaction.state.log.num.partitions`: shards of the transaction coordinators.
    pub transaction_shards: usize,
    /// `min.insync.replicas` as the brokers are started with.
    pub min_insync_replicas: usize,
}

/// This broker cannot be part of the cluster, because it is set up differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// A key of the configuration.
    #[error(
        "{key} is {own} on this broker, but its cluster was created with {found}, and all brokers must agree: set \
         {key}={found}{remark}"
    )]
    Setting {
        /// The configuration key.
        key: &'static str,
        /// Its value on this broker.
        own: usize,
        /// Its value in etcd.
        found: usize,
        /// How to change it for all, if that is possible.
        remark: &'static str,
    },
    /// The formats.
    #[error(
        "the cluster uses format level {found}, this version of Barnabas knows level {FORMAT_LEVEL}: start the version \
         that the other brokers run"
    )]
    Format {
        /// The level in etcd.
        found: u32,
    },
}

impl ClusterSettings {
    fn check(&self, found: &Cluster) -> Result<(), Disagreement> {
        if found.format_level != FORMAT_LEVEL {
            return Err(Disagreement::Format { found: found.format_level });
        }
        let dynamic = ", and change it for all brokers together while they run: kafka-configs --alter --entity-type \
                       brokers --entity-default --add-config min.insync.replicas=...";
        let agree = |key, own: usize, found: i32, remark| {
            let found = usize::try_from(found).unwrap_or(0);
            let disagreement = Disagreement::Setting { key, own, found, remark };
            if own == found { Ok(()) } else { Err(disagreement) }
        };
        let transactions = "transaction.state.log.num.partitions";
        agree("offsets.topic.num.partitions", self.group_shards, found.group_shards, "")?;
        agree(transactions, self.transaction_shards, found.transaction_shards, "")?;
        agree("min.insync.replicas", self.min_insync_replicas, found.min_insync_replicas, dynamic)
    }

    fn with_id(&self, id: ClusterUuid) -> Cluster {
        // The configuration holds them in 32 bits.
        let number = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        Cluster {
            version: Cluster::VERSION,
            id: id.to_kafka_string(),
            format_level: FORMAT_LEVEL,
            group_shards: number(self.group_shards),
            transaction_shards: number(self.transaction_shards),
            min_insync_replicas: number(self.min_insync_replicas),
        }
    }
}

/// Finds the cluster and compares its settings, or founds it with the id `proposed` and these
/// settings. `known` is the id in the data directory.
///
/// # Errors
/// Where etcd holds another cluster than the data directory, or none although the directory knows
/// one, or other settings.
pub async fn join_cluster(
    client: &Client,
    keys: &Keys,
    settings: &ClusterSettings,
    known: Option<ClusterUuid>,
    proposed: ClusterUuid,
) -> Result<ClusterUuid, RegistrationError> {
    let key = keys.cluster_id();
    let found = match (client.get(&key).await?, known) {
        (Some(kv), _) => kv,
        (None, Some(known)) => {
            return Err(other_cluster(known, "no cluster".to_owned()));
        }
        (None, None) => {
            let value = to_json(&settings.with_id(proposed));
            let txn = Txn::new().expect(key.clone(), Expect::Absent).put(key.clone(), value);
            match client.txn_recognised(txn).await? {
                TxnOutcome::Committed { .. } => return Ok(proposed),
                TxnOutcome::Conflict { .. } => client.get(&key).await?.ok_or_else(|| {
                    Error::Unavailable("the cluster's id changes while it is read".to_owned())
                })?,
            }
        }
    };
    let found: Cluster = from_json(&found.value)?;
    let id = match (ClusterUuid::from_kafka_string(&found.id), known) {
        (Ok(id), None) => id,
        (Ok(id), Some(known)) if id == known => id,
        (_, Some(known)) => return Err(other_cluster(known, found.id)),
        (Err(_), None) => {
            let reason = format!("not a cluster id: {:?}", found.id);
            return Err(StateError::Invalid { name: Cluster::NAME, reason }.into());
        }
    };
    settings.check(&found)?;
    Ok(id)
}

fn other_cluster(known: ClusterUuid, found: String) -> RegistrationError {
    BrokenLineage::OtherCluster { known: known.to_kafka_string(), found }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: ClusterSettings =
        ClusterSettings { group_shards: 50, transaction_shards: 50, min_insync_replicas: 1 };

    #[test]
    fn a_broker_with_other_settings_is_told_key_and_values() {
        let found = OURS.with_id(ClusterUuid::default());
        assert_eq!(OURS.check(&found), Ok(()));
        let says = |own: ClusterSettings| own.check(&found).unwrap_err().to_string();
        let groups = says(ClusterSettings { group_shards: 10, ..OURS });
        assert_eq!(
            groups,
            "offsets.topic.num.partitions is 10 on this broker, but its cluster was created with 50, and all brokers \
             must agree: set offsets.topic.num.partitions=50"
        );
        let transactions = says(ClusterSettings { transaction_shards: 3, ..OURS });
        assert!(transactions.starts_with("transaction.state.log.num.partitions is 3"));
        let min_isr = says(ClusterSettings { min_insync_replicas: 2, ..OURS });
        assert!(min_isr.contains("set min.insync.replicas=1, and change it for all"), "{min_isr}");
    }

    #[test]
    fn another_format_level_is_refused_before_anything_else() {
        let found = Cluster {
            format_level: FORMAT_LEVEL + 1,
            group_shards: 3,
            ..OURS.with_id(ClusterUuid::default())
        };
        assert_eq!(OURS.check(&found), Err(Disagreement::Format { found: FORMAT_LEVEL + 1 }));
    }
}
