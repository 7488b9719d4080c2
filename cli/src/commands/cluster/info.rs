//! `barnabas cluster info`: a summary of the cluster's metadata.

use barnabas_protocol::kafka::messages::MetadataResponse;
use clap::Args;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::{self, Format};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  barnabas cluster info --bootstrap-server 127.0.0.1:9092 -o json"
)]
pub(super) struct InfoArgs {
    /// Output format.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) fn run(args: &InfoArgs) -> anyhow::Result<()> {
    block_on(async {
        let info = Info::new(&args.connect.cluster()?.metadata(None).await?);
        match args.output {
            Format::Table => output::line(info.table())?,
            Format::Json => output::json(&info.json())?,
        }
        Ok(())
    })
}

#[derive(Debug, Default)]
struct Info {
    cluster_id: String,
    /// None while there is no controller.
    controller: Option<i32>,
    brokers: Vec<Broker>,
    topics: usize,
    partitions: usize,
    /// As `topic-partition`.
    without_leader: Vec<String>,
    /// As `topic-partition`.
    under_replicated: Vec<String>,
}

#[derive(Debug)]
struct Broker {
    id: i32,
    endpoint: String,
    rack: Option<String>,
    leads: usize,
    replicas: usize,
}

impl Info {
    fn new(metadata: &MetadataResponse) -> Self {
        let partitions = || metadata.topics.iter().flat_map(|topic| &topic.partitions);
        let brokers = metadata.brokers.iter().map(|broker| Broker {
            id: broker.node_id,
            endpoint: format!("{}:{}", broker.host, broker.port),
            rack: broker.rack.as_ref().map(ToString::to_string),
            leads: partitions().filter(|p| p.leader_id == broker.node_id).count(),
            replicas: partitions().filter(|p| p.replica_nodes.contains(&broker.node_id)).count(),
        });
        let mut info = Self {
            cluster_id: metadata.cluster_id.as_deref().unwrap_or_default().to_owned(),
            controller: Some(metadata.controller_id).filter(|id| *id >= 0),
            brokers: brokers.collect(),
            topics: metadata.topics.len(),
            partitions: partitions().count(),
            ..Self::default()
        };
        info.brokers.sort_by_key(|broker| broker.id);
        for topic in &metadata.topics {
            for partition in &topic.partitions {
                let name = || {
                    let topic = topic.name.as_deref().unwrap_or_default();
                    format!("{topic}-{}", partition.partition_index)
                };
                if partition.leader_id < 0 {
                    info.without_leader.push(name());
                }
                if partition.isr_nodes.len() < partition.replica_nodes.len() {
                    info.under_replicated.push(name());
                }
            }
        }
        info
    }

    fn table(&self) -> String {
        let controller =
            self.controller.map_or_else(|| "none".to_owned(), |id| format!("broker {id}"));
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["BROKER", "ENDPOINT", "RACK", "LEADS", "REPLICAS"]);
        for broker in &self.brokers {
            let rack = broker.rack.as_deref().unwrap_or("-");
            let (leads, replicas) = (broker.leads.to_string(), broker.replicas.to_string());
            table.add_row([&broker.id.to_string(), &broker.endpoint, rack, &leads, &replicas]);
        }
        format!(
            "Cluster           {}\nController        {controller}\nTopics            {}\n\
             Partitions        {}\nWithout leader    {}\nUnder-replicated  {}\n\n{}",
            self.cluster_id,
            self.topics,
            self.partitions,
            some(&self.without_leader),
            some(&self.under_replicated),
            table.trim_fmt(),
        )
    }

    fn json(&self) -> Value {
        let broker = |b: &Broker| {
            let (leads, replicas) = (b.leads, b.replicas);
            json!({ "id": b.id, "endpoint": b.endpoint, "rack": b.rack, "leads": leads, "replicas": replicas })
        };
        json!({
            "cluster_id": self.cluster_id,
            "controller": self.controller,
            "brokers": self.brokers.iter().map(broker).collect::<Vec<_>>(),
            "topics": self.topics,
            "partitions": self.partitions,
            "partitions_without_leader": self.without_leader,
            "under_replicated_partitions": self.under_replicated,
        })
    }
}

/// The number of names, and the first few of them.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len() {
        0 => "0".to_owned(),
        n if n <= SHOWN => format!("{n} ({})", names.join(", ")),
        n => format!("{n} ({}, ...)", names[..SHOWN].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::Str;
    use barnabas_protocol::kafka::messages::metadata::{
        MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    };

    use super::*;

    fn cluster() -> Info {
        let partition = |partition_index, leader_id, isr: &[i32]| MetadataResponsePartition {
            partition_index,
            leader_id,
            replica_nodes: vec![1, 2],
            isr_nodes: isr.to_vec(),
            ..MetadataResponsePartition::default()
        };
        let broker = |node_id| MetadataResponseBroker {
            node_id,
            host: Str::from("h"),
            port: 9000 + node_id,
            rack: Some(Str::from("a")).filter(|_| node_id == 2),
        };
        Info::new(&MetadataResponse {
            cluster_id: Some(Str::from("c")),
            controller_id: 2,
            brokers: vec![broker(2), broker(1)],
            topics: vec![MetadataResponseTopic {
                name: Some(Str::from("t")),
                partitions: vec![
                    partition(0, 1, &[1, 2]),
                    partition(1, -1, &[2]),
                    partition(2, 2, &[2]),
                ],
                ..MetadataResponseTopic::default()
            }],
            ..MetadataResponse::default()
        })
    }

    #[test]
    fn json_names_the_partitions_that_are_not_well() {
        let json = cluster().json();
        assert_eq!(json["controller"], 2);
        assert_eq!(json["partitions"], 3);
        assert_eq!(json["partitions_without_leader"], json!(["t-1"]));
        assert_eq!(json["under_replicated_partitions"], json!(["t-1", "t-2"]));
        let first =
            json!({ "id": 1, "endpoint": "h:9001", "rack": null, "leads": 1, "replicas": 3 });
        assert_eq!(json["brokers"][0], first);
    }

    #[test]
    fn table_sums_up() {
        let table = cluster().table();
        for part in ["Controller        broker 2", "Without leader    1 (t-1)", "h:9002", "RACK"] {
            assert!(table.contains(part), "{part} in {table}");
        }
        assert_eq!(Info::new(&MetadataResponse::default()).controller, None);
    }
}
