//! Changes settings.

use barnabas_client::{ClientError, Cluster};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::IncrementalAlterConfigsRequest;
use barnabas_protocol::kafka::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig,
};

use super::{Changes, Entity};
use crate::output;

/// Operations of IncrementalAlterConfigs.
const SET: i8 = 0;
const DELETE: i8 = 1;

pub(super) async fn alter(
    cluster: &Cluster,
    entity: &Entity,
    changes: &Changes,
) -> anyhow::Result<()> {
    let request = request(entity, changes);
    // Only the broker itself can check its settings against those it was started with.
    let response = match entity.broker_id() {
        Some(id) => cluster.ask_broker(id, &request).await?,
        None => cluster.ask_controller(&request).await?,
    };
    for result in &response.responses {
        ClientError::check(result.error_code, result.error_message.as_deref())?;
    }
    Ok(output::line(completed(entity))?)
}

fn request(entity: &Entity, changes: &Changes) -> IncrementalAlterConfigsRequest {
    let set = changes.set.iter().map(|(key, value)| AlterableConfig {
        name: Str::from(key.as_str()),
        config_operation: SET,
        value: Some(Str::from(value.as_str())),
    });
    let delete = changes.delete.iter().map(|key| AlterableConfig {
        name: Str::from(key.as_str()),
        config_operation: DELETE,
        value: None,
    });
    let resource = AlterConfigsResource {
        resource_type: entity.kind().resource_type(),
        resource_name: entity.resource_name(),
        configs: set.chain(delete).collect(),
    };
    IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }
}

fn completed(entity: &Entity) -> String {
    match entity {
        Entity::AllBrokers => {
            "Completed updating default config for brokers in the cluster.".into()
        }
        Entity::Topic(name) | Entity::Broker(name) => {
            format!("Completed updating config for {} {name}.", entity.kind().word())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_become_one_request() {
        let changes = Changes::parse(Some("a=1"), Some("b")).unwrap();
        let sent = request(&Entity::AllBrokers, &changes);
        let resource = &sent.resources[0];
        assert_eq!((resource.resource_type, &*resource.resource_name), (4, ""));
        let operations: Vec<_> = resource
            .configs
            .iter()
            .map(|c| (&*c.name, c.config_operation, c.value.clone()))
            .collect();
        assert_eq!(operations, [("a", SET, Some(Str::from("1"))), ("b", DELETE, None)]);
        assert_eq!(completed(&Entity::Topic("t".into())), "Completed updating config for topic t.");
    }
}
