//! Starts what requests need, and then lets them in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::applier::Applier;
use super::deletions::Deletions;
use super::join::Membership;
use super::local_logs::LocalLogs;
use super::open::{Opened, OpenedStore};
use super::restores::{Restores, watch_for_jumps};
use super::stop::Files;
use super::strays::StrayReporter;
use super::{Running, StartError};
use crate::api::context::Api;
use crate::broker::Broker;
use crate::config::{BrokerConfig, Listener};
use crate::controller::ProducerIdAllocator;
use crate::coordinator::CoordinatorParts;
use crate::failure::{Failing, Failures};
use crate::group::GroupManager;
use crate::log::{Health, Store, StoreFault};
use crate::membership::seen::PAUSE;
use crate::membership::{ClusterMember, LifeFile, Lineage};
use crate::metadata::{Image, ImageHandle, ImagePublisher};
use crate::net::listener::{self, ListenerSettings};
use crate::partition::maintenance;
use crate::partition::table::{PartitionTable, Strays};
use crate::telemetry::LogLevels;

/// How long requests are kept waiting at the start for a controller that does not come: its
/// predecessor's lease may have to run out first.
const ELECTION: Duration = Duration::from_secs(2);

pub(super) async fn serve(
    config: Arc<BrokerConfig>,
    opened: Opened,
    membership: Membership,
    log_levels: Arc<LogLevels>,
    failing: Failing,
    mut failures: Failures,
) -> Result<Running, StartError> {
    let Opened { sockets, client, keys: _, data, rotated, meta, seen_file, seen } = opened;
    let OpenedStore { store, recovered, life, .. } = data;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let partitions = Arc::new(PartitionTable::new(config.broker_id, store.clone(), recovered));
    let logs = LocalLogs {
        member: membership.member.clone(),
        table: Arc::clone(&partitions),
        store: store.clone(),
    };
    let lineage = Lineage::new(Str::from(meta.cluster_id.as_str()), seen.revision);
    let (effective, served) =
        follow_cluster(&config, logs, lineage, &membership, (&failing, &tasks, &stop));
    let member = ClusterMember { image: served.clone(), ..membership.member.clone() };
    let announcing = member.clone().announce_ready(stop.clone());
    tasks.spawn(failing.clone().needs("the broker's announcement", announcing));
    until_ready(&served, &membership, &config, &mut failures).await?;
    tasks.spawn(Arc::clone(&seen_file).follow(served.updates(), PAUSE, stop.clone()));
    let maintaining = maintenance::run(
        Arc::clone(&partitions),
        store.clone(),
        Arc::clone(&effective),
        rotated,
        stop.clone(),
    );
    look_after_log(&store, &life, maintaining, &failing, &tasks, &stop);
    let groups = GroupManager::start(CoordinatorParts {
        member: member.clone(),
        shards: config.offsets_topic_num_partitions,
        session: membership.registrar.session(),
        config: Arc::clone(&effective),
        tasks: tasks.clone(),
        stop: stop.clone(),
        failing: failing.clone(),
    });
    let broker = Arc::new(Broker {
        id: config.broker_id,
        cluster_id: Str::from(meta.cluster_id.as_str()),
        effective,
        served,
        controller: membership.controller.handle(),
        producer_ids: ProducerIdAllocator::new(member.clone()),
        partitions,
        store,
        groups,
        log_levels,
        member,
    });
    let addresses = accept(&broker, &config, sockets, &tasks, &stop)?;
    let files = Files { seen: seen_file, life };
    Ok(Running {
        broker,
        addresses,
        client,
        embedded: None,
        membership,
        files,
        failures,
        stop,
        tasks,
    })
}

/// Starts acting on images. Returns the configuration and the image that requests see.
fn follow_cluster(
    config: &Arc<BrokerConfig>,
    logs: LocalLogs,
    lineage: Lineage,
    membership: &Membership,
    (failing, tasks, stop): (&Failing, &TaskTracker, &CancellationToken),
) -> (Arc<ArcSwap<BrokerConfig>>, ImageHandle) {
    let effective = Arc::new(ArcSwap::new(Arc::clone(config)));
    let (publisher, served) = ImagePublisher::new(Image::default());
    let (strays, stray_logs) = watch::channel(Strays::new());
    let applier = Applier {
        client: logs.member.client.clone(),
        keys: logs.member.keys.clone(),
        partitions: Arc::clone(&logs.table),
        started_with: Arc::clone(config),
        effective: Arc::clone(&effective),
        served: publisher,
        lineage,
        restores: Restores { logs: logs.clone() },
        deletions: Deletions { logs: logs.clone() },
        strays,
        failing: failing.clone(),
    };
    tasks.spawn(watch_for_jumps(logs.member.client.clone(), failing.clone(), stop.clone()));
    let reporting = StrayReporter { logs, strays: stray_logs }.run(stop.clone());
    tasks.spawn(failing.clone().needs("the report of stray logs", reporting));
    let applying = applier.run(membership, stop.clone());
    tasks.spawn(failing.clone().needs("taking over the state of the cluster", applying));
    (effective, served)
}

/// Starts what the log needs by itself: `maintaining` is for what is in it.
fn look_after_log(
    store: &Store,
    life: &Arc<LifeFile>,
    maintaining: impl Future<Output = ()> + Send + 'static,
    failing: &Failing,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    tasks.spawn(failing.clone().needs("retention", maintaining));
    let flushing = maintenance::flush(store.clone(), stop.clone());
    tasks.spawn(failing.clone().needs("the timed flush", flushing));
    tasks.spawn(watch_log(store.fault(), Arc::clone(life), failing.clone(), stop.clone()));
}

/// The log takes nothing until a restart.
#[derive(Debug, thiserror::Error)]
#[error("{0}; look at the disk of log.dirs before you start this broker again")]
struct LogFailed(StoreFault);

/// Ends the broker when its log has failed, as the last log directory of a Kafka broker does:
/// others can then lead its partitions. A full disk recovers by itself, so the broker goes on; with
/// a damaged file, it goes on to serve what can be read.
async fn watch_log(
    mut health: watch::Receiver<Health>,
    life: Arc<LifeFile>,
    failing: Failing,
    stop: CancellationToken,
) {
    let failed = async {
        let failed = health.wait_for(|health| health.check().is_err_and(|fault| fault.is_final()));
        failed.await.ok().and_then(|health| health.check().err())
    };
    tokio::select! {
        () = stop.cancelled() => {}
        Some(fault) = failed => {
            // The next start must not take this end for one that lost nothing.
            let noted = tokio::task::spawn_blocking(move || life.lost()).await;
            if !matches!(noted, Ok(Ok(()))) {
                tracing::error!("cannot note that the log has failed: acknowledged records may be missing at the next start");
            }
            failing.report(LogFailed(fault));
        }
    }
}

/// Waits until requests would find this broker ready in the image, and for a while until they would
/// find a controller. etcd may be slow to come.
async fn until_ready(
    served: &ImageHandle,
    membership: &Membership,
    config: &BrokerConfig,
    failures: &mut Failures,
) -> Result<(), StartError> {
    let epoch = membership.registration.epoch;
    let ready = |image: &Image| {
        let shown = image.brokers.get(&config.broker_id);
        shown.is_some_and(|broker| broker.epoch >= epoch && broker.ready)
    };
    tokio::select! {
        failure = failures.recv() => return Err(failure.into()),
        ready = served.wait_until(ready) => ready.map_err(|_| StartError::Stopped)?,
    };
    // Without a controller what clients ask of it is refused, which some do not take for a reason
    // to try again.
    let elected = served.wait_until(|image| image.controller.is_some());
    if tokio::time::timeout(ELECTION, elected).await.is_err() {
        tracing::warn!(
            "no controller is elected yet; topics and configurations cannot be changed until then"
        );
    }
    Ok(())
}

fn accept(
    broker: &Arc<Broker>,
    config: &BrokerConfig,
    sockets: Vec<(Listener, TcpListener)>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<(Arc<str>, SocketAddr)>, StartError> {
    let settings = ListenerSettings::new(config);
    let api = Arc::new(Api::new(Arc::clone(broker), config));
    let mut addresses = Vec::with_capacity(sockets.len());
    for (listener, socket) in sockets {
        let address = socket
            .local_addr()
            .map_err(|source| StartError::Listen { address: listener.host.clone(), source })?;
        addresses.push((Arc::clone(&listener.name), address));
        let accepting = listener::run(
            socket,
            listener.name,
            Arc::clone(&api),
            settings.clone(),
            tasks.clone(),
            stop.clone(),
        );
        tasks.spawn(accepting);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::DirCondition;

    #[tokio::test]
    async fn a_log_that_has_failed_ends_the_broker_and_a_full_disk_does_not() {
        let health = watch::Sender::new(Health::Healthy);
        let (failing, mut failures) = Failing::channel();
        let dir = tempfile::tempdir().expect("a directory");
        let found = DirCondition {
            is_new: true,
            is_copy: false,
            keeps_unsynced: false,
            wal_is_whole: true,
        };
        let life = Arc::new(LifeFile::judge(dir.path(), found).expect("writable"));
        tokio::spawn(watch_log(health.subscribe(), life, failing, CancellationToken::new()));
        health.send_replace(Health::DiskFull);
        tokio::task::yield_now().await;
        assert!(failures.try_recv().is_err());
        health.send_replace(Health::Failed("EIO".into()));
        let failure = failures.recv().await.map(|failure| failure.to_string());
        assert!(failure.is_some_and(|failure| failure.starts_with("store failed: EIO;")));
    }
}
