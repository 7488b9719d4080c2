//! The controller: the one elected broker that creates, alters and deletes topics and elects
//! partition leaders.
//!
//! ```text
//! api handlers ─ControllerHandle (bounded queue)─▶ service ─▶ plan/* (pure: view + event → changes)
//!                                       image changes ─┘         └─▶ apply (fenced etcd transactions)
//! ```
//!
//! It holds no state of its own: its view is the metadata image, and every write carries the
//! compares that make a stale view harmless (`create_revision(/controller)` and the expected
//! revision of each key).

mod apply;
mod batch;
mod clock;
mod encode;
mod error;
mod handle;
mod pending;
mod plan;
mod producer_ids;
mod request;
mod service;
mod term;
mod upkeep;

pub use error::{
    AlterConfigError, ControllerError, CreatePartitionsError, CreateTopicError, DeleteTopicError,
};
pub use handle::ControllerHandle;
pub use pending::ControllerOptions;
pub(crate) use plan::assign_replicas::check_manual as check_assignment;
pub(crate) use plan::topic_name::flaw as topic_name_flaw;
pub use plan::topic_name::{is_internal_topic, is_valid_topic_name};
pub use producer_ids::{ProducerIdAllocator, ProducerIdError};
pub use request::{
    ConfigChange, ConfigOp, ConfigResource, CreatedPartitions, CreatedTopic, DeletedTopic,
    NewPartitions, NewTopic, TopicRef,
};
pub use service::{Controller, ControllerParts};
