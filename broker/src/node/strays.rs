//! Reports this broker's stray logs in etcd (`/brokers/strays/`), for `barnabas log strays`. The
//! reports hang on the registration's lease: they say what running brokers have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use barnabas_coordinator_client::{CreateRevision, Expect, Txn, TxnError, TxnOutcome};
use barnabas_protocol::state::values::StrayLog;
use barnabas_protocol::state::{StateValue, to_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::local_logs::LocalLogs;
use crate::membership::Registration;
use crate::partition::table::{Stray, Strays};

/// Pause after reports that could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// Reports in one transaction.
const REPORTS_PER_TXN: usize = 100;

/// Keeps the reports as the broker's stray logs are.
pub(crate) struct StrayReporter {
    pub(crate) logs: LocalLogs,
    pub(crate) strays: watch::Receiver<Strays>,
}

/// What is reported under one registration.
#[derive(Default)]
struct Reported {
    registration: Option<Registration>,
    strays: Strays,
}

impl StrayReporter {
    /// Reports until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut reported = Reported::default();
        loop {
            let registration = *self.logs.member.registration.borrow_and_update();
            let strays = self.strays.borrow_and_update().clone();
            if reported.registration != registration {
                reported = Reported { registration, strays: Strays::new() };
            }
            let complete = match registration {
                Some(registration) => {
                    self.report(registration, &strays, &mut reported.strays).await
                }
                None => true,
            };
            tokio::select! {
                () = stop.cancelled() => return,
                changed = self.logs.member.registration.changed() => if changed.is_err() { return },
                changed = self.strays.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if !complete => {}
            }
        }
    }

    /// Writes what differs between `strays` and what is reported. False when some of it is not
    /// written.
    async fn report(
        &self,
        registration: Registration,
        strays: &Strays,
        reported: &mut Strays,
    ) -> bool {
        let new = strays.iter().filter(|(place, stray)| reported.get(place) != Some(stray));
        let gone = reported.keys().filter(|place| !strays.contains_key(place));
        let places: BTreeSet<_> = new.map(|(place, _)| place).chain(gone).copied().collect();
        announce(strays, reported);
        let places: Vec<_> = places.into_iter().collect();
        for chunk in places.chunks(REPORTS_PER_TXN) {
            let current = Expect::CreateRevision(CreateRevision(registration.epoch.0));
            let mut txn =
                Txn::new().expect(self.logs.member.keys.broker(self.logs.member.broker), current);
            for place in chunk {
                let key = self.logs.member.keys.stray(self.logs.member.broker, place.0, place.1);
                txn = match strays.get(place) {
                    Some(stray) => {
                        let value = to_json(&value(stray, registration));
                        txn.put_leased(key, value, registration.lease)
                    }
                    None => txn.delete(key),
                };
            }
            match self.logs.member.client.txn(txn).await {
                Ok(TxnOutcome::Committed { .. }) => {}
                // Another registration follows, or the process ends.
                Ok(TxnOutcome::Conflict { .. }) => return true,
                Err(error @ (TxnError::Indeterminate(_) | TxnError::Unavailable(_))) => {
                    tracing::warn!(%error, "cannot report stray logs; trying again");
                    return false;
                }
                Err(TxnError::Rejected(rejection)) => {
                    tracing::error!(%rejection, "etcd refuses the report of stray logs");
                    return false;
                }
            }
            for place in chunk {
                match strays.get(place) {
                    Some(stray) => drop(reported.insert(*place, stray.clone())),
                    None => drop(reported.remove(place)),
                }
            }
        }
        true
    }
}

/// Says once which topics have stray logs here.
fn announce(strays: &Strays, reported: &Strays) {
    let mut topics = BTreeMap::<_, usize>::new();
    for place in strays.keys().filter(|place| !reported.contains_key(place)) {
        *topics.entry(place.0).or_default() += 1;
    }
    for (topic_id, partitions) in topics {
        let names = strays.iter().find(|((id, _), _)| *id == topic_id);
        let topic = names.and_then(|(_, stray)| stray.acted_on.as_ref()).map(|a| a.topic.as_str());
        tracing::warn!(
            topic = topic.unwrap_or("unknown"), topic_id = %topic_id.to_kafka_string(), partitions,
            "the cluster does not know these logs, which this broker keeps; see `barnabas log strays list`"
        );
    }
}

fn value(stray: &Stray, registration: Registration) -> StrayLog {
    let acted_on = stray.acted_on.as_deref();
    StrayLog {
        version: StrayLog::VERSION,
        topic: acted_on.map(|a| a.topic.clone()).unwrap_or_default(),
        partitions: acted_on.map_or(0, |a| a.partitions),
        broker_epoch: registration.epoch.0,
        partition_epoch: acted_on.map_or(0, |a| a.partition_epoch.0),
        leader_epoch: acted_on.map_or(-1, |a| a.leader_epoch.0),
        log_start: stray.log_start.0,
        log_end: stray.end.0,
    }
}
