//! Fetch sessions (KIP-227): a client names its partitions once, then only what changes, and is told only
//! about partitions that changed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{
    FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, PartitionData,
};
use barnabas_protocol::state::ids::TopicId;
use parking_lot::Mutex;

/// A session may be taken from its client after this much idleness, when others need room (as in Kafka).
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
    pub(crate) fetch: FetchPartition,
    /// High watermark and log start offset in the last reply.
    told: Option<(i64, i64)>,
}

/// What a request turns out to be.
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
    wanted: Vec<Wanted>,
    used: Instant,
}

/// All sessions of this broker.
#[derive(Debug)]
pub struct FetchSessions {
    slots: usize,
    sessions: Mutex<HashMap<i32, Session>>,
}

impl FetchSessions {
    /// Room for `slots` sessions (`max.incremental.fetch.session.cache.slots`).
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self { slots, sessions: Mutex::default() }
    }

    /// Finds out what the request wants: its partitions, those of its session with its changes, or an error.
    pub(crate) fn begin(
        &self,
        request: &mut FetchRequest,
        now: Instant,
        new_id: impl FnMut() -> i32,
    ) -> Result<(Mode, Vec<Wanted>), ErrorCode> {
        let topics = std::mem::take(&mut request.topics);
        let (id, epoch) = (request.session_id, request.session_epoch);
        let mut sessions = self.sessions.lock();
        if epoch == 0 || epoch == -1 {
            sessions.remove(&id);
            let mut all = Session { epoch: 1, wanted: Vec::new(), used: now };
            all.add(wanted(topics));
            let wanted = all.wanted;
            let session = if epoch == 0 && !wanted.is_empty() {
                self.open(&mut sessions, &wanted, now, new_id)
            } else {
                0
            };
            return Ok((Mode::Full(session), wanted));
        }
        let session = sessions.get_mut(&id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch = next_epoch(epoch);
        session.used = now;
        session.forget(std::mem::take(&mut request.forgotten_topics_data));
        let grows = !topics.is_empty();
        session.add(wanted(topics));
        let wanted = session.wanted.clone();
        if wanted.is_empty() {
            sessions.remove(&id);
            return Ok((Mode::Full(0), Vec::new()));
        }
        if grows && sessions.values().map(Session::size).sum::<usize>() > MAX_PARTITIONS {
            // As if it had been evicted before.
            sessions.remove(&id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        Ok((Mode::Incremental(id), wanted))
    }

    /// Decides which answers the client needs to see, and remembers what it is told. Partitions that had
    /// records go to the end, so that the others come first next time.
    pub(crate) fn finish(&self, mode: Mode, answers: &mut Vec<(PartitionKey, PartitionData)>) {
        let (Mode::Full(id) | Mode::Incremental(id)) = mode;
        if id == 0 {
            return;
        }
        let mut sessions = self.sessions.lock();
        let Some(session) = sessions.get_mut(&id) else { return };
        let incremental = matches!(mode, Mode::Incremental(_));
        let mut with_records = vec![false; session.wanted.len()];
        // They come in the order of the session, unless another request of it was between.
        let in_order = answers.len() == session.wanted.len()
            && answers.iter().zip(&session.wanted).all(|((key, _), wanted)| *key == wanted.key);
        let places = if in_order { HashMap::new() } else { session.places() };
        let mut next = 0..session.wanted.len();
        answers.retain(|(key, data)| {
            let at = if in_order { next.next() } else { places.get(key).copied() };
            let Some(at) = at else { return true };
            let told = (data.high_watermark, data.log_start_offset);
            let records = data.records.as_ref().is_some_and(|records| !records.is_empty());
            let failed = data.error_code != ErrorCode::None;
            let changed = session.wanted[at].told != Some(told) || data.diverging_epoch.epoch >= 0;
            // After an error the client has to be told again in any case.
            session.wanted[at].told = (!failed).then_some(told);
            with_records[at] = records;
            !incremental || records || failed || changed
        });
        let mut at = 0;
        let (served, idle): (Vec<_>, Vec<_>) =
            std::mem::take(&mut session.wanted).into_iter().partition(|_| {
                at += 1;
                with_records[at - 1]
            });
        session.wanted = idle;
        session.wanted.extend(served);
    }

    /// Opens a session if there is room or an idle one can be closed; otherwise 0.
    fn open(
        &self,
        sessions: &mut HashMap<i32, Session>,
        wanted: &[Wanted],
        now: Instant,
        mut new_id: impl FnMut() -> i32,
    ) -> i32 {
        let partitions: usize = sessions.values().map(Session::size).sum();
        if size(wanted) > MAX_PARTITIONS {
            return 0;
        }
        if sessions.len() >= self.slots || partitions + size(wanted) > MAX_PARTITIONS {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.used);
            let Some((&id, _)) =
                oldest.filter(|(_, session)| now.duration_since(session.used) >= EVICT_AFTER)
            else {
                return 0;
            };
            sessions.remove(&id);
        }
        let id = loop {
            let id = new_id() & i32::MAX;
            if id != 0 && !sessions.contains_key(&id) {
                break id;
            }
        };
        sessions.insert(id, Session { epoch: 1, wanted: wanted.to_vec(), used: now });
        id
    }
}

impl Session {
    /// In partitions.
    fn size(&self) -> usize {
        size(&self.wanted)
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

    /// Adds partitions; one that is there already gets its new place to fetch from.
    fn add(&mut self, added: impl Iterator<Item = Wanted>) {
        let mut place: Option<HashMap<PartitionKey, usize>> = None;
        for wanted in added {
            let place = place.get_or_insert_with(|| self.places());
            match place.get(&wanted.key) {
                Some(&at) => self.wanted[at].fetch = wanted.fetch,
                None => {
                    place.insert(wanted.key.clone(), self.wanted.len());
                    self.wanted.push(wanted);
                }
            }
        }
    }
}

fn size(wanted: &[Wanted]) -> usize {
    wanted.iter().map(|one| 1 + one.key.topic.len() / NAME_BYTES).sum()
}

/// Names are detached from the request's buffer: a session outlives it.
fn wanted(topics: Vec<FetchTopic>) -> impl Iterator<Item = Wanted> {
    topics.into_iter().flat_map(|topic| {
        let (name, id) = (topic.topic.detach(), TopicId(topic.topic_id));
        topic.partitions.into_iter().map(move |fetch| {
            let key = PartitionKey { topic: name.clone(), topic_id: id, index: fetch.partition };
            Wanted { key, fetch, told: None }
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
        let (mode, wanted) =
            sessions.begin(&mut request((0, 0), &[0, 1]), env::now(), || 7).expect("new session");
        assert_eq!(mode, Mode::Full(7));
        let mut all = answers(&wanted, 5);
        sessions.finish(mode, &mut all);
        assert_eq!(all.len(), 2);

        let (mode, wanted) =
            sessions.begin(&mut request((7, 1), &[2]), env::now(), || 8).expect("next");
        assert_eq!((mode, indexes(&wanted)), (Mode::Incremental(7), vec![0, 1, 2]));
        let mut changed = answers(&wanted, 5);
        changed[1].1.high_watermark = 6;
        sessions.finish(mode, &mut changed);
        let told: Vec<_> = changed.iter().map(|(key, _)| key.index).collect();
        assert_eq!(told, vec![1, 2]);
    }

    #[test]
    fn forgotten_partitions_and_wrong_epochs() {
        let sessions = FetchSessions::new(10);
        sessions.begin(&mut request((0, 0), &[0, 1]), env::now(), || 7).expect("new session");
        let mut forget = request((7, 1), &[]);
        forget.forgotten_topics_data = vec![ForgottenTopic {
            topic: Str::from("t"),
            partitions: vec![0],
            ..ForgottenTopic::default()
        }];
        let (_, wanted) = sessions.begin(&mut forget, env::now(), || 8).expect("next");
        assert_eq!(indexes(&wanted), vec![1]);
        let again = sessions.begin(&mut request((7, 1), &[]), env::now(), || 8);
        assert_eq!(again.err(), Some(ErrorCode::InvalidFetchSessionEpoch));
        let unknown = sessions.begin(&mut request((9, 1), &[]), env::now(), || 8);
        assert_eq!(unknown.err(), Some(ErrorCode::FetchSessionIdNotFound));
    }

    #[test]
    fn a_full_cache_evicts_only_idle_sessions() {
        let (sessions, now) = (FetchSessions::new(1), env::now());
        sessions.begin(&mut request((0, 0), &[0]), now, || 7).expect("new session");
        let (mode, _) = sessions.begin(&mut request((0, 0), &[0]), now, || 8).expect("no room");
        assert_eq!(mode, Mode::Full(0));
        let later = now + EVICT_AFTER;
        let (mode, _) = sessions.begin(&mut request((0, 0), &[0]), later, || 8).expect("evicts");
        assert_eq!(mode, Mode::Full(8));
    }
}
