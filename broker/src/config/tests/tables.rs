use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config::keys::{INTERNAL, synonyms};

/// Kafka's keys: (scope, name) to (type, how it changes, default).
fn kafka() -> BTreeMap<(&'static str, &'static str), (&'static str, &'static str, &'static str)> {
    let rows = include_str!("kafka-4.3.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        let [scope, name, kind, change, default] = fields[..] else { panic!("{line}") };
        ((scope, name), (kind, change, default))
    })
    .collect()
}

fn scope(def: &ConfigDef) -> &'static str {
    match def.scope {
        Scope::Topic => "topic",
        Scope::Broker => "broker",
    }
}

/// Keys that Kafka can change at run time and we cannot yet.
const STATIC_HERE: &[&str] =
    &["listener.security.protocol.map", "listeners", "principal.builder.class"];

/// Keys whose default is another one here: a fixed socket buffer of 100 KiB turns off the system's
/// own sizing, and costs a fifth of the CPU of large requests.
const OTHER_DEFAULT: &[&str] = &["socket.receive.buffer.bytes", "socket.send.buffer.bytes"];

#[test]
fn the_tables_are_kafkas() {
    let mut kafka = kafka();
    for def in registry::all() {
        let key = (scope(def), def.name);
        let Some((kind, change, default)) = kafka.remove(&key) else {
            let own = ["etcd.", "log.generation.bytes", "log.tail.cache.bytes"];
            assert!(own.iter().any(|prefix| def.name.starts_with(prefix)), "{}", def.name);
            continue;
        };
        assert_eq!(def.kind.name(), kind, "{}", def.name);
        if !OTHER_DEFAULT.contains(&def.name) {
            assert_eq!(def.default.unwrap_or("null"), default, "{}", def.name);
        }
        assert_eq!(def.internal(), change == "internal", "{}", def.name);
        let read_only = change == "static" || STATIC_HERE.contains(&def.name);
        if !def.internal() {
            assert_eq!(def.read_only(), read_only, "{}", def.name);
        }
    }
    assert!(kafka.is_empty(), "missing: {kafka:?}");
}

#[test]
fn every_row_is_complete() {
    let mut names = BTreeSet::new();
    for def in registry::all() {
        assert!(names.insert((scope(def), def.name)), "{} is there twice", def.name);
        assert!(def.doc.len() > 10 && def.doc.ends_with('.'), "{}: {}", def.name, def.doc);
        if let Support::Inert(reason) | Support::Only(_, reason) = def.support {
            assert!(reason.len() > 10 && !reason.ends_with('.'), "{}: {reason}", def.name);
        }
    }
    for name in INTERNAL {
        assert!(registry::all().any(|def| def.name == *name), "{name}");
    }
}

#[test]
fn every_default_is_valid_and_canonical() {
    for def in registry::all() {
        let Some(default) = def.default else { continue };
        // Kafka's defaults "", [] of checked lists and "not set" of numbers are outside their own
        // checks.
        if default.is_empty() || (def.name == "broker.id") {
            continue;
        }
        assert_eq!(def.validate(default).as_deref(), Ok(default), "{}", def.name);
    }
}

#[test]
fn every_synonym_exists_and_agrees() {
    for def in registry::keys(Scope::Topic) {
        let names = synonyms::of_topic_key(def.name);
        for (name, _) in names {
            let broker = registry::broker(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(def.support, broker.support, "{name}");
        }
        if let [(name, _)] = names {
            let broker = registry::broker(name).unwrap();
            assert_eq!((def.kind, def.default), (broker.kind, broker.default), "{name}");
            assert_eq!(def.check, broker.check, "{name}");
        }
    }
}

/// A key that counts as honoured is read somewhere: as a field, or as a topic's default.
#[test]
fn every_honoured_key_is_read() {
    let elsewhere = [
        "node.id",
        "broker.id",
        "listeners",
        "advertised.listeners",
        "listener.security.protocol.map",
        "log.dir",
        "log.dirs",
    ];
    let of_topics: BTreeSet<_> = registry::keys(Scope::Topic)
        .flat_map(|def| synonyms::of_topic_key(def.name))
        .map(|(name, _)| *name)
        .collect();
    for def in registry::keys(Scope::Broker).filter(|def| def.support == Support::Honoured) {
        let read = broker::TYPED.iter().any(|(key, _)| *key == def.name)
            || elsewhere.contains(&def.name)
            || of_topics.contains(def.name)
            || def.name.starts_with("etcd.");
        assert!(read, "{}", def.name);
    }
}

/// An honoured key has an effect: outside of this module somebody reads its field.
#[test]
fn every_field_is_read_by_the_broker() {
    let mut shipped = String::new();
    collect(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut shipped);
    for (key, field) in broker::TYPED {
        let read = shipped.contains(&format!(".{field}"));
        assert!(read, "{key}");
    }
}

fn collect(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("config") {
            collect(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let reference = reference();
    if std::env::var_os("BARNABAS_WRITE_DOCS").is_some() {
        std::fs::write(path, &reference).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == reference,
        "run BARNABAS_WRITE_DOCS=1 cargo test --release -p barnabas-broker reference"
    );
}

#[test]
fn misspelt_keys_are_recognised() {
    assert_eq!(registry::suggest(Scope::Broker, "lisners"), Some("listeners"));
    assert_eq!(registry::suggest(Scope::Broker, "log.retenton.ms"), Some("log.retention.ms"));
    assert_eq!(registry::suggest(Scope::Broker, "something.else"), None);
}
