//! `barnabas dev`: everything on this machine, with nothing to set up.

use anyhow::Context;
use barnabas_broker::config::BrokerConfig;
use barnabas_broker::node::Running;
use clap::Args;

use crate::{output, serve};

/// What `dev` assumes; `--override` goes over it.
const DEFAULTS: &[(&str, &str)] = &[
    ("broker.id", "1"),
    ("log.dirs", "./barnabas-data"),
    ("listeners", "PLAINTEXT://127.0.0.1:9092"),
    ("group.initial.rebalance.delay.ms", "0"),
];

/// Options of `barnabas dev`.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Sets one of Kafka's broker keys; may be repeated. Data is in ./barnabas-data unless `log.dirs` is set.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// Runs until the broker is told to stop.
pub(crate) fn run(args: DevArgs) -> anyhow::Result<()> {
    let given = |key: &str| {
        let named = |o: &String| o.split_once('=').is_some_and(|(name, _)| name.trim() == key);
        args.overrides.iter().any(named)
            || (key == "broker.id" && args.overrides.iter().any(|o| o.starts_with("node.id=")))
    };
    let mut settings: Vec<String> = DEFAULTS
        .iter()
        .filter(|(key, _)| !given(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    settings.extend(args.overrides.iter().cloned());
    let loaded = BrokerConfig::load(None, std::iter::empty(), &settings);
    let (config, warnings) = loaded.context("the configuration cannot be used")?;
    let data = config.log_dir.display().to_string();
    serve::run(config, &warnings, move |running| print_banner(running, &data))
}

fn print_banner(running: &Running, data: &str) {
    let Some((_, address)) = running.addresses.first() else { return };
    let etcd = running.coordinator().join(",");
    // Nobody has to read it.
    let _ = output::line(format_args!(
        "\nBarnabas is running. Kafka clients connect to {address}.\n\n\
         Try, in another terminal:\n  \
         barnabas topic create --topic greetings --partitions 3 --bootstrap-server {address}\n  \
         echo 'hello, world' | barnabas produce --topic greetings --bootstrap-server {address}\n  \
         barnabas consume --topic greetings --from-beginning --max-messages 1 --bootstrap-server {address}\n  \
         ETCDCTL_API=3 etcdctl --endpoints {etcd} get --prefix /barnabas\n\n\
         Data: {data}. Stop with Ctrl-C.\n"
    ));
}
