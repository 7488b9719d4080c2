//! One watch stream of etcd, in our terms.

use super::{Change, assemble::Assembler};
use crate::{
    client::Client,
    endpoint::Lane,
    failure::Failure,
    kv::{KeyRange, KeyValue, ModRevision, Revision},
    list::MAX_REPLY_BYTES,
};
use etcd_client::{
    EventType, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream,
};

/// Why a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// etcd no longer has the revision to start from.
    Compacted,
    /// The connection, the member or its leader is gone, or access was denied.
    Failed(String),
}

/// A stream of the changes after a revision.
pub(super) struct Stream {
    client: Client,
    requests: WatchRequestSender,
    replies: WatchResponseStream,
    assembler: Assembler,
}

impl Stream {
    /// Opens a stream of all changes later than `after` at one endpoint.
    pub(super) async fn open(
        client: &Client,
        endpoint: usize,
        range: &KeyRange,
        after: Revision,
    ) -> Result<Self, Failure> {
        let key = range.from.to_vec();
        let options = WatchOptions::new()
            .with_range(range.to.to_vec())
            .with_start_revision(after.0 + 1)
            .with_progress_notify()
            .with_fragment();
        let limit = client.config().attempt_timeout;
        let opened =
            client.attempt(Lane::Watches, endpoint, limit, client.deadline(), |etcd| async move {
                let mut watch = etcd.watch_client().max_decoding_message_size(MAX_REPLY_BYTES);
                watch.watch(key, Some(options)).await
            });
        let (requests, replies) = opened.await?.split();
        Ok(Self { client: client.clone(), requests, replies, assembler: Assembler::default() })
    }

    /// The next changes of whole revisions; none where etcd only showed that it is alive. May be
    /// dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Vec<Change>, StreamEnd> {
        match self.replies.message().await {
            Ok(Some(reply)) => {
                let revision =
                    Revision(reply.0.header.as_ref().map_or(0, |header| header.revision));
                let observed = self.client.history().observe(revision);
                observed.map_err(|jump| StreamEnd::Failed(jump.to_string()))?;
                self.read(reply)
            }
            Ok(None) => Err(StreamEnd::Failed("etcd closed the stream".into())),
            Err(error) => Err(StreamEnd::Failed(Failure::of(&error).reason())),
        }
    }

    /// Asks etcd for a sign of life. What it answers is not used as a position: etcd before 3.4.25
    /// and 3.5.8 may answer with a revision whose events it has yet to send (etcd-io/etcd#15220).
    pub(super) async fn request_progress(&mut self) -> Result<(), StreamEnd> {
        let requested = self.requests.request_progress().await;
        requested.map_err(|error| StreamEnd::Failed(error.to_string()))
    }

    fn read(&mut self, reply: WatchResponse) -> Result<Vec<Change>, StreamEnd> {
        if reply.compact_revision() > 0 {
            return Err(StreamEnd::Compacted);
        }
        if reply.canceled() {
            return Err(StreamEnd::Failed(format!(
                "etcd ended the watch: {}",
                reply.cancel_reason()
            )));
        }
        let (fragment, events) = (reply.0.fragment, reply.0.events);
        let changes = events.into_iter().filter_map(|event| {
            let kv = KeyValue::from(etcd_client::KeyValue(event.kv?));
            Some(match event.r#type {
                kind if kind == EventType::Delete as i32 => {
                    Change::Delete { key: kv.key, mod_revision: ModRevision(kv.mod_revision.0) }
                }
                _ => Change::Put(kv),
            })
        });
        Ok(self.assembler.push(changes.collect(), fragment))
    }
}
