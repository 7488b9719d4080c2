//! The keys under a prefix, and every change to them, for ever.
//!
//! ```text
//!  list at R ──► Snapshot(R) ──► stream from R+1 ──► Changes ── Changes ── ...
//!     ▲                              │  stream ends: resume at last + 1, at the next endpoint
//!     └── compacted meanwhile ◄──────┤
//!         or the periodic read ◄─────┘  finds a difference that the stream did not tell
//! ```
//! A watch is a hint, late by as much as etcd and the network are. It is never wrong about the
//! past, and the periodic read makes sure that nothing stays wrong for long, whatever got lost on
//! the way.

mod assemble;
mod stream;
mod task;
mod view;

use crate::{
    client::Client,
    kv::{KeyRange, KeyValue, Listing, ModRevision, Revision},
};
use bytes::Bytes;
use task::Task;
use tokio::{sync::mpsc, task::JoinHandle};

/// What happened to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key was created or written.
    Put(KeyValue),
    /// The key was deleted, or its lease went.
    Delete {
        /// The key that is gone.
        key: Bytes,
        /// The revision at which it went.
        mod_revision: ModRevision,
    },
}

impl Change {
    /// The key that changed.
    #[must_use]
    pub const fn key(&self) -> &Bytes {
        match self {
            Self::Put(kv) => &kv.key,
            Self::Delete { key, .. } => key,
        }
    }

    /// The revision at which it changed.
    #[must_use]
    pub const fn mod_revision(&self) -> ModRevision {
        match self {
            Self::Put(kv) => kv.mod_revision,
            Self::Delete { mod_revision, .. } => *mod_revision,
        }
    }
}

/// What a [`PrefixWatch`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// All keys as of one revision: first of all, and whenever the history is not available or was
    /// not enough. Replaces everything known; keys that are missing here are gone.
    Snapshot(Listing),
    /// Changes of one or more whole revisions, in order; a key may occur more than once.
    Changes {
        /// The last of these revisions.
        revision: Revision,
        /// The changes; never part of what one transaction changed.
        changes: Vec<Change>,
    },
}

/// Events that wait for a slow reader before the stream from etcd is no longer read.
const QUEUE: usize = 16;

/// A watch of all keys under a prefix. It resumes by itself and ends when it is dropped.
#[derive(Debug)]
pub struct PrefixWatch {
    events: mpsc::Receiver<WatchEvent>,
    task: JoinHandle<()>,
}

impl Client {
    /// Watches all keys that start with `prefix`. The first event is a snapshot, as soon as etcd is
    /// there.
    #[must_use]
    pub fn watch_prefix(&self, prefix: impl Into<Bytes>) -> PrefixWatch {
        self.watch(KeyRange::prefix(&prefix.into()))
    }

    /// Watches all keys from `from` up to but without `to`, as [`Client::watch_prefix`] does those
    /// of a prefix: for neighbouring prefixes whose changes are wanted in one order.
    #[must_use]
    pub fn watch_range(&self, from: impl Into<Bytes>, to: impl Into<Bytes>) -> PrefixWatch {
        self.watch(KeyRange { from: from.into(), to: to.into() })
    }

    fn watch(&self, range: KeyRange) -> PrefixWatch {
        let (publish, events) = mpsc::channel(QUEUE);
        let task = tokio::spawn(Task::new(self.clone(), range, publish).run());
        PrefixWatch { events, task }
    }
}

impl PrefixWatch {
    /// The next event. May be dropped while it waits without losing one.
    pub async fn next(&mut self) -> WatchEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The task ends only with the runtime.
            None => std::future::pending().await,
        }
    }
}

impl Drop for PrefixWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
