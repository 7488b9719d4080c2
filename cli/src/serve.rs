//! Runs a broker in this process until a signal ends it.

mod signals;

use std::time::Instant;

use anyhow::Context;
use barnabas_broker::config::{BrokerConfig, Warning};
use barnabas_broker::node::{self, Running};

use self::signals::Signals;
use crate::logging;

/// Starts the broker, calls `started`, and serves until a signal or a failure ends it.
pub(crate) fn run(
    config: BrokerConfig,
    warnings: &[Warning],
    started: impl FnOnce(&Running),
) -> anyhow::Result<()> {
    barnabas_broker::log::alloc::keep_heap();
    let log_levels = logging::init();
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
        let mut signals = Signals::listen()?;
        let mut running = tokio::select! {
            // Without its sources: the message contains the cause already.
            running = node::start(config, log_levels) => running.map_err(anyhow::Error::msg)?,
            signal = signals.stop() => {
                tracing::info!(signal, "told to stop while starting");
                return Ok(());
            }
        };
        let id = running.broker.id;
        tracing::info!(broker = %id, cluster = %running.broker.cluster_id, "Kafka Server started");
        started(&running);
        let failure = tokio::select! {
            signal = signals.stop() => {
                tracing::info!(broker = %id, signal, "shutting down");
                None
            }
            failure = running.failed() => Some(failure),
        };
        if let Some(error) = &failure {
            tracing::error!(broker = %id, %error, "this broker cannot go on, shutting down");
        }
        let began = now();
        running.shutdown().await;
        let took_ms = began.elapsed().as_millis() as u64;
        tracing::info!(broker = %id, took_ms, "shut down");
        failure.map_or(Ok(()), |failure| Err(anyhow::Error::msg(failure)))
    })
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
