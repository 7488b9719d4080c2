//! DeleteTopics (versions 1 to 6): by name, and since version 6 by id (KIP-516).

use std::collections::HashSet;

use barnabas_protocol::kafka::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::TopicId;
use uuid::Uuid;

use super::topics::{DUPLICATE_NAME, deadline, repeated};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::controller::{DeleteTopicError, DeletedTopic, TopicRef};
use crate::metadata::Image;

/// Deletes the topics of the request, each by itself.
pub(crate) async fn handle(
    context: &RequestContext,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let broker = context.broker();
    if !broker.config().delete_topic_enable {
        return disabled(named(request), context.version);
    }
    let deadline = deadline(request.timeout_ms);
    let Sorted { asked, mut responses } = sort(named(request), &broker.image());
    let topics = asked.iter().map(topic_ref).collect();
    let results = broker.controller.delete_topics(topics, deadline).await;
    if let Some(last) = results.iter().flatten().map(|deleted| deleted.revision).max() {
        broker.wait_for(last).await;
    }
    responses.extend(asked.iter().zip(results).map(|(topic, result)| answer(topic, result)));
    DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() }
}

/// The topics of the request, in whichever field its version has them.
fn named(request: DeleteTopicsRequest) -> Vec<DeleteTopicState> {
    let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::nil() };
    let names = request.topic_names.into_iter().map(by_name);
    request.topics.into_iter().chain(names).collect()
}

/// `delete.topic.enable=false`: one answer for each topic, whatever it is, and no words. The error
/// is younger than the first versions.
fn disabled(topics: Vec<DeleteTopicState>, version: i16) -> DeleteTopicsResponse {
    let error_code =
        if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
    let answer = |topic: DeleteTopicState| DeletableTopicResult {
        name: topic.name,
        topic_id: topic.topic_id,
        error_code,
        error_message: None,
    };
    let responses = topics.into_iter().map(answer).collect();
    DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() }
}

/// The topics for the controller, and the refusals that need no controller.
#[derive(Debug, PartialEq)]
struct Sorted {
    asked: Vec<DeleteTopicState>,
    responses: Vec<DeletableTopicResult>,
}

/// Refuses, as Kafka does, topics that are named in no way, in both ways, or twice.
fn sort(topics: Vec<DeleteTopicState>, image: &Image) -> Sorted {
    let by_name = topics.iter().filter(|topic| topic.topic_id.is_nil());
    let names = repeated(by_name.filter_map(|topic| topic.name.clone()));
    let by_id = topics.iter().filter(|topic| topic.name.is_none() && !topic.topic_id.is_nil());
    let ids = repeated(by_id.map(|topic| topic.topic_id));
    let flaw = |topic: &DeleteTopicState| match (&topic.name, topic.topic_id.is_nil()) {
        (None, true) => Some("Neither topic name nor id were specified."),
        (Some(_), false) => Some("You may not specify both topic name and topic id."),
        (Some(name), true) => names.contains(name).then_some(DUPLICATE_NAME),
        (None, false) => ids.contains(&topic.topic_id).then_some("Duplicate topic id."),
    };
    let (flawed, asked): (Vec<_>, Vec<_>) =
        topics.into_iter().partition(|topic| flaw(topic).is_some());
    let refuse = |topic: &DeleteTopicState| {
        let message = flaw(topic).unwrap_or(DUPLICATE_NAME);
        refused(topic, ErrorCode::InvalidRequest, message)
    };
    let mut answered = HashSet::new();
    // A topic that is named twice is answered once.
    let once = flawed.iter().filter(|topic| answered.insert((&topic.name, topic.topic_id)));
    let mut responses: Vec<_> = once.map(refuse).collect();
    let (asked, named_twice) = without_both(asked, image);
    responses.extend(named_twice);
    Sorted { asked, responses }
}

/// Takes out topics that are given by their name and by their id: one answer for both.
fn without_both(
    asked: Vec<DeleteTopicState>,
    image: &Image,
) -> (Vec<DeleteTopicState>, Vec<DeletableTopicResult>) {
    let id_of = |topic: &DeleteTopicState| Some(image.topic(topic.name.as_ref()?)?.id.0);
    let given: HashSet<_> = asked.iter().map(|topic| topic.topic_id).collect();
    let both: HashSet<_> = asked.iter().filter_map(id_of).filter(|id| given.contains(id)).collect();
    let message = "The provided topic name maps to an ID that was already supplied.";
    let responses = asked.iter().filter_map(|topic| {
        let topic_id = id_of(topic).filter(|id| both.contains(id))?;
        let named = DeleteTopicState { name: topic.name.clone(), topic_id };
        Some(refused(&named, ErrorCode::InvalidRequest, message))
    });
    let responses = responses.collect();
    let once = |topic: &DeleteTopicState| !both.contains(&id_of(topic).unwrap_or(topic.topic_id));
    (asked.into_iter().filter(once).collect(), responses)
}

fn topic_ref(topic: &DeleteTopicState) -> TopicRef {
    match &topic.name {
        Some(name) => TopicRef::Name(name.to_string()),
        None => TopicRef::Id(TopicId(topic.topic_id)),
    }
}

fn answer(
    topic: &DeleteTopicState,
    result: Result<DeletedTopic, DeleteTopicError>,
) -> DeletableTopicResult {
    match result {
        Ok(deleted) => DeletableTopicResult {
            name: Some(deleted.name),
            topic_id: deleted.id.0,
            ..DeletableTopicResult::default()
        },
        Err(error) => refused(topic, error_map::delete_topic(&error), &error.to_string()),
    }
}

fn refused(topic: &DeleteTopicState, error_code: ErrorCode, message: &str) -> DeletableTopicResult {
    let DeleteTopicState { name, topic_id } = topic.clone();
    DeletableTopicResult { name, topic_id, error_code, error_message: Some(Str::from(message)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: Option<&str>, id: u128) -> DeleteTopicState {
        DeleteTopicState { name: name.map(Str::from), topic_id: Uuid::from_u128(id) }
    }

    fn invalid(name: Option<&str>, id: u128, message: &str) -> DeletableTopicResult {
        refused(&topic(name, id), ErrorCode::InvalidRequest, message)
    }

    #[test]
    fn where_deletion_is_disabled_every_topic_is_told_so() {
        let topics = vec![topic(Some("a"), 0), topic(Some("a"), 0), topic(None, 7)];
        for (version, code) in
            [(2, ErrorCode::InvalidRequest), (6, ErrorCode::TopicDeletionDisabled)]
        {
            let answers = disabled(topics.clone(), version).responses;
            assert_eq!(answers.iter().map(|a| a.error_code).collect::<Vec<_>>(), [code; 3]);
            let named = answers
                .iter()
                .map(|a| DeleteTopicState { name: a.name.clone(), topic_id: a.topic_id });
            assert!(named.eq(topics.clone()));
        }
    }

    #[test]
    fn topics_named_in_no_way_or_twice_are_refused() {
        // The image's topic "t" has the sum of its name's bytes as its id.
        let image = Image::default().with_broker(1, 5).with_topic("t", 1, &[1]);
        let id = u128::from(b't');
        let (a, b, c) = (|| topic(Some("a"), 0), || topic(None, 7), || topic(Some("c"), 0));
        let sorted =
            sort(vec![a(), b(), c(), a(), topic(None, 0), b(), topic(Some("a"), 9)], &image);
        let refused = [
            invalid(Some("a"), 0, "Duplicate topic name."),
            invalid(None, 7, "Duplicate topic id."),
            invalid(None, 0, "Neither topic name nor id were specified."),
            invalid(Some("a"), 9, "You may not specify both topic name and topic id."),
        ];
        assert_eq!(sorted, Sorted { asked: vec![c()], responses: refused.to_vec() });
        let sorted = sort(vec![c(), topic(Some("t"), 0), topic(None, id)], &image);
        let message = "The provided topic name maps to an ID that was already supplied.";
        let refused = vec![invalid(Some("t"), id, message)];
        assert_eq!(sorted, Sorted { asked: vec![c()], responses: refused });
        let all = vec![topic(Some("t"), 0), b(), c()];
        assert_eq!(sort(all.clone(), &image), Sorted { asked: all, responses: vec![] });
    }
}
