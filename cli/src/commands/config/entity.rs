//! Selects the topic or broker whose settings to describe or change.

use anyhow::bail;
use barnabas_protocol::kafka::Str;
use clap::{Args, ValueEnum};

/// A kind of entity that has settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Topics.
    #[value(name = "topics")]
    Topic,
    /// Brokers: one by its id, or the default for all.
    #[value(name = "brokers")]
    Broker,
}

impl Kind {
    /// Kafka's number for the resource type.
    pub(crate) fn resource_type(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
        }
    }

    /// The word for it in messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Broker => "broker",
        }
    }
}

/// One topic, one broker, or the default of all brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entity {
    /// A topic's name.
    Topic(String),
    /// A broker's id.
    Broker(String),
    /// The default for brokers without a setting of their own.
    AllBrokers,
}

impl Entity {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Topic(_) => Kind::Topic,
            Self::Broker(_) | Self::AllBrokers => Kind::Broker,
        }
    }

    /// The name in requests.
    pub(crate) fn resource_name(&self) -> Str {
        match self {
            Self::Topic(name) | Self::Broker(name) => Str::from(name.as_str()),
            Self::AllBrokers => Str::default(),
        }
    }

    /// The broker to send requests to: only the broker itself knows its settings.
    pub(crate) fn broker_id(&self) -> Option<i32> {
        match self {
            Self::Broker(id) => id.parse().ok(),
            Self::Topic(_) | Self::AllBrokers => None,
        }
    }
}

/// The options of `kafka-configs` that select the topic or broker.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct EntityArgs {
    /// Kind of the entity whose settings to describe or change.
    #[arg(long, value_enum)]
    pub(crate) entity_type: Option<Kind>,
    /// The topic's name or the broker's id.
    #[arg(long, requires = "entity_type", conflicts_with = "entity_default")]
    pub(crate) entity_name: Option<String>,
    /// The default of all brokers.
    #[arg(long, requires = "entity_type")]
    pub(crate) entity_default: bool,
    /// Short for --entity-type topics --entity-name.
    #[arg(long, conflicts_with_all = ["entity_type", "broker", "broker_defaults"])]
    pub(crate) topic: Option<String>,
    /// Short for --entity-type brokers --entity-name.
    #[arg(long, conflicts_with_all = ["entity_type", "broker_defaults"])]
    pub(crate) broker: Option<String>,
    /// Short for --entity-type brokers --entity-default.
    #[arg(long, conflicts_with = "entity_type")]
    pub(crate) broker_defaults: bool,
}

impl EntityArgs {
    /// The kind, and the entity if there is a name.
    pub(crate) fn entity(&self) -> anyhow::Result<(Kind, Option<Entity>)> {
        let (kind, entity) = match (self.entity_type, &self.entity_name) {
            (Some(Kind::Topic), None) if self.entity_default => {
                bail!(
                    "topics have no default of their own: set it for the brokers (log.retention.ms for retention.ms)"
                )
            }
            (Some(Kind::Broker), None) if self.entity_default => {
                (Kind::Broker, Some(Entity::AllBrokers))
            }
            (Some(Kind::Topic), name) => (Kind::Topic, name.clone().map(Entity::Topic)),
            (Some(Kind::Broker), name) => (Kind::Broker, name.clone().map(Entity::Broker)),
            (None, _) => match (&self.topic, &self.broker) {
                (Some(name), _) => (Kind::Topic, Some(Entity::Topic(name.clone()))),
                (None, Some(id)) => (Kind::Broker, Some(Entity::Broker(id.clone()))),
                (None, None) if self.broker_defaults => (Kind::Broker, Some(Entity::AllBrokers)),
                (None, None) => bail!(
                    "At least one of --entity-type, --topic, --broker, or --broker-defaults must be specified"
                ),
            },
        };
        if let Some(Entity::Broker(id)) = &entity
            && id.parse::<i32>().is_err()
        {
            bail!("The entity name for brokers must be a valid integer broker id, but it is: {id}");
        }
        Ok((kind, entity))
    }
}
