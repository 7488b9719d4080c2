//! Metadata: brokers, topics, and who leads what; creates topics on demand
//! (`auto.create.topics.enable`).

use std::collections::{HashMap, HashSet};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use barnabas_protocol::state::ids::{BrokerId, TopicId};

use super::describe_cluster::ALL_CLUSTER_OPERATIONS;
use super::describe_topic_partitions::ALL_TOPIC_OPERATIONS;
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::controller::{NewTopic, is_internal_topic};
use crate::metadata::{Image, PartitionImage, TopicImage};

/// The first version that may name topics by their ids.
const TOPIC_IDS: i16 = 12;
/// The first version that tells a leader on another listener from none.
const LISTENER_NOT_FOUND: i16 = 6;

pub(crate) async fn handle(context: &RequestContext, request: MetadataRequest) -> MetadataResponse {
    if let Some(refused) = refuse_ids(context.version, request.topics.as_deref()) {
        return refused;
    }
    let image = context.broker().image();
    let all = match &request.topics {
        None => true,
        Some(topics) => context.version == 0 && topics.is_empty(),
    };
    let mut topics: Vec<_> = if all {
        image.topics.values().map(|topic| describe(&image, topic, context)).collect()
    } else {
        let mut named = HashSet::new();
        let asked = request.topics.into_iter().flatten();
        asked
            .filter(|topic| named.insert((topic.name.clone(), topic.topic_id)))
            .map(|topic| lookup(context, &image, topic.name, TopicId(topic.topic_id)))
            .collect()
    };
    if all {
        topics.sort_by(|a, b| a.name.cmp(&b.name));
    } else if request.allow_auto_topic_creation
        && context.broker().config().auto_create_topics_enable
    {
        create_missing(context, &mut topics).await;
    }
    if request.include_topic_authorized_operations {
        for topic in topics.iter_mut().filter(|topic| topic.error_code == ErrorCode::None) {
            topic.topic_authorized_operations = ALL_TOPIC_OPERATIONS;
        }
    }
    let cluster_authorized_operations = match request.include_cluster_authorized_operations {
        true => ALL_CLUSTER_OPERATIONS,
        false => i32::MIN,
    };
    let image = context.broker().image();
    MetadataResponse {
        cluster_authorized_operations,
        brokers: brokers(&image, context.listener()),
        cluster_id: Some(context.broker().cluster_id.clone()),
        controller_id: image.controller.map_or(-1, |controller| controller.0),
        topics,
        ..MetadataResponse::default()
    }
}

/// Before version [`TOPIC_IDS`] topics have names, and nothing else: the whole request is wrong.
fn refuse_ids(version: i16, topics: Option<&[MetadataRequestTopic]>) -> Option<MetadataResponse> {
    let topics = topics.filter(|_| version < TOPIC_IDS)?;
    let named = |topic: &MetadataRequestTopic| {
        topic.name.is_some() && TopicId(topic.topic_id) == TopicId::default()
    };
    if topics.iter().all(named) {
        return None;
    }
    let refused = topics.iter().map(|topic| MetadataResponseTopic {
        error_code: ErrorCode::InvalidRequest,
        name: Some(topic.name.clone().unwrap_or_default()),
        topic_id: topic.topic_id,
        ..MetadataResponseTopic::default()
    });
    Some(MetadataResponse { topics: refused.collect(), ..MetadataResponse::default() })
}

/// The brokers that listen under this name.
fn brokers(image: &Image, listener: &str) -> Vec<MetadataResponseBroker> {
    let reachable = image.brokers.values().filter_map(|broker| {
        let endpoint = broker.endpoint(listener)?;
        Some(MetadataResponseBroker {
            node_id: broker.id.0,
            host: Str::from(&*endpoint.host),
            port: i32::from(endpoint.port),
            rack: broker.rack.as_deref().map(Str::from),
        })
    });
    reachable.collect()
}

fn lookup(
    context: &RequestContext,
    image: &Image,
    name: Option<Str>,
    id: TopicId,
) -> MetadataResponseTopic {
    let by_id = id != TopicId::default();
    let found = match &name {
        Some(name) if !by_id => image.topic(name),
        _ => image.topic_by_id(id),
    };
    match found {
        Some(topic) => describe(image, topic, context),
        None if by_id => MetadataResponseTopic {
            error_code: ErrorCode::UnknownTopicId,
            name: None,
            topic_id: id.0,
            ..MetadataResponseTopic::default()
        },
        None => {
            let valid = name.as_deref().is_some_and(crate::controller::is_valid_topic_name);
            let error_code = if valid {
                ErrorCode::UnknownTopicOrPartition
            } else {
                ErrorCode::InvalidTopicException
            };
            let is_internal = name.as_deref().is_some_and(is_internal_topic);
            MetadataResponseTopic { error_code, name, is_internal, ..Default::default() }
        }
    }
}

/// Creates the topics that are unknown but valid, internal ones apart, and puts them into the
/// answer.
async fn create_missing(context: &RequestContext, topics: &mut [MetadataResponseTopic]) {
    let missing: Vec<_> = topics
        .iter()
        .filter(|topic| topic.error_code == ErrorCode::UnknownTopicOrPartition)
        .filter(|topic| !topic.is_internal)
        .filter_map(|topic| topic.name.clone())
        .collect();
    if missing.is_empty() {
        return;
    }
    let wanted = missing.iter().map(new_topic).collect();
    let created = context.broker().create_default_topics(wanted).await;
    let image = context.broker().image();
    let places: HashMap<_, _> =
        missing.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
    for topic in topics.iter_mut() {
        let Some(&at) = topic.name.as_ref().and_then(|name| places.get(name)) else {
            continue;
        };
        match (&created[at], image.topic(&missing[at])) {
            (_, Some(found)) => *topic = describe(&image, found, context),
            (Ok(_), None) => topic.error_code = ErrorCode::LeaderNotAvailable,
            (Err(error), None) => topic.error_code = error_map::auto_create(error),
        }
    }
}

fn new_topic(name: &Str) -> NewTopic {
    NewTopic {
        name: name.to_string(),
        num_partitions: -1,
        replication_factor: -1,
        ..NewTopic::default()
    }
}

fn describe(image: &Image, topic: &TopicImage, context: &RequestContext) -> MetadataResponseTopic {
    let partitions =
        topic.shown_partitions().map(|p| partition(image, &p, context.version, context.listener()));
    MetadataResponseTopic {
        name: Some(Str::from(&*topic.name)),
        topic_id: topic.id.0,
        is_internal: is_internal_topic(&topic.name),
        partitions: partitions.collect(),
        ..MetadataResponseTopic::default()
    }
}

fn partition(
    image: &Image,
    placed: &PartitionImage,
    version: i16,
    listener: &str,
) -> MetadataResponsePartition {
    let reachable = |leader: &BrokerId| {
        image.brokers.get(leader).is_some_and(|broker| broker.endpoint(listener).is_some())
    };
    let (error_code, leader_id) = match placed.leader.filter(|leader| image.alive(*leader)) {
        None => (ErrorCode::LeaderNotAvailable, -1),
        Some(leader) if reachable(&leader) => (ErrorCode::None, leader.0),
        Some(_) if version < LISTENER_NOT_FOUND => (ErrorCode::LeaderNotAvailable, -1),
        Some(_) => (ErrorCode::ListenerNotFound, -1),
    };
    MetadataResponsePartition {
        error_code,
        partition_index: placed.index.0,
        leader_id,
        leader_epoch: placed.leader_epoch.0,
        replica_nodes: numbers(&placed.replicas),
        isr_nodes: placed.isr.iter().map(|member| member.id.0).collect(),
        offline_replicas: numbers(&placed.offline(image)),
    }
}

fn numbers(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_do_not_know_of_missing_listeners() {
        // A broker without a listener of that name.
        let image = Image::default().with_broker(1, 5).with_topic("t", 1, &[1]);
        let topic = image.topic("t").expect("there");
        let first = topic.partition(0.into()).expect("there");
        let error = |version| partition(&image, first, version, "PLAIN").error_code;
        assert_eq!(
            (error(5), error(6)),
            (ErrorCode::LeaderNotAvailable, ErrorCode::ListenerNotFound)
        );
    }

    #[test]
    fn names_are_needed_where_there_are_no_ids() {
        let topic = |name: Option<&str>, topic_id| MetadataRequestTopic {
            name: name.map(Str::from),
            topic_id,
        };
        let none = TopicId::default().0;
        let mixed = [topic(Some("t"), none), topic(None, none)];
        assert_eq!(refuse_ids(12, Some(&mixed)), None);
        assert_eq!(refuse_ids(10, Some(&mixed[..1])), None);
        assert_eq!(refuse_ids(10, None), None);
        let refused = refuse_ids(11, Some(&mixed)).expect("refused").topics;
        let told: Vec<_> = refused.iter().map(|t| (t.error_code, t.name.as_deref())).collect();
        let invalid = ErrorCode::InvalidRequest;
        assert_eq!(told, [(invalid, Some("t")), (invalid, Some(""))]);
    }
}
