//! `barnabas cluster state`: prints the cluster's keys in etcd with decoded values.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Context;
use barnabas_coordinator_client::{Client, ClientConfig, KeyValue, LeaseId};
use barnabas_protocol::state::Keys;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::commands::connect::block_on;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  barnabas cluster state --etcd http://127.0.0.1:2379\n\n\
    The address of a broker's embedded coordinator is in what it prints when it starts.")]
pub(super) struct StateArgs {
    /// Address of etcd; may be repeated, or separated by commas.
    #[arg(
        long = "etcd",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:2379"
    )]
    endpoints: Vec<String>,
    /// Prefix of the cluster's keys (etcd.prefix).
    #[arg(long, default_value = "/barnabas")]
    prefix: String,
    /// Output format.
    #[arg(long, short, value_enum, default_value_t)]
    output: Form,
    /// Leave out the values.
    #[arg(long)]
    keys_only: bool,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Tree,
    /// For programs.
    Json,
}

pub(super) fn run(args: &StateArgs) -> anyhow::Result<()> {
    block_on(async {
        let keys = Keys::new(&args.prefix);
        let client = Client::connect(ClientConfig::new(args.endpoints.iter().cloned()))?;
        let listing = client.list(keys.all()).await.with_context(|| {
            format!("etcd does not answer at {} (--etcd)", args.endpoints.join(", "))
        })?;
        let entries = &listing.entries;
        match args.output {
            Form::Tree => output::line(tree(&args.prefix, entries, args.keys_only).trim_end())?,
            Form::Json => {
                output::json(&to_json(listing.revision.0, entries, args.keys_only))?;
            }
        }
        if entries.is_empty() {
            output::note(format_args!("there is no key below {} (--prefix)", keys.all()));
        }
        Ok(())
    })
}

/// A tree of keys, with a level for each segment between slashes.
#[derive(Default)]
struct Node<'a> {
    entry: Option<&'a KeyValue>,
    children: BTreeMap<&'a str, Self>,
}

fn tree(prefix: &str, entries: &[KeyValue], keys_only: bool) -> String {
    let prefix = prefix.trim_end_matches('/');
    let mut root = Node::default();
    for entry in entries {
        let path = std::str::from_utf8(&entry.key).unwrap_or("(not text)");
        let below = path.strip_prefix(prefix).unwrap_or(path).trim_start_matches('/');
        let leaf =
            below.split('/').fold(&mut root, |node, name| node.children.entry(name).or_default());
        leaf.entry = Some(entry);
    }
    let mut out = format!("{prefix}\n");
    print_children(&mut out, &root, 1, keys_only);
    out
}

fn print_children(out: &mut String, node: &Node<'_>, depth: usize, keys_only: bool) {
    let indent = "  ".repeat(depth);
    for (name, child) in &node.children {
        let _ = write!(out, "{indent}{name}");
        if let Some(entry) = child.entry {
            let _ = write!(out, "  (revision {}", entry.mod_revision.0);
            if entry.lease != LeaseId::NONE {
                let _ = write!(out, ", lease {:x}", entry.lease.0);
            }
            out.push(')');
        }
        out.push('\n');
        if let Some(entry) = child.entry.filter(|_| !keys_only) {
            for line in format!("{:#}", decoded(&entry.value)).lines() {
                let _ = writeln!(out, "{indent}    {line}");
            }
        }
        print_children(out, child, depth + 1, keys_only);
    }
}

fn to_json(revision: i64, entries: &[KeyValue], keys_only: bool) -> Value {
    let key = |entry: &KeyValue| Value::from(String::from_utf8_lossy(&entry.key).into_owned());
    let described = entries.iter().map(|entry| {
        if keys_only {
            return key(entry);
        }
        json!({
            "key": key(entry),
            "value": decoded(&entry.value),
            "create_revision": entry.create_revision.0,
            "mod_revision": entry.mod_revision.0,
            "version": entry.version,
            "lease": entry.lease.0,
        })
    });
    json!({ "revision": revision, "entries": described.collect::<Vec<_>>() })
}

/// The value as JSON; a value that is not JSON becomes a string.
fn decoded(value: &[u8]) -> Value {
    serde_json::from_slice(value)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(value).into_owned()))
}

#[cfg(test)]
mod tests {
    use barnabas_coordinator_client::{CreateRevision, ModRevision};
    use bytes::Bytes;

    use super::*;

    fn entry(key: &'static str, value: &'static str, lease: i64) -> KeyValue {
        KeyValue {
            key: Bytes::from_static(key.as_bytes()),
            value: Bytes::from_static(value.as_bytes()),
            create_revision: CreateRevision(2),
            mod_revision: ModRevision(3),
            version: 1,
            lease: LeaseId(lease),
        }
    }

    fn entries() -> [KeyValue; 3] {
        [
            entry("/b/brokers/ids/1", r#"{"version":1}"#, 26),
            entry("/b/brokers/topics/t", "{}", 0),
            entry("/b/controller_epoch", "7", 0),
        ]
    }

    #[test]
    fn tree_has_a_line_a_segment() {
        let keys = "/b\n  brokers\n    ids\n      1  (revision 3, lease 1a)\n    topics\n      \
                    t  (revision 3)\n  controller_epoch  (revision 3)\n";
        assert_eq!(tree("/b/", &entries(), true), keys);
        let values = tree("/b", &entries(), false);
        assert!(
            values.contains("lease 1a)\n          {\n            \"version\": 1\n"),
            "{values}"
        );
        assert!(values.ends_with("controller_epoch  (revision 3)\n      7\n"), "{values}");
    }

    #[test]
    fn json_has_values_decoded() {
        let json = to_json(9, &entries(), false);
        assert_eq!(json["revision"], 9);
        assert_eq!(json["entries"][0]["value"]["version"], 1);
        assert_eq!(json["entries"][2]["value"], 7);
        assert_eq!(decoded(b"\xffx"), Value::from("\u{fffd}x"));
        let keys = to_json(9, &entries(), true);
        assert_eq!(keys["entries"][2], "/b/controller_epoch");
    }
}
