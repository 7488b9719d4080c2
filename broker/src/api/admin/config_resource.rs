//! Whose configuration a request means, and the refusals that describing and altering share.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::state::ids::BrokerId;

use crate::metadata::Image;

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// A resource that has a configuration here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// A topic that exists.
    Topic(String),
    /// This broker.
    ThisBroker,
    /// The defaults of all brokers.
    AllBrokers,
    /// The loggers of this broker.
    Loggers,
    /// A group, which need not exist.
    Group,
}

/// An error code and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }
}

impl Resource {
    /// The resource of this type and name, as `broker` finds it in the image.
    pub(super) fn find(
        kind: i8,
        name: &str,
        broker: BrokerId,
        image: &Image,
    ) -> Result<Self, Refusal> {
        match kind {
            TOPIC => topic(name, image),
            BROKER if name.is_empty() => Ok(Self::AllBrokers),
            BROKER => check_broker(name, broker).map(|()| Self::ThisBroker),
            BROKER_LOGGER => check_broker(name, broker).map(|()| Self::Loggers),
            CLIENT_METRICS => Err(Refusal::invalid_request("Client metrics are not available.")),
            GROUP if name.is_empty() => {
                Err(Refusal::invalid_request("The name of a group must not be empty."))
            }
            GROUP => Ok(Self::Group),
            other => Err(Refusal::invalid_request(format!("Unknown resource type {other}"))),
        }
    }
}

fn topic(name: &str, image: &Image) -> Result<Resource, Refusal> {
    if image.topic(name).is_some() {
        return Ok(Resource::Topic(name.to_owned()));
    }
    Err(match crate::controller::topic_name_flaw(name) {
        Some(flaw) => {
            let message = format!("Topic name is invalid: {flaw}");
            Refusal::new(ErrorCode::InvalidTopicException, message)
        }
        None => {
            let message = format!("The topic '{name}' does not exist.");
            Refusal::new(ErrorCode::UnknownTopicOrPartition, message)
        }
    })
}

/// A broker answers for itself only.
fn check_broker(name: &str, broker: BrokerId) -> Result<(), Refusal> {
    match name.parse::<i32>() {
        Ok(id) if id == broker.0 => Ok(()),
        Ok(id) => Err(Refusal::invalid_request(format!(
            "Unexpected broker id, expected {broker} or empty string, but received {id}"
        ))),
        Err(_) => Err(Refusal::invalid_request(format!(
            "Broker id must be an integer, but it is: {name}"
        ))),
    }
}
