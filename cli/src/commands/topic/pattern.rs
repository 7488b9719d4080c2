//! Finds the topics that `--topic` selects: the one with this name or, as in Kafka's tools, all
//! that match it as a regular expression. An exact name wins, so that `--delete --topic my.topic`
//! does not delete `my-topic` as well.

use anyhow::{Context, bail};
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::metadata::{MetadataResponse, MetadataResponseTopic};
use regex::Regex;

use barnabas_client::{ClientError, Cluster};

/// The topics that `name` selects, sorted; all topics if there is no name.
pub(crate) async fn topics(
    cluster: &Cluster,
    name: Option<&str>,
) -> anyhow::Result<Vec<MetadataResponseTopic>> {
    let Some(name) = name else { return Ok(sorted(cluster.metadata(None).await?)) };
    let exact = sorted(cluster.metadata(Some(&[name])).await?);
    if !exact.is_empty() {
        return Ok(exact);
    }
    let pattern = pattern(name)?;
    Ok(matching(sorted(cluster.metadata(None).await?), &pattern))
}

/// The topics that `name` selects; an error if there is none, unless `lenient`.
pub(super) async fn existing(
    cluster: &Cluster,
    name: &str,
    lenient: bool,
) -> anyhow::Result<Vec<MetadataResponseTopic>> {
    let topics = topics(cluster, Some(name)).await?;
    topics.iter().try_for_each(|topic| ClientError::check(topic.error_code, None))?;
    if topics.is_empty() && !lenient {
        bail!("Topic '{name}' does not exist as expected");
    }
    Ok(topics)
}

pub(super) fn name_of(topic: &MetadataResponseTopic) -> &str {
    topic.name.as_deref().unwrap_or_default()
}

/// Matches whole names. As in Kafka's tools, commas separate alternatives and quotes are removed.
pub(crate) fn pattern(text: &str) -> anyhow::Result<Regex> {
    let bare = text.trim().replace(',', "|").replace(['"', '\'', ' '], "");
    Regex::new(&format!("^(?:{bare})$"))
        .with_context(|| format!("{text} is not a regular expression"))
}

fn matching(topics: Vec<MetadataResponseTopic>, pattern: &Regex) -> Vec<MetadataResponseTopic> {
    topics.into_iter().filter(|topic| pattern.is_match(name_of(topic))).collect()
}

fn sorted(response: MetadataResponse) -> Vec<MetadataResponseTopic> {
    // The broker refuses a pattern as the name of a topic.
    let unknown = [ErrorCode::UnknownTopicOrPartition, ErrorCode::InvalidTopicException];
    let mut topics = response.topics;
    topics.retain(|topic| !unknown.contains(&topic.error_code));
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    topics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_kafkas_tools_read_them() {
        for (text, yes, no) in [
            ("a.*", "abc", "xabc"),
            ("a|b", "b", "ab"),
            ("a,b", "b", "a,b"),
            ("\"a\", 'b'", "b", "\"a\""),
        ] {
            let pattern = pattern(text).expect(text);
            assert!(pattern.is_match(yes) && !pattern.is_match(no), "{text}");
        }
        assert!(pattern("*").is_err());
    }
}
