//! The groups of one shard: carries out what `state` decides, and keeps the committed offsets.
//!
//! An offset is served only once it is in etcd, and only while the topic that it was committed for
//! exists.

mod actions;
mod retention;
mod writes;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::KeyValue;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::keys::CoordinatorKind;
use barnabas_protocol::state::values::{CommittedOffset, GroupState};
use barnabas_protocol::state::{Keys, StateError, StateKey, from_json};
use tokio::sync::oneshot;

use super::error::GroupError;
use super::offsets::{Committed, Offsets};
use super::request::{Listed, Loaded, LoadedValue, Request, reply};
use super::state::{Command, Context, Group, Joined, Now, Refused, ReplyId, Settings, Synced};
use crate::config::BrokerConfig;
use crate::coordinator::{Finished, Service, Standing, WriteBudget, Writes};
use crate::metadata::{Image, ImageHandle};
use writes::{Effect, Waiter};

/// What a shard needs from the broker.
#[derive(Clone, Debug)]
pub(super) struct ShardParts {
    pub(super) keys: Keys,
    pub(super) image: ImageHandle,
    pub(super) config: Arc<ArcSwap<BrokerConfig>>,
    pub(super) budget: WriteBudget,
}

/// A group with its offsets.
#[derive(Debug, Default)]
struct Entry {
    group: Group,
    offsets: Offsets,
    /// Its state key exists in etcd, or may exist.
    stored: bool,
    /// It had an offset once. As in Kafka it then stays, empty, until it is deleted or the
    /// retention finds it.
    committed: bool,
    /// Requests whose changes are on their way to etcd.
    writing: usize,
    /// Its entry in the timers.
    timer: Option<u64>,
}

/// A client that waits for its group to move on.
#[derive(Debug)]
enum Parked {
    Join(oneshot::Sender<Result<Joined, Refused>>),
    SyncGroup(oneshot::Sender<Result<Synced, GroupError>>),
}

/// The groups of one shard.
#[derive(Debug)]
pub(super) struct GroupShard {
    parts: ShardParts,
    groups: HashMap<Str, Entry>,
    timers: BTreeSet<(u64, Str)>,
    parked: HashMap<ReplyId, Parked>,
    last_reply: u64,
    writes: Writes<Effect, Waiter>,
    next_retention_check: Option<u64>,
}

impl GroupShard {
    pub(super) fn new(parts: ShardParts) -> Self {
        Self {
            parts,
            groups: HashMap::new(),
            timers: BTreeSet::new(),
            parked: HashMap::new(),
            last_reply: 0,
            writes: Writes::default(),
            next_retention_check: None,
        }
    }

    fn settings(&self) -> Settings {
        let config = self.parts.config.load();
        Settings {
            initial_rebalance_delay_ms: config.group_initial_rebalance_delay.as_millis() as u64,
            max_size: config.group_max_size,
        }
    }

    fn park(&mut self, parked: Parked) -> ReplyId {
        self.last_reply += 1;
        let id = ReplyId(self.last_reply);
        self.parked.insert(id, parked);
        id
    }

    /// Lets a group handle an event, carries out its commands, and updates its timer. `None` where
    /// there is no group.
    fn on_group<T>(
        &mut self,
        now: Now,
        id: &Str,
        event: impl FnOnce(&mut Group, &mut Context<'_>) -> T,
    ) -> Option<T> {
        let settings = self.settings();
        let mut out = Vec::new();
        let entry = self.groups.get_mut(id)?;
        let mut cx = Context { now, settings, out: &mut out };
        let result = event(&mut entry.group, &mut cx);
        self.execute(id, out);
        self.settle(now, id);
        Some(result)
    }

    fn execute(&mut self, id: &Str, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Joined(id, result) => {
                    if let Some(Parked::Join(answer)) = self.parked.remove(&id) {
                        reply(answer, result);
                    }
                }
                Command::Synced(id, result) => {
                    if let Some(Parked::SyncGroup(answer)) = self.parked.remove(&id) {
                        reply(answer, result);
                    }
                }
                Command::Persist(value, kept) => self.write_state(id, &value, kept),
            }
        }
    }

    /// Updates the timer of a group, and removes a group of which nothing is left.
    fn settle(&mut self, now: Now, id: &Str) {
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
        let nothing = entry.group.is_vacant() && !entry.committed && !entry.stored;
        if nothing && entry.writing == 0 {
            self.groups.remove(id);
        }
    }

    fn list(&self, standing: Standing) -> Result<Vec<Listed>, GroupError> {
        match standing {
            Standing::NotOwner => Ok(Vec::new()),
            Standing::Loading => Err(GroupError::Loading),
            Standing::ReadOnly | Standing::Serving => {
                let listed = |(id, entry): (&Str, &Entry)| Listed {
                    group: id.clone(),
                    protocol_type: entry.group.protocol_type(),
                    state: entry.group.state_name(),
                };
                Ok(self.groups.iter().map(listed).collect())
            }
        }
    }
}

impl Service for GroupShard {
    const KIND: CoordinatorKind = CoordinatorKind::Group;
    const NAME: &'static str = "group coordinator";
    type Request = Request;
    type Loaded = Loaded;
    type Effect = Effect;
    type Reply = Waiter;

    fn prefix(keys: &Keys) -> String {
        keys.groups()
    }

    fn parse(keys: &Keys, entry: &KeyValue) -> Result<Option<(Str, Loaded)>, StateError> {
        let (group, value) = match keys.parse(&entry.key) {
            Some(StateKey::GroupState(group)) => {
                let state: GroupState = from_json(&entry.value)?;
                (Str::from(group), LoadedValue::State(Box::new(state)))
            }
            Some(StateKey::GroupOffset { group, topic, partition }) => {
                let value: CommittedOffset = from_json(&entry.value)?;
                let committed = Committed::try_from(value)?;
                (group.into(), LoadedValue::Offset((topic.into(), partition), committed))
            }
            _ => return Ok(None),
        };
        Ok(Some((group.clone(), Loaded { group, value })))
    }

    fn unknown_topic<'a>(loaded: &'a Loaded, image: &Image) -> Option<&'a Str> {
        match &loaded.value {
            LoadedValue::Offset((topic, _), committed) => {
                image.topic_by_id(committed.topic_id).is_none().then_some(topic)
            }
            LoadedValue::State(_) => None,
        }
    }

    fn write_timeout(config: &BrokerConfig) -> Duration {
        config.offsets_commit_timeout
    }

    fn writes(&mut self) -> &mut Writes<Effect, Waiter> {
        &mut self.writes
    }

    fn handle(&mut self, now: Now, standing: Standing, request: Request) {
        match request {
            Request::Group(request) => self.on_request(now, standing, request),
            Request::List(answer) => reply(answer, self.list(standing)),
        }
    }

    fn load(&mut self, now: Now, loaded: Vec<Loaded>) {
        let cx = Context { now, settings: self.settings(), out: &mut Vec::new() };
        for Loaded { group, value } in loaded {
            let entry = self.groups.entry(group).or_default();
            match value {
                LoadedValue::State(value) => {
                    entry.group = Group::restore(&cx, *value);
                    entry.stored = true;
                }
                LoadedValue::Offset(at, committed) => {
                    entry.committed = true;
                    entry.offsets.put(at, committed);
                }
            }
        }
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            self.on_group(now, &id, Group::loaded);
        }
        self.delete_offsets_of_missing_topics();
    }

    fn release(&mut self, now: Now) {
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            self.on_group(now, &id, |group, cx| group.resign(cx, GroupError::NotCoordinator));
        }
        self.groups.clear();
        self.timers.clear();
    }

    fn apply(&mut self, effect: Effect) {
        self.apply_effect(effect);
    }

    fn finish(&mut self, now: Now, finished: Finished<Waiter>) {
        self.finish_write(now, finished);
    }

    fn wake_at_ms(&self) -> u64 {
        let group = self.timers.first().map_or(u64::MAX, |(at, _)| *at);
        // The first tick schedules the check.
        group.min(self.next_retention_check.unwrap_or(0))
    }

    fn tick(&mut self, now: Now) {
        while let Some((_, group)) = self.timers.first().filter(|(at, _)| *at <= now.ms).cloned() {
            self.on_group(now, &group, |group, cx| group.tick(cx));
        }
        if self.is_retention_due(now) {
            self.expire_offsets(now);
        }
    }
}

#[cfg(test)]
mod tests;
