//! `barnabas consume` and `kafka-console-consumer`: records to standard output.

mod chosen;
mod deserializer;
mod format;
mod membership;
mod options;
mod partitions;
mod session;
mod settings;
mod start;

use std::ffi::OsString;
use std::future;
use std::io;
use std::os::fd::AsFd;

use clap::Parser;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use self::options::ConsumeArgs;
use self::session::Session;
use super::connect::block_on;
use crate::command_line::parse_as_kafka;

/// Print the records of a topic.
#[derive(Debug, Parser)]
#[command(name = "kafka-console-consumer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ConsumeArgs,
}

/// Runs `kafka-console-consumer`.
pub(crate) fn run_console(arguments: &[OsString]) -> anyhow::Result<()> {
    run(parse_as_kafka::<Console>(arguments).args)
}

/// Runs `barnabas consume`.
pub(crate) fn run(args: ConsumeArgs) -> anyhow::Result<()> {
    let (settings, cluster) = args.settings()?;
    block_on(async {
        let mut session = tokio::select! {
            begun = Session::new(cluster, &args, settings) => begun?,
            // Nothing was read, and no group was joined.
            stopped = stopped() => return stopped,
        };
        let outcome = tokio::select! {
            outcome = session.read() => outcome,
            stopped = stopped() => stopped,
            () = nobody_reads() => Ok(()),
        };
        tokio::select! {
            finished = session.finish(outcome) => finished,
            // Whoever stops it a second time does not want to wait for the cluster.
            stopped = stopped() => stopped,
        }
    })
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        _ = terminated.recv() => Ok(()),
    }
}

/// Waits until the other end of the output pipe is closed (`| head -1`): without a record to write,
/// that would not be noticed.
async fn nobody_reads() {
    let pipe = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match pipe {
        // Only an error of the other end is waited for: nothing is written through this.
        Ok(pipe) if pipe.ready(Interest::ERROR).await.is_ok() => {}
        // A file, or closed from the start.
        _ => future::pending().await,
    }
}
