//! The one owner of the groups of a shard: a task with a bounded mailbox, one timer, and at most one transaction under way.
//!
//! ```text
//!  mailbox ─▶ actions ─▶ state (pure) ─▶ commands ─▶ answers
//!                 └─────────┴─▶ WriteQueue ─▶ etcd ─▶ writes ─▶ answers, cache
//! ```
//! What is served has been written: an offset is in the cache only once its transaction committed.

mod actions;
mod retention;
mod writes;

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use barnabas_coordinator_client::{Client, CreateRevision, Txn, TxnOutcome};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::error::{GroupError, WriteError};
use super::offsets::Offsets;
use crate::coordinator::placement::shard_key;
use super::request::{Claim, Listed, LoadedKey, LoadedValue, Message, tell};
use super::state::{Command, Context, Group, Joined, Now, Refused, ReplyId, Settings, Synced};
use crate::coordinator::write_queue::{Fence, Outcome, WriteQueue};
use crate::config::BrokerConfig;
use crate::env;
use writes::PendingWrite;

/// The longest time between two looks at the timers; an `Instant` can say when that is.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 3600);

/// What all shards work with.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
    pub(crate) broker: BrokerId,
    pub(crate) config: Arc<ArcSwap<BrokerConfig>>,
    /// Told of shards that another broker has claimed.
    pub(crate) lost: mpsc::UnboundedSender<(usize, Claim)>,
}

/// Whose the shard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// Another broker's.
    Foreign,
    /// This broker's under that registration, and being read.
    Loading(BrokerEpoch),
    /// This broker's by that claim.
    Serving(Claim),
}

/// A group with its offsets.
#[derive(Debug, Default)]
struct Entry {
    group: Group,
    offsets: Offsets,
    /// Its state key exists, or may exist.
    stored: bool,
    /// Its place in the timers.
    timer: Option<u64>,
}

/// Who waits for the group to move on.
#[derive(Debug)]
enum Parked {
    Join(oneshot::Sender<Result<Joined, Refused>>),
    SyncGroup(oneshot::Sender<Result<Synced, GroupError>>),
}

type Write = Pin<Box<dyn Future<Output = Result<TxnOutcome, WriteError>> + Send>>;

/// A shard's state, owned by its task.
#[derive(Debug)]
pub(crate) struct Shard {
    index: usize,
    shared: Arc<Shared>,
    start: Instant,
    ownership: Ownership,
    groups: HashMap<Str, Entry>,
    timers: BTreeSet<(u64, Str)>,
    parked: HashMap<ReplyId, Parked>,
    queue: WriteQueue,
    writes: HashMap<u64, PendingWrite>,
    last_id: u64,
    next_retention_check: u64,
}

impl Shard {
    pub(crate) fn new(index: usize, shared: Arc<Shared>) -> Self {
        Self {
            index,
            shared,
            start: env::now(),
            ownership: Ownership::Foreign,
            groups: HashMap::new(),
            timers: BTreeSet::new(),
            parked: HashMap::new(),
            queue: WriteQueue::default(),
            writes: HashMap::new(),
            last_id: 0,
            next_retention_check: 0,
        }
    }

    /// Serves until `stop`.
    pub(crate) async fn run(
        mut self,
        mut mailbox: mpsc::Receiver<Message>,
        stop: CancellationToken,
    ) {
        self.schedule_retention();
        let mut write: Option<Write> = None;
        loop {
            if write.is_none() {
                write = self.next_txn().map(|txn| self.send(txn));
            }
            let written = async {
                match &mut write {
                    Some(write) => write.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                message = mailbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => return,
                },
                result = written => {
                    write = match self.queue.done(result) {
                        Ok(outcomes) => {
                            let fenced = is_fenced(&outcomes);
                            self.finish(outcomes);
                            if fenced {
                                self.lose();
                            }
                            None
                        }
                        Err(again) => Some(self.send(again)),
                    };
                }
                () = tokio::time::sleep_until(self.wake_at().into()) => self.on_time(&mut mailbox),
            }
        }
    }

    fn on_message(&mut self, message: Message) {
        match message {
            Message::Group(request) => self.on_request(request),
            Message::List(answer) => tell(answer, self.list()),
            Message::Acquire(epoch) => {
                self.release();
                self.ownership = Ownership::Loading(epoch);
            }
            Message::Load(claim, keys) => self.load(claim, keys),
            Message::Release => self.release(),
            Message::TopicsDeleted(topics) => self.delete_offsets_of(&topics),
        }
    }

    fn now(&self) -> Now {
        let ms = env::now().duration_since(self.start).as_millis();
        Now { ms: u64::try_from(ms).unwrap_or(u64::MAX), wall_ms: env::wall_clock_ms() }
    }

    fn settings(&self) -> Settings {
        let config = self.shared.config.load();
        Settings {
            initial_rebalance_delay_ms: config.group_initial_rebalance_delay.as_millis() as u64,
            max_size: config.group_max_size,
        }
    }

    fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn wake_at(&self) -> Instant {
        let group = self.timers.first().map_or(u64::MAX, |(at, _)| *at);
        let due = group.min(self.next_retention_check);
        let wait = Duration::from_millis(due.saturating_sub(self.now().ms));
        env::now() + wait.min(LONGEST_SLEEP)
    }

    /// Does what is due, after what waits in the mailbox: where the process stood still, members whose heartbeats
    /// came in time are not silent. New messages do not put it off for ever.
    fn on_time(&mut self, mailbox: &mut mpsc::Receiver<Message>) {
        for _ in 0..mailbox.len() {
            if let Ok(message) = mailbox.try_recv() {
                self.on_message(message);
            }
        }
        let now = self.now().ms;
        while let Some((_, group)) = self.timers.first().filter(|(at, _)| *at <= now).cloned() {
            self.on_group(&group, |group, cx| group.tick(cx));
        }
        if self.next_retention_check <= now {
            self.schedule_retention();
            self.expire_offsets();
        }
    }

    /// Lets a group handle an event, does what it wants done, and keeps its timer. The group must exist.
    fn on_group<T>(
        &mut self,
        id: &Str,
        event: impl FnOnce(&mut Group, &mut Context<'_>) -> T,
    ) -> Option<T> {
        let (now, settings) = (self.now(), self.settings());
        let mut out = Vec::new();
        let entry = self.groups.get_mut(id)?;
        let mut cx = Context { now, settings, out: &mut out };
        let result = event(&mut entry.group, &mut cx);
        self.execute(id, out);
        self.settle(id, now);
        Some(result)
    }

    fn execute(&mut self, id: &Str, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Joined(reply, result) => {
                    if let Some(Parked::Join(answer)) = self.parked.remove(&reply) {
                        tell(answer, result);
                    }
                }
                Command::Synced(reply, result) => {
                    if let Some(Parked::SyncGroup(answer)) = self.parked.remove(&reply) {
                        tell(answer, result);
                    }
                }
                Command::Persist(value, kept) => self.persist(id, *value, kept),
            }
        }
    }

    /// Puts the group's next deadline into the timers; a group that nothing is known of goes.
    fn settle(&mut self, id: &Str, now: Now) {
        let Some(entry) = self.groups.get_mut(id) else { return };
        // A deadline that is still due after a tick must not spin.
        let next = entry.group.next_deadline().map(|at| at.max(now.ms + 1));
        if entry.timer != next {
            if let Some(at) = entry.timer {
                self.timers.remove(&(at, id.clone()));
            }
            entry.timer = next;
            self.timers.extend(next.map(|at| (at, id.clone())));
        }
        let nothing = entry.group.is_vacant() && entry.offsets.is_empty() && !entry.stored;
        // What is being written is of this group; it settles once more then.
        if nothing && !self.is_being_written(id) {
            self.groups.remove(id);
        }
    }

    fn list(&self) -> Result<Vec<Listed>, GroupError> {
        match self.ownership {
            Ownership::Foreign => Ok(Vec::new()),
            Ownership::Loading(_) => Err(GroupError::Loading),
            Ownership::Serving(_) => {
                let listed = |(id, entry): (&Str, &Entry)| Listed {
                    group: id.clone(),
                    protocol_type: entry.group.protocol_type(),
                    state: entry.group.state_name(),
                };
                Ok(self.groups.iter().map(listed).collect())
            }
        }
    }

    fn load(&mut self, claim: Claim, keys: Vec<LoadedKey>) {
        if self.ownership != Ownership::Loading(claim.epoch) {
            return;
        }
        let (now, settings) = (self.now(), self.settings());
        let cx = Context { now, settings, out: &mut Vec::new() };
        for LoadedKey { group, key, revision, value } in keys {
            self.queue.learn(key, revision);
            let entry = self.groups.entry(group).or_default();
            match value {
                LoadedValue::State(value) => {
                    entry.group = Group::restore(&cx, *value);
                    entry.stored = true;
                }
                LoadedValue::Offset(at, committed) => entry.offsets.put(at, committed),
            }
        }
        self.ownership = Ownership::Serving(claim);
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            self.on_group(&id, Group::loaded);
        }
    }

    /// Forgets everything; whoever waits is told to look for the coordinator. What is in flight may still get through, but is
    /// not tried again: the next coordinator may have written the same keys.
    fn release(&mut self) {
        self.ownership = Ownership::Foreign;
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            self.on_group(&id, |group, cx| group.resign(cx, GroupError::NotCoordinator));
        }
        self.groups.clear();
        self.timers.clear();
        self.outlive_writes();
        let abandoned = self.queue.abandon();
        self.finish(abandoned);
    }

    /// Serves no more of what another broker has claimed, and says so: it may be this one's to claim again.
    fn lose(&mut self) {
        if let Ownership::Serving(claim) = self.ownership {
            self.release();
            self.ownership = Ownership::Loading(claim.epoch);
            // Nobody listens once the broker stops.
            let _unheard = self.shared.lost.send((self.index, claim));
        }
    }

    fn next_txn(&mut self) -> Option<Txn> {
        let Ownership::Serving(claim) = self.ownership else { return None };
        let broker = self.shared.keys.broker(self.shared.broker).into();
        let shard = shard_key(&self.shared.keys, self.index).into();
        self.queue.next(&Fence {
            registration: (broker, CreateRevision(claim.epoch.0)),
            shard: (shard, claim.revision),
        })
    }

    fn send(&self, txn: Txn) -> Write {
        let client = self.shared.client.clone();
        let limit = self.shared.config.load().offsets_commit_timeout;
        Box::pin(async move {
            match tokio::time::timeout(limit, client.txn(txn)).await {
                Ok(result) => Ok(result?),
                Err(_) => Err(WriteError::TimedOut),
            }
        })
    }
}

fn is_fenced(outcomes: &[Outcome]) -> bool {
    outcomes.iter().any(|(_, result)| *result == Err(WriteError::Fenced))
}

#[cfg(test)]
mod tests;
