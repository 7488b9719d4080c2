//! This broker as a member of its cluster: what its data directory says, and its registration in
//! etcd.

mod announcement;
mod cluster;
mod life;
mod lineage;
mod member;
pub(crate) mod meta;
mod registrar;
mod registration;
pub(crate) mod seen;

pub use cluster::{ClusterSettings, Disagreement, join_cluster};
pub use life::LifeFile;
pub use lineage::{BrokenLineage, Lineage};
pub use member::ClusterMember;
pub use registrar::Registrar;
pub use registration::{BrokerIdentity, Registration, RegistrationError, is_stale, register};
