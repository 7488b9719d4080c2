//! Tests of the configuration as a whole.

mod altering;
mod describing;
mod loading;
mod tables;
mod topics;

use std::collections::BTreeMap;

use super::*;

/// A broker started with these properties, over `broker.id=1`.
fn broker(properties: &str) -> BrokerConfig {
    BrokerConfig::from_sources(&file(&format!("broker.id=1\n{properties}"))).unwrap().0
}

fn file(text: &str) -> Sources {
    Sources {
        file: Some(ConfigFile { name: "server.properties".into(), text: text.into() }),
        ..Sources::default()
    }
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Dynamic overrides for one broker and for all brokers.
#[derive(Default)]
struct Dynamic {
    broker: BTreeMap<String, String>,
    all: BTreeMap<String, String>,
}

impl Dynamic {
    fn overrides(&self) -> Overrides<'_> {
        Overrides { broker: Some(&self.broker), cluster: Some(&self.all) }
    }
}

fn dynamic(broker: &[(&str, &str)], all: &[(&str, &str)]) -> Dynamic {
    Dynamic { broker: map(broker), all: map(all) }
}
