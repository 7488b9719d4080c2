//! Runs a broker in this process until a signal ends it.

use anyhow::Context;
use barnabas_broker::config::{BrokerConfig, Warning};
use barnabas_broker::server::{self, Running};
use tokio::signal::unix::{SignalKind, signal};

use crate::logging;

/// Starts the broker, tells `started`, and serves until SIGINT or SIGTERM, or until it cannot go on.
pub(crate) fn run(
    config: BrokerConfig,
    warnings: &[Warning],
    started: impl FnOnce(&Running),
) -> anyhow::Result<()> {
    barnabas_broker::log::alloc::keep_heap();
    logging::init();
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("barnabas")
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut running = tokio::select! {
            // Its message names the cause already.
            running = server::start(config) => running.map_err(anyhow::Error::msg)?,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
        };
        let id = running.broker.id;
        tracing::info!(broker = %id, cluster = %running.broker.cluster_id, "Kafka Server started");
        started(&running);
        let failure = tokio::select! {
            _ = interrupt.recv() => None,
            _ = terminate.recv() => None,
            failure = running.failed() => Some(failure),
        };
        if let Some(error) = &failure {
            tracing::error!(broker = %id, %error, "this broker cannot go on");
        }
        tracing::info!(broker = %id, "shutting down");
        running.shutdown().await;
        tracing::info!(broker = %id, "shut down");
        failure.map_or(Ok(()), |failure| Err(anyhow::Error::msg(failure)))
    })
}
