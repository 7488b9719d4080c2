//! What runs in a shard's task: the part that differs between the coordinators of groups and of
//! transactions.

use std::time::Duration;

use barnabas_coordinator_client::{KeyValue, ModRevision};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::keys::CoordinatorKind;
use barnabas_protocol::state::{Keys, StateError};
use bytes::Bytes;

use super::writes::{Finished, Writes};
use crate::config::BrokerConfig;
use crate::metadata::Image;

/// The time of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Now {
    /// Milliseconds since the shard's task started, on a clock that never jumps.
    pub(crate) ms: u64,
    /// Milliseconds since 1970.
    pub(crate) wall_ms: i64,
}

/// What this broker may do with a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: another broker coordinates it.
    NotOwner,
    /// It is this broker's, and is being loaded.
    Loading,
    /// Serve from memory. etcd does not answer, so every write fails at once.
    ReadOnly,
    /// Serve and write.
    Serving,
}

/// The state of one shard and the decisions about it. It does no I/O: it pushes changes into its
/// [`Writes`], and the shard's task sends them and reports the results.
pub(crate) trait Service: Send + 'static {
    /// Which claims in etcd are its own.
    const KIND: CoordinatorKind;
    /// How logs and errors call it.
    const NAME: &'static str;
    /// A request, with the channel for its reply.
    type Request: Send + 'static;
    /// One value that was read from etcd.
    type Loaded: Send + Sync + 'static;
    /// What becomes true in memory once a change has been written.
    type Effect: Send;
    /// Who waits for the changes of one request.
    type Reply: Send;

    /// Prefix of all keys that services of this kind keep in etcd.
    fn prefix(keys: &Keys) -> String;

    /// Reads a key and its value: the id that decides the shard, and the content. `None` for keys
    /// that are not served.
    ///
    /// # Errors
    /// When the value cannot be understood.
    fn parse(keys: &Keys, entry: &KeyValue) -> Result<Option<(Str, Self::Loaded)>, StateError>;

    /// The topic that a loaded value belongs to, if the image does not know it.
    fn unknown_topic<'a>(loaded: &'a Self::Loaded, image: &Image) -> Option<&'a Str>;

    /// How long one write to etcd may take.
    fn write_timeout(config: &BrokerConfig) -> Duration;

    /// The changes on their way to etcd.
    fn writes(&mut self) -> &mut Writes<Self::Effect, Self::Reply>;

    /// Handles a request, or refuses it as the standing demands.
    fn handle(&mut self, now: Now, standing: Standing, request: Self::Request);

    /// Takes over what etcd holds for this shard.
    fn load(&mut self, now: Now, loaded: Vec<Self::Loaded>);

    /// Forgets everything and turns away whoever waits: the shard may belong to another broker.
    fn release(&mut self, now: Now);

    /// A change is in etcd.
    fn apply(&mut self, effect: Self::Effect);

    /// All changes of a request are written or have failed.
    fn finish(&mut self, now: Now, finished: Finished<Self::Reply>);

    /// When [`Service::tick`] has to be called next, as [`Now::ms`].
    fn wake_at_ms(&self) -> u64;

    /// Does what is due.
    fn tick(&mut self, now: Now);
}

/// A key as it was read from etcd.
#[derive(Debug)]
pub(super) struct LoadedKey<L> {
    pub(super) key: Bytes,
    pub(super) revision: ModRevision,
    pub(super) value: L,
}
