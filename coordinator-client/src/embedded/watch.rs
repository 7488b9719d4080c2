//! The watches of one stream: which keys each wants, how far each has got, what it is told next.
//!
//! Pull, not push: a watch that lags costs nothing but its place in the history, and if compaction
//! overtakes it, it is told so and ends, as in etcd.

use std::collections::BTreeMap;

use etcd_client::proto::{PbEvent, PbKeyValue, PbWatchResponse};
use prost::Message;

use super::{
    history::{Change, History},
    key_range::KeyRange,
    range::{header, key_value},
};

/// A response is closed when it has more than so many bytes. One revision is never split.
const RESPONSE_BYTES: usize = 1 << 20;
/// Watches on one stream.
const MAX_WATCHES: usize = 10_000;
/// The watch id of responses that concern the stream, or no watch.
const NO_WATCH: i64 = -1;
// The numbers of etcd's enums `EventType` and `FilterType`.
const EVENT_PUT: i32 = 0;
const EVENT_DELETE: i32 = 1;
const FILTER_NO_PUT: i32 = 0;
const FILTER_NO_DELETE: i32 = 1;

/// What a client asks for.
#[derive(Debug, Clone)]
pub(crate) struct WatchSpec {
    /// 0 lets the server choose.
    pub(crate) id: i64,
    pub(crate) range: KeyRange,
    /// 0: from now on.
    pub(crate) start_revision: i64,
    pub(crate) filters: Vec<i32>,
    pub(crate) prev_kv: bool,
    pub(crate) progress_notify: bool,
}

#[derive(Debug)]
struct Watch {
    range: KeyRange,
    /// The first revision that it has not been told.
    next: i64,
    no_put: bool,
    no_delete: bool,
    prev_kv: bool,
    progress_notify: bool,
    /// Whether it was told something since the last progress notification.
    busy: bool,
}

/// The watches of one stream.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    watches: BTreeMap<i64, Watch>,
    next_id: i64,
}

impl Watches {
    /// Starts a watch; the response says whether that worked.
    pub(crate) fn create(&mut self, spec: WatchSpec, history: &History) -> PbWatchResponse {
        let refused = self.refusal(&spec);
        let created = PbWatchResponse {
            header: header(history.revision()),
            watch_id: NO_WATCH,
            created: true,
            ..PbWatchResponse::default()
        };
        if let Some(reason) = refused {
            return PbWatchResponse { canceled: true, cancel_reason: reason.to_owned(), ..created };
        }
        let id = if spec.id == 0 { self.free_id() } else { spec.id };
        let next = match spec.start_revision {
            start if start <= 0 => history.revision() + 1,
            start => start,
        };
        let watch = Watch {
            range: spec.range,
            next,
            no_put: spec.filters.contains(&FILTER_NO_PUT),
            no_delete: spec.filters.contains(&FILTER_NO_DELETE),
            prev_kv: spec.prev_kv,
            progress_notify: spec.progress_notify,
            busy: false,
        };
        self.watches.insert(id, watch);
        PbWatchResponse { watch_id: id, ..created }
    }

    fn refusal(&self, spec: &WatchSpec) -> Option<&'static str> {
        if spec.range.is_empty() {
            Some("mvcc: watcher range is empty")
        } else if spec.id != 0 && self.watches.contains_key(&spec.id) {
            Some("mvcc: duplicate watch ID provided on the WatchStream")
        } else if self.watches.len() >= MAX_WATCHES {
            Some("too many watches on one stream")
        } else {
            None
        }
    }

    fn free_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        self.next_id - 1
    }

    /// Ends watch `id`; `None` if there is none.
    pub(crate) fn cancel(&mut self, id: i64, history: &History) -> Option<PbWatchResponse> {
        self.watches.remove(&id).map(|_| PbWatchResponse {
            header: header(history.revision()),
            watch_id: id,
            canceled: true,
            ..PbWatchResponse::default()
        })
    }

    /// The next thing to tell, `None` if every watch knows all that `history` holds.
    pub(crate) fn poll(&mut self, history: &History) -> Option<PbWatchResponse> {
        let overtaken = |watch: &Watch| watch.next < history.compacted();
        let lost = self.watches.iter().find(|(_, watch)| overtaken(watch));
        if let Some(id) = lost.map(|(id, _)| *id) {
            self.watches.remove(&id);
            return Some(PbWatchResponse {
                header: header(history.revision()),
                watch_id: id,
                canceled: true,
                compact_revision: history.compacted(),
                ..PbWatchResponse::default()
            });
        }
        self.watches.iter_mut().find_map(|(id, watch)| {
            let events = watch.collect(history);
            (!events.is_empty()).then(|| PbWatchResponse {
                header: header(watch.next - 1),
                watch_id: *id,
                events,
                ..PbWatchResponse::default()
            })
        })
    }

    /// The answer to a progress request. Only right after [`poll`](Self::poll) had nothing.
    pub(crate) fn progress(history: &History) -> PbWatchResponse {
        PbWatchResponse {
            header: header(history.revision()),
            watch_id: NO_WATCH,
            ..PbWatchResponse::default()
        }
    }

    /// Whether any watch wants to be told its progress now and then.
    pub(crate) fn want_progress(&self) -> bool {
        self.watches.values().any(|watch| watch.progress_notify)
    }

    /// What the watches are told that want it and heard nothing since the last call. Only right
    /// after [`poll`](Self::poll) had nothing.
    pub(crate) fn notify_progress(&mut self, history: &History) -> Vec<PbWatchResponse> {
        let wanting = self.watches.iter_mut().filter(|(_, watch)| watch.progress_notify);
        let quiet = wanting.filter_map(|(id, watch)| {
            (!std::mem::take(&mut watch.busy))
                .then(|| PbWatchResponse { watch_id: *id, ..Self::progress(history) })
        });
        quiet.collect()
    }
}

impl Watch {
    /// What happened from `next` on, as much as fits; moves `next` behind it.
    fn collect(&mut self, history: &History) -> Vec<PbEvent> {
        let mut events = Vec::new();
        let mut bytes = 0;
        for commit in history.since(self.next) {
            for change in commit.changes.iter().filter(|change| self.wants(change)) {
                // What came before the compacted revision is gone.
                let prev_kv = self.prev_kv && commit.revision > history.compacted();
                let event = event(change, prev_kv);
                bytes += event.encoded_len();
                events.push(event);
            }
            self.next = commit.revision + 1;
            if bytes > RESPONSE_BYTES {
                break;
            }
        }
        self.busy |= !events.is_empty();
        events
    }

    fn wants(&self, change: &Change) -> bool {
        let filtered = if change.version.is_tombstone() { self.no_delete } else { self.no_put };
        !filtered && self.range.contains(&change.key)
    }
}

fn event(change: &Change, prev_kv: bool) -> PbEvent {
    let previous = change.previous.as_ref().filter(|_| prev_kv);
    let prev_kv = previous.map(|previous| key_value(&change.key, previous));
    if change.version.is_tombstone() {
        let kv = PbKeyValue {
            key: change.key.to_vec(),
            mod_revision: change.version.mod_revision,
            ..PbKeyValue::default()
        };
        PbEvent { r#type: EVENT_DELETE, kv: Some(kv), prev_kv }
    } else {
        let kv = key_value(&change.key, &change.version);
        PbEvent { r#type: EVENT_PUT, kv: Some(kv), prev_kv }
    }
}
