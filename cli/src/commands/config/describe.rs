//! Prints settings like Kafka's tool, or as JSON.

use anyhow::bail;
use barnabas_client::{ClientError, Cluster};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::DescribeConfigsRequest;
use barnabas_protocol::kafka::messages::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsSynonym,
};
use serde_json::{Value, json};

use super::{Entity, Kind};
use crate::output::{self, Format};

/// Prints the settings of one entity, or of all of the kind: everything in effect with `all`,
/// otherwise only what was set for the entity itself.
pub(super) async fn describe(
    cluster: &Cluster,
    kind: Kind,
    entity: Option<Entity>,
    all: bool,
    format: Format,
) -> anyhow::Result<()> {
    let json = format == Format::Json;
    let known = entities(cluster, kind).await?;
    if let Some(named) = entity.as_ref().filter(|named| !known.contains(named)) {
        let (kind, name) = (named.kind().word(), named.resource_name());
        if json || all {
            bail!("there is no {kind} '{name}'");
        }
        return Ok(output::line(format_args!(
            "The {kind} '{name}' doesn't exist and doesn't have dynamic config."
        ))?);
    }
    let mut described = Vec::new();
    for entity in entity.map_or(known, |one| vec![one]) {
        let mut configs = configs(cluster, &entity).await?;
        let own = source_of(&entity);
        configs.retain(|config| all || config.config_source == own);
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        if json {
            described.push(entity_json(&entity, &configs));
        } else {
            output::line(text(&entity, &configs, all))?;
        }
    }
    if json {
        output::json(&described.into())?;
    }
    Ok(())
}

/// All topics; or all brokers, followed by the default of all brokers.
async fn entities(cluster: &Cluster, kind: Kind) -> Result<Vec<Entity>, ClientError> {
    match kind {
        Kind::Topic => {
            let response = cluster.metadata(None).await?;
            let names = response.topics.into_iter().filter_map(|topic| topic.name);
            let mut names: Vec<_> = names.map(|name| Entity::Topic(name.to_string())).collect();
            names.sort_by_key(Entity::resource_name);
            Ok(names)
        }
        Kind::Broker => {
            let mut ids: Vec<_> =
                cluster.metadata(Some(&[])).await?.brokers.iter().map(|b| b.node_id).collect();
            ids.sort_unstable();
            let brokers = ids.into_iter().map(|id| Entity::Broker(id.to_string()));
            Ok(brokers.chain([Entity::AllBrokers]).collect())
        }
    }
}

/// Asks for the settings of an entity.
async fn configs(
    cluster: &Cluster,
    entity: &Entity,
) -> Result<Vec<DescribeConfigsResourceResult>, ClientError> {
    let resource = DescribeConfigsResource {
        resource_type: entity.kind().resource_type(),
        resource_name: entity.resource_name(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        ..DescribeConfigsRequest::default()
    };
    let response = match entity.broker_id() {
        Some(id) => cluster.ask_broker(id, &request).await?,
        None => cluster.ask(&request).await?,
    };
    let Some(result) = response.results.into_iter().next() else {
        return Err(ClientError::refused(ErrorCode::UnknownServerError, None));
    };
    ClientError::check(result.error_code, result.error_message.as_deref())?;
    Ok(result.configs)
}

/// Kafka's number for the source of settings that were made for the entity itself.
fn source_of(entity: &Entity) -> i8 {
    match entity {
        Entity::Topic(_) => 1,
        Entity::Broker(_) => 2,
        Entity::AllBrokers => 3,
    }
}

fn source_name(source: i8) -> &'static str {
    match source {
        1 => "DYNAMIC_TOPIC_CONFIG",
        2 => "DYNAMIC_BROKER_CONFIG",
        3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
        4 => "STATIC_BROKER_CONFIG",
        5 => "DEFAULT_CONFIG",
        6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
        7 => "DYNAMIC_CLIENT_METRICS_CONFIG",
        8 => "DYNAMIC_GROUP_CONFIG",
        _ => "UNKNOWN",
    }
}

fn text(entity: &Entity, configs: &[DescribeConfigsResourceResult], all: bool) -> String {
    let scope = if all { "All" } else { "Dynamic" };
    let (kind, name) = (entity.kind().word(), entity.resource_name());
    let title = match entity {
        Entity::AllBrokers => "Default configs for brokers in the cluster are:".to_owned(),
        Entity::Topic(_) | Entity::Broker(_) => format!("{scope} configs for {kind} {name} are:"),
    };
    let lines = configs.iter().map(line);
    std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n")
}

fn line(config: &DescribeConfigsResourceResult) -> String {
    let synonyms: Vec<_> = config
        .synonyms
        .iter()
        .map(|s| format!("{}:{}={}", source_name(s.source), s.name, shown(s.value.as_ref())))
        .collect();
    let (name, value) = (&config.name, shown(config.value.as_ref()));
    let (sensitive, synonyms) = (config.is_sensitive, synonyms.join(", "));
    format!("  {name}={value} sensitive={sensitive} synonyms={{{synonyms}}}")
}

/// Kafka's tool prints `null` for a value that is missing or hidden.
fn shown(value: Option<&Str>) -> &str {
    value.map_or("null", |value| value)
}

fn entity_json(entity: &Entity, configs: &[DescribeConfigsResourceResult]) -> Value {
    let synonym = |s: &DescribeConfigsSynonym| json!({ "name": &*s.name, "value": s.value.as_deref(), "source": source_name(s.source) });
    let config = |c: &DescribeConfigsResourceResult| {
        json!({
            "name": &*c.name,
            "value": c.value.as_deref(),
            "source": source_name(c.config_source),
            "sensitive": c.is_sensitive,
            "read_only": c.read_only,
            "synonyms": c.synonyms.iter().map(synonym).collect::<Vec<_>>(),
        })
    };
    json!({
        "entity_type": entity.kind().word(),
        "entity_name": &*entity.resource_name(),
        "configs": configs.iter().map(config).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention() -> DescribeConfigsResourceResult {
        let synonym = |name: &str, value: &str, source| DescribeConfigsSynonym {
            name: Str::from(name),
            value: Some(Str::from(value)),
            source,
        };
        DescribeConfigsResourceResult {
            name: Str::from("retention.ms"),
            value: Some(Str::from("5")),
            config_source: 1,
            synonyms: vec![synonym("retention.ms", "5", 1), synonym("log.retention.ms", "7", 4)],
            ..DescribeConfigsResourceResult::default()
        }
    }

    #[test]
    fn text_is_as_kafka_prints_it() {
        let entity = Entity::Topic("t".into());
        assert_eq!(
            text(&entity, &[retention()], false),
            "Dynamic configs for topic t are:\n  retention.ms=5 sensitive=false \
             synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5, STATIC_BROKER_CONFIG:log.retention.ms=7}"
        );
        assert_eq!(text(&entity, &[], true), "All configs for topic t are:");
        let title = "Default configs for brokers in the cluster are:";
        assert_eq!(text(&Entity::AllBrokers, &[], false), title);
        let hidden =
            DescribeConfigsResourceResult { value: None, is_sensitive: true, ..retention() };
        assert!(line(&hidden).starts_with("  retention.ms=null sensitive=true synonyms={"));
    }

    #[test]
    fn json_says_where_values_come_from() {
        let value = entity_json(&Entity::Topic("t".into()), &[retention()]);
        assert_eq!(value["entity_name"], "t");
        assert_eq!(value["configs"][0]["source"], "DYNAMIC_TOPIC_CONFIG");
        assert_eq!(value["configs"][0]["synonyms"][1]["name"], "log.retention.ms");
    }
}
