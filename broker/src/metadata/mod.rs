//! What this broker believes about the cluster: an immutable [`Image`] of the keys in etcd,
//! replaced as they change.
//!
//! ```text
//! etcd ──watch──▶ watcher (task) ──▶ delta (pure: image + changes → image) ──▶ ImageHandle (readers)
//! ```
//!
//! The image is a belief, never a permission: it may be a moment behind, and while etcd is away it
//! stays as it was. What guards a write is always the compares of its transaction
//! (`controller/apply`, `partition`).

mod changes;
pub mod delta;
#[cfg(test)]
mod fixture;
mod handle;
mod held_data;
mod image;
mod overrides;
mod topic;
mod watcher;

pub use barnabas_coordinator_client::Revision;
pub use handle::{ImageHandle, ImagePublisher, WatcherStopped};
pub use held_data::{Absence, HeldData};
pub use image::{
    BrokerImage, BrokerStateImage, DeletedTopicImage, EndpointImage, Image, RestoredImage,
};
pub use topic::{ConfigImage, IsrMember, PartitionImage, TopicImage, TopicName};
pub use watcher::Watcher;

pub(crate) use delta::similar_form;
#[cfg(test)]
pub(crate) use topic::EndedTopic;
pub(crate) use topic::TopicRemains;
