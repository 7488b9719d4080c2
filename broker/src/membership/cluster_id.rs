//! The cluster's id: the first broker makes it, all others read it.

use barnabas_coordinator_client::{Client, Error, Expect, Txn, TxnOutcome};
use barnabas_protocol::state::ids::ClusterUuid;
use barnabas_protocol::state::values::ClusterId;
use barnabas_protocol::state::{Keys, StateError, StateValue, from_json, to_json};

use super::{BrokenLineage, RegistrationError};

/// Finds the cluster's id, or founds the cluster with `proposed`. `known` is the one in the data directory.
///
/// # Errors
/// Where etcd holds another cluster than the data directory, or none although the directory knows one.
pub async fn cluster_id(
    client: &Client,
    keys: &Keys,
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
            let value = ClusterId { version: ClusterId::VERSION, id: proposed.to_kafka_string() };
            let txn =
                Txn::new().expect(key.clone(), Expect::Absent).put(key.clone(), to_json(&value));
            match client.txn_recognised(txn).await? {
                TxnOutcome::Committed { .. } => return Ok(proposed),
                TxnOutcome::Conflict { .. } => client.get(&key).await?.ok_or_else(|| {
                    Error::Unavailable("the cluster's id changes while it is read".to_owned())
                })?,
            }
        }
    };
    let text = from_json::<ClusterId>(&found.value)?.id;
    match (ClusterUuid::from_kafka_string(&text), known) {
        (Ok(id), None) => Ok(id),
        (Ok(id), Some(known)) if id == known => Ok(id),
        (_, Some(known)) => Err(other_cluster(known, text)),
        (Err(_), None) => {
            let reason = format!("not a cluster id: {text:?}");
            Err(StateError::Invalid { name: ClusterId::NAME, reason }.into())
        }
    }
}

fn other_cluster(known: ClusterUuid, found: String) -> RegistrationError {
    BrokenLineage::OtherCluster { known: known.to_kafka_string(), found }.into()
}
