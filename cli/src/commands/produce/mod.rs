//! `barnabas produce` and `kafka-console-producer`: sends lines from standard input as records.

mod line;
mod options;
mod session;

use std::ffi::OsString;

use anyhow::bail;
use clap::Parser;

pub(crate) use self::options::{ProduceArgs, acks_of, compression_of};
use self::session::Session;
pub(crate) use self::session::now_ms;
use super::connect::block_on;
use crate::command_line::parse_as_kafka;

/// Write lines from standard input to a topic.
#[derive(Debug, Parser)]
#[command(name = "kafka-console-producer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ProduceArgs,
}

pub(crate) fn run_console(arguments: &[OsString]) -> anyhow::Result<()> {
    run(parse_as_kafka::<Console>(arguments).args)
}

pub(crate) fn run(args: ProduceArgs) -> anyhow::Result<()> {
    let (settings, cluster) = args.settings()?;
    block_on(async {
        let partitions = cluster.topic(&args.topic, true).await?.len();
        if let Some(one) = args.partition.filter(|one| !(0..partitions as i32).contains(one)) {
            bail!("{} has no partition {one}: it has {partitions}, from 0", args.topic);
        }
        Session { cluster: &cluster, args: &args, settings, partitions, turn: 0 }.run().await
    })
}
