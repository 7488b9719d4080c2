//! `barnabas config` and `kafka-configs`: shows settings of topics and brokers and changes them at
//! run time.

mod alter;
mod changes;
mod describe;
mod entity;
pub(crate) mod kafka;
pub(crate) mod native;

pub(crate) use changes::Changes;
pub(crate) use entity::{Entity, EntityArgs, Kind};

use barnabas_client::Cluster;

use crate::output::Format;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigCommand {
    /// Prints the settings of one entity, or of all of a kind.
    Describe {
        kind: Kind,
        /// All entities of the kind if none.
        entity: Option<Entity>,
        /// Also defaults and settings from the broker's configuration.
        all: bool,
        format: Format,
    },
    Alter {
        entity: Entity,
        changes: Changes,
    },
}

pub(crate) async fn execute(cluster: &Cluster, command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Describe { kind, entity, all, format } => {
            describe::describe(cluster, kind, entity, all, format).await
        }
        ConfigCommand::Alter { entity, changes } => alter::alter(cluster, &entity, &changes).await,
    }
}
