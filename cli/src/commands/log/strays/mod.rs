//! `barnabas log strays`: logs whose topic or partition etcd does not have, as after a restore from
//! a backup that is older than they are, or after a topic's key was deleted by mistake.
//!
//! Brokers report such logs to etcd, where these commands find them, and keep them until they are
//! adopted or deleted here. The brokers run meanwhile: a topic may have its partitions on many of
//! them.

mod adopt;
mod delete;
mod list;
mod survey;
#[cfg(test)]
mod tests;

use anyhow::bail;
use barnabas_coordinator_client::{Txn, TxnOutcome};
use clap::{Args, Subcommand};

use self::survey::{Survey, Topic};
use crate::commands::connect::block_on;
use crate::commands::etcd::Etcd;

/// `barnabas log strays`.
#[derive(Debug, Args)]
pub(super) struct StraysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the logs that running brokers keep although the cluster does not know them.
    List(list::ListArgs),
    /// Make the cluster know them again, with all their records.
    Adopt(adopt::AdoptArgs),
    /// Have the brokers delete them.
    Delete(delete::DeleteArgs),
}

/// Which topics a command is about.
#[derive(Clone, Debug, Args)]
struct TopicArgs {
    /// The topic, by name or id; may be repeated.
    #[arg(long = "topic", value_name = "TOPIC", required_unless_present = "all")]
    topics: Vec<String>,
    /// All topics with stray logs.
    #[arg(long, conflicts_with = "topics")]
    all: bool,
}

/// Runs `barnabas log strays`.
pub(super) fn run(args: StraysArgs) -> anyhow::Result<()> {
    block_on(async {
        match args.action {
            Action::List(args) => list::run(&args).await,
            Action::Adopt(args) => adopt::run(&args).await,
            Action::Delete(args) => delete::run(&args).await,
        }
    })
}

impl TopicArgs {
    /// The topics of a survey that are meant.
    fn select<'a>(&self, survey: &'a Survey) -> anyhow::Result<Vec<&'a Topic>> {
        if self.all {
            return Ok(survey.topics.iter().collect());
        }
        self.topics.iter().map(|wanted| find(survey, wanted)).collect()
    }
}

fn find<'a>(survey: &'a Survey, wanted: &str) -> anyhow::Result<&'a Topic> {
    let is_meant = |topic: &&Topic| topic.id.to_kafka_string() == wanted || topic.name == wanted;
    let mut found = survey.topics.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(topic), None) => Ok(topic),
        (Some(_), Some(_)) => bail!(
            "several topics with stray logs are called {wanted}; give the id, which `barnabas log strays list` prints"
        ),
        (None, _) => bail!(
            "no running broker has stray logs of {wanted}; `barnabas log strays list` prints those there are"
        ),
    }
}

/// Writes transactions in order, each only if nothing that it rests on has changed since the
/// survey.
async fn write(etcd: &Etcd, txns: Vec<Txn>) -> anyhow::Result<()> {
    for txn in txns {
        if let TxnOutcome::Conflict { .. } = etcd.client.txn_recognised(txn).await? {
            bail!(
                "the cluster's state changed meanwhile; run the command again, it goes on where it stopped"
            );
        }
    }
    Ok(())
}
