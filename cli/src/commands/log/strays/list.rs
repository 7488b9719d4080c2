//! `barnabas log strays list`.

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::survey::Survey;
use crate::commands::etcd::EtcdArgs;
use crate::output::{self, Format};

/// Options of `barnabas log strays list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  barnabas log strays list --config server.properties -o json")]
pub(super) struct ListArgs {
    /// How to print.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    etcd: EtcdArgs,
}

pub(super) async fn run(args: &ListArgs) -> anyhow::Result<()> {
    let etcd = args.etcd.connect().await?;
    let (survey, _) = Survey::read(&etcd).await?;
    match args.output {
        Format::Json => output::line(format_args!("{:#}", json(&survey)))?,
        Format::Table if survey.topics.is_empty() => {
            output::note("no running broker has stray logs");
        }
        Format::Table => output::line(table(&survey).trim_fmt())?,
    }
    Ok(())
}

fn table(survey: &Survey) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["TOPIC", "TOPIC ID", "PARTITION", "BROKER", "OFFSETS", "REASON"]);
    for topic in &survey.topics {
        for log in &topic.logs {
            table.add_row([
                topic.name.clone(),
                topic.id.to_kafka_string(),
                log.partition.to_string(),
                log.broker.to_string(),
                format!("{}..{}", log.value.log_start, log.value.log_end),
                topic.reason(log),
            ]);
        }
    }
    table
}

pub(super) fn json(survey: &Survey) -> Value {
    let topics = survey.topics.iter().map(|topic| {
        let logs = topic.logs.iter().map(|log| {
            json!({
                "partition": log.partition.0,
                "broker": log.broker.0,
                "log_start": log.value.log_start,
                "log_end": log.value.log_end,
                "leader_epoch": log.value.leader_epoch,
                "reason": topic.reason(log),
            })
        });
        json!({
            "topic": topic.name,
            "topic_id": topic.id.to_kafka_string(),
            "partitions": topic.partitions,
            "logs": logs.collect::<Vec<_>>(),
        })
    });
    json!({ "topics": topics.collect::<Vec<_>>() })
}
