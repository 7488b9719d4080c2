//! This broker as a member of its cluster: what its data directory says, and its registration in etcd.

mod cluster_id;
mod lineage;
mod member;
pub(crate) mod meta;
mod registration;
pub(crate) mod seen;

pub use cluster_id::cluster_id;
pub use lineage::{BrokenLineage, Lineage};
pub use member::ClusterMember;
pub use registration::{BrokerIdentity, Registrar, Registration, RegistrationError, register};
