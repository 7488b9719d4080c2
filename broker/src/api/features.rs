//! The features that the cluster has agreed on, in Kafka's terms.

/// The feature by which tools tell which release of Kafka the cluster behaves like.
pub(super) const METADATA_VERSION: &str = "metadata.version";
/// Kafka's name for this level is 4.3-IV0. It is the only level here, because the cluster keeps
/// nothing in Kafka's own formats. Features that are not listed do not exist here:
/// `transaction.version` and `group.version`, for example.
pub(super) const METADATA_VERSION_LEVEL: i16 = 30;
