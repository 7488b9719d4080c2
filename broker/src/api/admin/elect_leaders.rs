//! ElectLeaders (versions 0 to 2, KIP-460). The controller elects leaders by itself as soon as a
//! replica may lead, so a request finds that no election is needed or that none is possible.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use barnabas_protocol::state::ids::PartitionIndex;

use crate::api::context::RequestContext;
use crate::metadata::{Image, PartitionImage};

/// Which replica shall lead.
#[derive(Clone, Copy)]
enum Election {
    /// The first of the replicas, if it is in sync.
    Preferred,
    /// Any live replica, if none in sync is alive.
    Unclean,
}

pub(crate) async fn handle(
    context: &RequestContext,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    respond(&context.broker().image(), &request)
}

fn respond(image: &Image, request: &ElectLeadersRequest) -> ElectLeadersResponse {
    let (error_code, election) = match request.election_type {
        0 => (ErrorCode::None, Some(Election::Preferred)),
        1 => (ErrorCode::None, Some(Election::Unclean)),
        _ => (ErrorCode::InvalidRequest, None),
    };
    let result = |topic: &str, index: i32| match election {
        Some(election) => elect(image, topic, index, election),
        None => result(index, ErrorCode::InvalidRequest, "Unknown election type.".into()),
    };
    let replica_election_results = match &request.topic_partitions {
        Some(topics) => topics
            .iter()
            .map(|asked| ReplicaElectionResult {
                topic: asked.topic.clone(),
                partition_result: asked
                    .partitions
                    .iter()
                    .map(|index| result(&asked.topic, *index))
                    .collect(),
            })
            .collect(),
        None => image
            .topics
            .values()
            .map(|topic| ReplicaElectionResult {
                topic: Str::from(&*topic.name),
                // Asked for everything, Kafka names only the partitions that needed an election.
                partition_result: (0..topic.partition_count)
                    .map(|index| result(&topic.name, index))
                    .filter(|result| result.error_code != ErrorCode::ElectionNotNeeded)
                    .collect(),
            })
            .collect(),
    };
    ElectLeadersResponse { error_code, replica_election_results, ..ElectLeadersResponse::default() }
}

fn elect(image: &Image, topic: &str, index: i32, election: Election) -> PartitionResult {
    let unknown = |message: String| result(index, ErrorCode::UnknownTopicOrPartition, message);
    let Some(found) = image.topic(topic) else {
        return unknown(format!("No such topic as {topic}"));
    };
    if !found.has_partition(PartitionIndex(index)) {
        return unknown(format!("No such partition as {topic}-{index}"));
    }
    let partition = found.partition(PartitionIndex(index)).map(|partition| &**partition);
    let (error_code, message) = outcome(image, partition, election);
    result(index, error_code, message.to_owned())
}

fn outcome(
    image: &Image,
    partition: Option<&PartitionImage>,
    election: Election,
) -> (ErrorCode, &'static str) {
    let leader = partition.and_then(|p| p.leader).filter(|leader| image.alive(*leader));
    let preferred = partition.and_then(|p| p.replicas.first().copied());
    match election {
        Election::Preferred if leader.is_some() && leader == preferred => {
            (ErrorCode::ElectionNotNeeded, "The preferred replica leads already.")
        }
        Election::Preferred => (
            ErrorCode::PreferredLeaderNotAvailable,
            "The preferred replica is not in sync, or its broker is not running.",
        ),
        Election::Unclean if leader.is_some() => {
            (ErrorCode::ElectionNotNeeded, "The partition has a leader.")
        }
        Election::Unclean => (
            ErrorCode::EligibleLeadersNotAvailable,
            "No replica in sync is alive, and unclean elections are not supported yet.",
        ),
    }
}

fn result(partition_id: i32, error_code: ErrorCode, message: String) -> PartitionResult {
    PartitionResult { partition_id, error_code, error_message: Some(message.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(image: &Image, request: &ElectLeadersRequest) -> Vec<(String, Vec<(i32, ErrorCode)>)> {
        let mut results = respond(image, request).replica_election_results;
        results.sort_by(|a, b| a.topic.cmp(&b.topic));
        let partition = |p: &PartitionResult| (p.partition_id, p.error_code);
        results
            .iter()
            .map(|r| (r.topic.to_string(), r.partition_result.iter().map(partition).collect()))
            .collect()
    }

    #[test]
    fn leaders_that_lead_need_no_election_and_others_get_none() {
        let image = Image::default().with_broker(1, 5);
        let image = image.with_topic("led", 1, &[1]).with_topic("lost", 1, &[9]);
        let all = |election_type| ElectLeadersRequest {
            election_type,
            topic_partitions: None,
            ..ElectLeadersRequest::default()
        };
        let lost = |code| vec![("led".to_owned(), vec![]), ("lost".to_owned(), vec![(0, code)])];
        assert_eq!(codes(&image, &all(0)), lost(ErrorCode::PreferredLeaderNotAvailable));
        assert_eq!(codes(&image, &all(1)), lost(ErrorCode::EligibleLeadersNotAvailable));
        let leader = image.partition("led", PartitionIndex(0)).map(|p| &**p);
        let not_needed = ErrorCode::ElectionNotNeeded;
        assert_eq!(outcome(&image, leader, Election::Preferred).0, not_needed);
        assert_eq!(outcome(&image, leader, Election::Unclean).0, not_needed);
        assert_eq!(respond(&image, &all(9)).error_code, ErrorCode::InvalidRequest);
    }
}
