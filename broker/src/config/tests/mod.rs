//! Tests of the configuration as a whole.

mod altering;
mod describing;
mod loading;
mod tables;
mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;

use barnabas_protocol::state::ids::BrokerId;

use super::*;
use crate::metadata::{ConfigImage, Image};

/// A broker started with these properties, over `broker.id=1`.
fn broker(properties: &str) -> BrokerConfig {
    BrokerConfig::from_sources(&file(&format!("broker.id=1\n{properties}"))).unwrap().0
}

fn file(text: &str) -> Sources {
    Sources {
        file: Some(ConfigFile { name: "server.properties".into(), text: text.into() }),
        host_name: "host1".into(),
        ..Sources::default()
    }
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// An image with these dynamic overrides for broker 1 and for all brokers.
fn image(broker: &[(&str, &str)], all: &[(&str, &str)]) -> Image {
    let config = |entries| Arc::new(ConfigImage { values: map(entries), ..ConfigImage::default() });
    let broker_configs = BTreeMap::from([(Some(BrokerId(1)), config(broker)), (None, config(all))]);
    Image { broker_configs, ..Image::default() }
}
