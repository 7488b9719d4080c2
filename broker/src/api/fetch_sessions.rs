//! Fetch sessions (KIP-227): a client names its partitions once, then only what changes, and is
//! told only about partitions that changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{
    FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, PartitionData,
};
use barnabas_protocol::state::ids::TopicId;
use parking_lot::Mutex;

/// A session may be taken from its client after this much idleness, when others need room (as in
/// Kafka).
const EVICT_AFTER: Duration = Duration::from_secs(120);
/// Partitions over all sessions; more than this, and clients do without a session.
const MAX_PARTITIONS: usize = 1_000_000;
/// A name that is longer than that of any topic counts as so many more partitions.
const NAME_BYTES: usize = 256;

/// A partition as the request names it: by name up to version 12, by id from 13 on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PartitionKey {
    pub(crate) topic: Str,
    pub(crate) topic_id: TopicId,
    pub(crate) index: i32,
}

/// A partition to fetch, and what the client was last told of it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) key: PartitionKey,
    /// The name that the topic of an id had when it was added; empty if there was none, or if the
    /// key has the name.
    pub(crate) name: Str,
    pub(crate) fetch: FetchPartition,
    /// High watermark and log start offset in the last reply.
    told: Option<(i64, i64)>,
}

/// The kind of a request.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Mode {
    /// Everything is named and everything is answered. The reply carries this session id, or 0.
    Full(i32),
    /// Only changes are answered.
    Incremental(i32),
}

#[derive(Debug)]
struct Session {
    epoch: i32,
    /// Whether topics are named by their ids.
    by_id: bool,
    wanted: Vec<Wanted>,
}

/// A session in the cache. Locks are taken in this order: the session, then the cache.
#[derive(Debug)]
struct CachedSession {
    session: Arc<Mutex<Session>>,
    used: Instant,
    /// As it was last counted.
    size: usize,
}

/// All sessions, with what they take together.
#[derive(Debug, Default)]
struct SessionCache {
    by_id: HashMap<i32, CachedSession>,
    size: usize,
}

/// All sessions of this broker.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    cache: Mutex<SessionCache>,
}

impl FetchSessions {
    /// Room for `slots` sessions (`max.incremental.fetch.session.cache.slots`).
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots, cache: Mutex::default() }
    }

    /// Finds out what the request wants: its partitions, those of its session with its changes, or
    /// an error.
    pub(crate) fn begin(
        &self,
        request: &mut FetchRequest,
        by_id: bool,
        now: Instant,
        new_id: impl FnMut() -> i32,
    ) -> Result<(Mode, Vec<Wanted>), ErrorCode> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        if epoch != 0 && epoch != -1 {
            return self.go_on(request, by_id, now);
        }
        let mut all = Session { epoch: 1, by_id, wanted: Vec::new() };
        all.add(wanted(std::mem::take(&mut request.topics)));
        let wanted = all.wanted.clone();
        let mut cache = self.cache.lock();
        cache.remove(id);
        let session = if epoch == 0 { cache.open(self.slots, all, now, new_id) } else { 0 };
        Ok((Mode::Full(session), wanted))
    }

    fn go_on(
        &self,
        request: &mut FetchRequest,
        by_id: bool,
        now: Instant,
    ) -> Result<(Mode, Vec<Wanted>), ErrorCode> {
        let id = request.session_id;
        let found = self.find(id, Some(now)).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let mut session = found.lock();
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        session.epoch = next_epoch(session.epoch);
        let forgotten = std::mem::take(&mut request.forgotten_topics_data);
        let topics = std::mem::take(&mut request.topics);
        let named = if forgotten.is_empty() { Vec::new() } else { topics.clone() };
        if !(topics.is_empty() && forgotten.is_empty()) {
            session.add(wanted(topics));
            session.forget(forgotten);
            // The same answer as for an evicted session.
            let fits = self.cache.lock().resize(id, &found, size(&session.wanted));
            if !fits {
                return Err(ErrorCode::FetchSessionIdNotFound);
            }
        }
        if session.wanted.is_empty() {
            self.cache.lock().remove(id);
            // Kafka answers such a request like one without a session, also for what it made the
            // session forget.
            session.add(wanted(named));
            return Ok((Mode::Full(0), std::mem::take(&mut session.wanted)));
        }
        Ok((Mode::Incremental(id), session.wanted.clone()))
    }

    fn find(&self, id: i32, used: Option<Instant>) -> Option<Arc<Mutex<Session>>> {
        let mut cache = self.cache.lock();
        let cached = cache.by_id.get_mut(&id)?;
        cached.used = used.unwrap_or(cached.used);
        Some(Arc::clone(&cached.session))
    }

    /// Decides which answers the client needs to see, and remembers what it is told. Partitions
    /// that had records go to the end, so that the others come first next time.
    pub(crate) fn finish(&self, mode: Mode, answers: &mut Vec<(PartitionKey, PartitionData)>) {
        let (Mode::Full(id) | Mode::Incremental(id)) = mode;
        if id == 0 {
            return;
        }
        let Some(session) = self.find(id, None) else { return };
        session.lock().finish(matches!(mode, Mode::Incremental(_)), answers);
    }
}

impl SessionCache {
    /// Opens a session if there is room or an idle one can be closed; otherwise 0.
    fn open(
        &mut self,
        slots: usize,
        session: Session,
        now: Instant,
        mut new_id: impl FnMut() -> i32,
    ) -> i32 {
        let size = size(&session.wanted);
        if size > MAX_PARTITIONS {
            return 0;
        }
        if self.by_id.len() >= slots || self.size + size > MAX_PARTITIONS {
            let oldest = self.by_id.iter().min_by_key(|(_, cached)| cached.used);
            let Some((&id, _)) =
                oldest.filter(|(_, cached)| now.duration_since(cached.used) >= EVICT_AFTER)
            else {
                return 0;
            };
            self.remove(id);
        }
        let id = loop {
            let id = new_id() & i32::MAX;
            if id != 0 && !self.by_id.contains_key(&id) {
                break id;
            }
        };
        self.size += size;
        self.by_id
            .insert(id, CachedSession { session: Arc::new(Mutex::new(session)), used: now, size });
        id
    }

    /// Updates the size of a session. If there is no room for it, it is removed; false if it is
    /// gone.
    fn resize(&mut self, id: i32, session: &Arc<Mutex<Session>>, size: usize) -> bool {
        // Meanwhile it may have been closed, and even another one opened under its id.
        let cached = self.by_id.get_mut(&id).filter(|cached| Arc::ptr_eq(&cached.session, session));
        let Some(cached) = cached else { return false };
        let grows = size > cached.size;
        self.size = self.size - cached.size + size;
        cached.size = size;
        let fits = !grows || self.size <= MAX_PARTITIONS;
        if !fits {
            self.remove(id);
        }
        fits
    }

    fn remove(&mut self, id: i32) {
        if let Some(cached) = self.by_id.remove(&id) {
            self.size -= cached.size;
        }
    }
}

impl Session {
    fn finish(&mut self, incremental: bool, answers: &mut Vec<(PartitionKey, PartitionData)>) {
        let mut with_records = vec![false; self.wanted.len()];
        // They come in the order of the session, unless another request of it was between.
        let in_order = answers.len() == self.wanted.len()
            && answers.iter().zip(&self.wanted).all(|((key, _), wanted)| *key == wanted.key);
        let places = if in_order { HashMap::new() } else { self.places() };
        let mut next = 0..self.wanted.len();
        answers.retain(|(key, data)| {
            let at = if in_order { next.next() } else { places.get(key).copied() };
            let Some(at) = at else { return true };
            let told = (data.high_watermark, data.log_start_offset);
            let records = data.records.as_ref().is_some_and(|records| !records.is_empty());
            let failed = data.error_code != ErrorCode::None;
            let changed = self.wanted[at].told != Some(told) || data.diverging_epoch.epoch >= 0;
            // After an error the client has to be told again in any case.
            self.wanted[at].told = (!failed).then_some(told);
            with_records[at] = records;
            !incremental || records || failed || changed
        });
        if !with_records.contains(&true) {
            return;
        }
        let mut at = 0;
        let (served, idle): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.wanted).into_iter().partition(|_| {
                at += 1;
                with_records[at - 1]
            });
        self.wanted = idle;
        self.wanted.extend(served);
    }

    /// Where each partition stands.
    fn places(&self) -> HashMap<PartitionKey, usize> {
        self.wanted.iter().enumerate().map(|(at, wanted)| (wanted.key.clone(), at)).collect()
    }

    fn forget(&mut self, topics: Vec<ForgottenTopic>) {
        if topics.is_empty() {
            return;
        }
        let gone: std::collections::HashSet<_> = topics
            .into_iter()
            .flat_map(|topic| {
                let (name, id) = (topic.topic.detach(), TopicId(topic.topic_id));
                topic.partitions.into_iter().map(move |index| PartitionKey {
                    topic: name.clone(),
                    topic_id: id,
                    index,
                })
            })
            .collect();
        self.wanted.retain(|wanted| !gone.contains(&wanted.key));
    }

    /// Adds partitions; one that is there already gets its new place to fetch from. Of one that is
    /// named twice, the last counts.
    fn add(&mut self, added: impl Iterator<Item = Wanted>) {
        let before = self.wanted.len();
        let mut named: HashMap<PartitionKey, usize> = HashMap::new();
        for wanted in added {
            match named.entry(wanted.key.clone()) {
                Entry::Occupied(at) => self.wanted[*at.get()].fetch = wanted.fetch,
                Entry::Vacant(new) => {
                    new.insert(self.wanted.len());
                    self.wanted.push(wanted);
                }
            }
        }
        if before == 0 {
            return;
        }
        let (known, added) = self.wanted.split_at_mut(before);
        // As a rule those are named whose records were fetched last, and these are at the end.
        for known in known.iter_mut().rev() {
            if named.is_empty() {
                break;
            }
            if let Some(at) = named.remove(&known.key) {
                known.fetch = std::mem::take(&mut added[at - before].fetch);
            }
        }
        let added = self.wanted.split_off(before);
        self.wanted.extend(added.into_iter().filter(|wanted| named.contains_key(&wanted.key)));
    }
}

fn size(wanted: &[Wanted]) -> usize {
    wanted.iter().map(|one| 1 + one.key.topic.len() / NAME_BYTES).sum()
}

/// Names are detached from the request's buffer: a session outlives it. A name beside an id is not
/// the request's own and no part of the key.
fn wanted(topics: Vec<FetchTopic>) -> impl Iterator<Item = Wanted> {
    topics.into_iter().flat_map(|topic| {
        let id = TopicId(topic.topic_id);
        let (key_name, name) = match id == TopicId::default() {
            true => (topic.topic.detach(), Str::default()),
            false => (Str::default(), topic.topic),
        };
        topic.partitions.into_iter().map(move |fetch| {
            let topic = key_name.clone();
            let key = PartitionKey { topic, topic_id: id, index: fetch.partition };
            Wanted { key, name: name.clone(), fetch, told: None }
        })
    })
}

/// Epochs count up from 1 and start over; 0 and -1 have their own meaning.
const fn next_epoch(epoch: i32) -> i32 {
    if epoch == i32::MAX { 1 } else { epoch + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    fn request(session: (i32, i32), partitions: &[i32]) -> FetchRequest {
        let partitions = partitions
            .iter()
            .map(|&partition| FetchPartition { partition, ..FetchPartition::default() })
            .collect();
        FetchRequest {
            session_id: session.0,
            session_epoch: session.1,
            topics: vec![FetchTopic { topic: Str::from("t"), partitions, ..FetchTopic::default() }],
            ..FetchRequest::default()
        }
    }

    fn answers(wanted: &[Wanted], high_watermark: i64) -> Vec<(PartitionKey, PartitionData)> {
        let data = PartitionData { high_watermark, ..PartitionData::default() };
        wanted.iter().map(|w| (w.key.clone(), data.clone())).collect()
    }

    fn indexes(wanted: &[Wanted]) -> Vec<i32> {
        wanted.iter().map(|w| w.key.index).collect()
    }

    #[test]
    fn a_session_answers_only_what_changed() {
        let sessions = FetchSessions::new(10);
        let (mode, wanted) = sessions
            .begin(&mut request((0, 0), &[0, 1]), false, env::now(), || 7)
            .expect("new session");
        assert_eq!(mode, Mode::Full(7));
        let mut all = answers(&wanted, 5);
        sessions.finish(mode, &mut all);
        assert_eq!(all.len(), 2);

        let (mode, wanted) =
            sessions.begin(&mut request((7, 1), &[2]), false, env::now(), || 8).expect("next");
        assert_eq!((mode, indexes(&wanted)), (Mode::Incremental(7), vec![0, 1, 2]));
        let mut changed = answers(&wanted, 5);
        changed[1].1.high_watermark = 6;
        sessions.finish(mode, &mut changed);
        let told: Vec<_> = changed.iter().map(|(key, _)| key.index).collect();
        assert_eq!(told, vec![1, 2]);
    }

    fn forget(session: (i32, i32), named: &[i32], forgotten: &[i32]) -> FetchRequest {
        let topic = ForgottenTopic {
            topic: Str::from("t"),
            partitions: forgotten.to_vec(),
            ..ForgottenTopic::default()
        };
        FetchRequest { forgotten_topics_data: vec![topic], ..request(session, named) }
    }

    #[test]
    fn a_session_without_partitions_begins_and_ends_as_in_kafka() {
        let (sessions, now) = (FetchSessions::new(10), env::now());
        let begin = |mut request| {
            let begun = sessions.begin(&mut request, false, now, || 7);
            begun.map(|(mode, wanted)| (mode, indexes(&wanted)))
        };
        assert_eq!(begin(request((0, 0), &[])), Ok((Mode::Full(7), vec![])));
        assert_eq!(begin(request((7, 1), &[1, 2])), Ok((Mode::Incremental(7), vec![1, 2])));
        let both = begin(forget((7, 2), &[3, 1], &[3, 2]));
        assert_eq!(both, Ok((Mode::Incremental(7), vec![1])), "forgetting comes last");
        let last = begin(forget((7, 3), &[1, 4], &[1, 4]));
        assert_eq!(last, Ok((Mode::Full(0), vec![1, 4])), "answered once more");
        assert_eq!(begin(request((7, 4), &[1])), Err(ErrorCode::FetchSessionIdNotFound));
    }

    #[test]
    fn forgotten_partitions_and_wrong_epochs() {
        let sessions = FetchSessions::new(10);
        sessions
            .begin(&mut request((0, 0), &[0, 1]), false, env::now(), || 7)
            .expect("new session");
        let mut forget = forget((7, 1), &[], &[0]);
        let (_, wanted) = sessions.begin(&mut forget, false, env::now(), || 8).expect("next");
        assert_eq!(indexes(&wanted), vec![1]);
        let again = sessions.begin(&mut request((7, 1), &[]), false, env::now(), || 8);
        assert_eq!(again.err(), Some(ErrorCode::InvalidFetchSessionEpoch));
        let unknown = sessions.begin(&mut request((9, 1), &[]), false, env::now(), || 8);
        assert_eq!(unknown.err(), Some(ErrorCode::FetchSessionIdNotFound));
    }

    #[test]
    fn a_full_cache_evicts_only_idle_sessions() {
        let (sessions, now) = (FetchSessions::new(1), env::now());
        sessions.begin(&mut request((0, 0), &[0]), false, now, || 7).expect("new session");
        let (mode, _) =
            sessions.begin(&mut request((0, 0), &[0]), false, now, || 8).expect("no room");
        assert_eq!(mode, Mode::Full(0));
        let later = now + EVICT_AFTER;
        let (mode, _) =
            sessions.begin(&mut request((0, 0), &[0]), false, later, || 8).expect("evicts");
        assert_eq!(mode, Mode::Full(8));
    }

    #[test]
    fn what_sessions_take_is_counted_as_they_change() {
        let (sessions, now) = (FetchSessions::new(10), env::now());
        let many: Vec<i32> = (0..600_000).collect();
        let size = || sessions.cache.lock().size;
        sessions.begin(&mut request((0, 0), &many), false, now, || 7).expect("new session");
        sessions.begin(&mut request((0, 0), &[0]), false, now, || 8).expect("new session");
        assert_eq!(size(), 600_001);
        let (mode, _) =
            sessions.begin(&mut request((0, 0), &many), false, now, || 9).expect("full");
        assert_eq!(mode, Mode::Full(0), "there is no room for another one");
        let grown = sessions.begin(&mut request((8, 1), &many), false, now, || 9);
        assert_eq!(grown.err(), Some(ErrorCode::FetchSessionIdNotFound), "nor to grow");
        assert_eq!(size(), 600_000);
        let mut forget = forget((7, 1), &[], &many[1..]);
        sessions.begin(&mut forget, false, now, || 9).expect("next");
        assert_eq!(size(), 1);
        sessions.begin(&mut request((7, -1), &[]), false, now, || 9).expect("closed");
        assert_eq!(size(), 0);
    }

    #[test]
    fn partitions_are_added_once_and_in_order() {
        let (sessions, now) = (FetchSessions::new(10), env::now());
        let begun = sessions.begin(&mut request((0, 0), &[5, 3, 5, 4]), false, now, || 7);
        assert_eq!(indexes(&begun.expect("new session").1), vec![5, 3, 4]);
        let mut further = request((7, 1), &[4, 9, 3, 8]);
        further.topics[0].partitions[2].fetch_offset = 77;
        let (_, wanted) = sessions.begin(&mut further, false, now, || 8).expect("next");
        assert_eq!(indexes(&wanted), vec![5, 3, 4, 9, 8]);
        assert_eq!(wanted[1].fetch.fetch_offset, 77);
    }

    /// One session waits for its turn, the others do not.
    #[test]
    fn sessions_do_not_wait_for_each_other() {
        let (sessions, now) = (FetchSessions::new(10), env::now());
        sessions.begin(&mut request((0, 0), &[0]), false, now, || 7).expect("new session");
        sessions.begin(&mut request((0, 0), &[0]), false, now, || 8).expect("new session");
        let busy = sessions.find(7, None).expect("there");
        let _held = busy.lock();
        let next = sessions.begin(&mut request((8, 1), &[]), false, now, || 9);
        assert_eq!(next.expect("next").0, Mode::Incremental(8));
    }

    #[test]
    fn names_and_ids_do_not_mix() {
        let (sessions, now) = (FetchSessions::new(10), env::now());
        sessions.begin(&mut request((0, 0), &[0]), false, now, || 7).expect("new session");
        let crossed = sessions.begin(&mut request((7, 1), &[]), true, now, || 8);
        assert_eq!(crossed.err(), Some(ErrorCode::FetchSessionTopicIdError));
        assert!(sessions.begin(&mut request((7, 1), &[]), false, now, || 8).is_ok());
    }
}
