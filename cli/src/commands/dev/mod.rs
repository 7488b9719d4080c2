//! `barnabas dev`: a broker with its coordinator on this machine, without any set-up.

mod container;

use std::fmt::Write;

use anyhow::Context;
use barnabas_broker::config::{BrokerConfig, Preset, Sources};
use barnabas_broker::node::Running;
use clap::Args;

use crate::{environment, output, serve};

/// What `dev` sets unless the user sets something else.
const PRESETS: &[Preset] = &[
    Preset { key: "broker.id", value: "1", unless: &["node.id"] },
    Preset { key: "log.dirs", value: "./barnabas-data", unless: &["log.dir"] },
    Preset { key: "group.initial.rebalance.delay.ms", value: "0", unless: &[] },
];
const ON_A_MACHINE: &[Preset] =
    &[Preset { key: "listeners", value: "PLAINTEXT://127.0.0.1:9092", unless: &[] }];
/// A port that is mapped to the machine around a container arrives at an address of the container,
/// not at its 127.0.0.1; and clients on that machine have to be told `localhost`.
const IN_A_CONTAINER: &[Preset] = &[
    Preset { key: "listeners", value: "PLAINTEXT://:9092", unless: &[] },
    Preset {
        key: "advertised.listeners",
        value: "PLAINTEXT://localhost:9092",
        unless: &["listeners"],
    },
];

#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from the command line, then KAFKA_* environment variables, then \
    what this command sets: data is in ./barnabas-data, and the broker listens on 127.0.0.1:9092, or in \
    a container on all its addresses.\n\n\
    Example:\n  barnabas dev --override listeners=PLAINTEXT://127.0.0.1:19092"
)]
pub(crate) struct DevArgs {
    /// Sets one of Kafka's broker keys; may be repeated.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

pub(crate) fn run(args: DevArgs) -> anyhow::Result<()> {
    let container = container::sign();
    let mut sources = Sources::read(None, environment::variables(), &args.overrides)?;
    let listeners = if container.is_some() { IN_A_CONTAINER } else { ON_A_MACHINE };
    sources.presets = [PRESETS, listeners].concat();
    let loaded = BrokerConfig::from_sources(&sources);
    let (config, warnings) = loaded.context("the configuration cannot be used")?;
    let started_with = config.clone();
    serve::run(config, &warnings, move |running| {
        // Nobody has to read it.
        let _ = output::line(banner(&started_with, running, container.as_deref()));
    })
}

fn banner(config: &BrokerConfig, running: &Running, container: Option<&str>) -> String {
    let bound = running.addresses.first().map_or(0, |(_, address)| address.port());
    let address = address(config, bound);
    let (etcd, prefix) = (running.coordinator().join(","), &config.etcd.prefix);
    let mut text = format!(
        "\nBarnabas is running. Kafka clients connect to {address}.\n\n\
         Try, in another terminal:\n  \
         barnabas topic create --topic greetings --partitions 3 --bootstrap-server {address}\n  \
         echo 'hello, world' | barnabas produce --topic greetings --bootstrap-server {address}\n  \
         barnabas consume --topic greetings --from-beginning --max-messages 1 --bootstrap-server {address}\n  \
         ETCDCTL_API=3 etcdctl --endpoints {etcd} get --prefix {prefix}\n\n\
         Data: {}. Stop with Ctrl-C.\n",
        config.log_dir.display()
    );
    if let Some(sign) = container {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\nThis seems to be a container ({sign}). For clients outside, map port {bound} to the same port\n\
             (docker run -p {bound}:{bound}), or set advertised.listeners to the address that they use.\n"
        );
    }
    text
}

/// The address for clients on this machine, or on the machine around this container.
fn address(config: &BrokerConfig, bound: u16) -> String {
    let Some(advertised) = config.advertised_listeners.first() else { return String::new() };
    let port = if advertised.port == 0 { bound } else { advertised.port };
    match advertised.host.as_str() {
        "" => format!("localhost:{port}"),
        host if host.contains(':') => format!("[{host}]:{port}"),
        host => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_with(overrides: &[&str], container: bool) -> String {
        let listeners = if container { IN_A_CONTAINER } else { ON_A_MACHINE };
        let sources = Sources {
            presets: [PRESETS, listeners].concat(),
            overrides: overrides.iter().map(ToString::to_string).collect(),
            ..Sources::default()
        };
        let (config, warnings) = BrokerConfig::from_sources(&sources).expect("valid");
        assert_eq!(warnings, []);
        let bound = config.listeners[0].host.clone();
        format!("{bound:?} {}", address(&config, 7))
    }

    #[test]
    fn clients_are_told_an_address_that_reaches_the_broker() {
        assert_eq!(address_with(&[], false), r#""127.0.0.1" 127.0.0.1:9092"#);
        assert_eq!(address_with(&[], true), r#""" localhost:9092"#);
        let listeners = "listeners=PLAINTEXT://[::1]:0";
        assert_eq!(address_with(&[listeners], false), r#""::1" [::1]:7"#);
        assert_eq!(address_with(&[listeners], true), r#""::1" [::1]:7"#);
        let advertised = "advertised.listeners=PLAINTEXT://kafka:19092";
        assert_eq!(address_with(&[advertised], true), r#""" kafka:19092"#);
    }
}
