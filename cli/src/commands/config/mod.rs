//! `barnabas config` and `kafka-configs`: the settings of topics and brokers, shown and changed at run time.

mod alter;
mod changes;
mod describe;
mod entity;
pub(crate) mod kafka;
pub(crate) mod native;

pub(crate) use changes::Changes;
pub(crate) use entity::{Entity, EntityArgs, Kind};

use barnabas_client::Cluster;

/// What to do with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigCommand {
    /// Prints those of one entity, or of all of a kind.
    Describe {
        /// What kind of entity.
        kind: Kind,
        /// Every one without it.
        entity: Option<Entity>,
        /// Defaults and the broker's own settings too.
        all: bool,
        /// For programs.
        json: bool,
    },
    /// Sets some and takes others back.
    Alter { entity: Entity, changes: Changes },
}

/// Does what the command says.
pub(crate) async fn execute(cluster: &Cluster, command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Describe { kind, entity, all, json } => {
            describe::describe(cluster, kind, entity, describe::Form { all, json }).await
        }
        ConfigCommand::Alter { entity, changes } => alter::alter(cluster, &entity, &changes).await,
    }
}
