//! Which names a topic may have (Kafka's rules and words).

use crate::metadata::{Image, similar_form};

/// Longest name, in characters: with a partition number it had to fit into a file name.
const MAX_LENGTH: usize = 249;

/// Kafka's own metadata log: nobody may create a topic of this name.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Topics in which Kafka keeps what this cluster keeps in etcd. They do not exist here, and no
/// ordinary topic may have their names.
const INTERNAL_TOPICS: [&str; 3] =
    ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// Kafka answers INVALID_TOPIC_EXCEPTION.
    Invalid(String),
    /// Kafka answers INVALID_REQUEST.
    Prohibited(String),
}

/// Checks a new topic's name by itself and against the topics that exist.
pub(super) fn check(name: &str, view: &Image) -> Result<(), NameError> {
    if name == METADATA_TOPIC {
        let message = format!("Creation of internal topic {name} is prohibited.");
        return Err(NameError::Prohibited(message));
    }
    if let Some(flaw) = flaw(name) {
        return Err(NameError::Invalid(format!("Topic name is invalid: {flaw}")));
    }
    if is_internal_topic(name) {
        let message =
            format!("{name} is an internal topic of Kafka, which this cluster does not need.");
        return Err(NameError::Invalid(message));
    }
    match collision(name, view) {
        Some(other) => {
            Err(NameError::Invalid(format!("Topic '{name}' collides with existing topic: {other}")))
        }
        None => Ok(()),
    }
}

/// Whether a topic of this name could exist.
#[must_use]
pub fn is_valid_topic_name(name: &str) -> bool {
    flaw(name).is_none()
}

/// Whether Kafka keeps the name for an internal topic.
#[must_use]
pub fn is_internal_topic(name: &str) -> bool {
    INTERNAL_TOPICS.contains(&name)
}

/// What is wrong with a name by itself, in Kafka's words.
pub(crate) fn flaw(name: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Some("the empty string is not allowed".to_owned())
    } else if name == "." || name == ".." {
        Some(format!("'{name}' is not allowed"))
    } else if name.encode_utf16().count() > MAX_LENGTH {
        Some(format!("the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"))
    } else if !name.chars().all(legal) {
        Some(format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ))
    } else {
        None
    }
}

/// A topic with another name that differs only in '.' and '_': their metrics would be the same. A
/// topic of exactly this name is no collision.
fn collision<'a>(name: &str, view: &'a Image) -> Option<&'a str> {
    let form = similar_form(name).filter(|_| view.topic(name).is_none())?;
    view.similar_names.get(&form)?.first().map(|other| &**other)
}
