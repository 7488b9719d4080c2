//! A command under way: each of its items is open, then decided, and the answer goes out when all
//! are.

use std::collections::BTreeMap;
use std::time::Instant;

use barnabas_protocol::state::ids::TopicId;

use super::error::{ControllerError, CreateTopicError};
use super::handle::{Command, Reply};
use super::plan::topic::{CreateRules, CreateSeed, too_many_partitions};
use super::plan::{ChangeSet, configs, leftovers, min_isr, partitions, topic};
use super::request::{
    ConfigResource, CreatedPartitions, CreatedTopic, DeletedTopic, NewPartitions, NewTopic,
};
use crate::config::{BrokerConfig, Overrides, TopicConfig, check_size, validate_topic_configs};
use crate::metadata::{Image, Revision};

/// Replicas of a partition that brokers can keep in step.
const MAX_REPLICAS: usize = 1;

/// What the controller needs to know of the broker's configuration.
#[derive(Clone, Copy, Debug)]
pub struct ControllerOptions {
    /// `num.partitions`
    pub num_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `min.insync.replicas` that this broker was started with.
    pub min_isr: i32,
    /// `unclean.leader.election.enable` that this broker was started with.
    pub unclean: bool,
    /// `delete.topic.enable`
    pub delete_topic_enable: bool,
    /// Replicas of a partition that the brokers can keep in step. Plans know no such bound.
    pub max_replicas: usize,
}

impl ControllerOptions {
    /// The options of a broker that was started with this configuration.
    #[must_use]
    pub fn new(config: &BrokerConfig) -> Self {
        let layers = config.layers(Overrides::default());
        let topic = TopicConfig::effective(&layers, &BTreeMap::new());
        Self {
            min_isr: topic.min_insync_replicas,
            unclean: topic.unclean_leader_election_enable,
            num_partitions: config.num_partitions,
            default_replication_factor: config.default_replication_factor,
            delete_topic_enable: config.delete_topic_enable,
            max_replicas: MAX_REPLICAS,
        }
    }
}

/// A command, whatever it asks for.
pub(super) trait PendingCommand: Send {
    /// When nobody waits for the answer any more.
    fn deadline(&self) -> Instant;

    /// Plans the open items for this view: what to write for which of them. The others are decided
    /// hereby.
    fn plan(&mut self, view: &Image) -> Vec<(usize, ChangeSet)>;

    /// Decides an item whose changes were written, or were not.
    fn settle(&mut self, item: usize, result: Result<Revision, ControllerError>);

    /// Decides all open items.
    fn fail(&mut self, error: ControllerError);

    /// Whether an item is open.
    fn is_open(&self) -> bool;

    /// Sends the answer.
    fn reply(self: Box<Self>);
}

/// An answer that says which revision shows it.
trait Answer: Send {
    fn shown_at(&mut self, revision: Revision);
}

impl Answer for CreatedTopic {
    fn shown_at(&mut self, revision: Revision) {
        self.revision = revision;
    }
}

impl Answer for DeletedTopic {
    fn shown_at(&mut self, revision: Revision) {
        self.revision = revision;
    }
}

impl Answer for CreatedPartitions {
    fn shown_at(&mut self, revision: Revision) {
        self.revision = revision;
    }
}

impl Answer for Revision {
    fn shown_at(&mut self, revision: Revision) {
        *self = revision;
    }
}

type Plan<T, A, E> = Box<dyn FnMut(&Image, &T) -> Result<Planned<A>, E> + Send>;

/// What a plan asks for.
enum Planned<A> {
    /// This has to be written, and then the item is answered.
    Write(A, ChangeSet),
    /// This has to be written, and then the item is planned again.
    First(ChangeSet),
}

/// The items of a command.
struct Items<T, A, E> {
    items: Vec<T>,
    states: Vec<State<A, E>>,
    plan: Plan<T, A, E>,
    validate_only: bool,
    deadline: Instant,
    reply: Reply<A, E>,
}

enum State<A, E> {
    Open,
    Planned(A),
    Decided(Result<A, E>),
}

impl<T, A, E> Items<T, A, E> {
    fn new(
        items: Vec<T>,
        validate_only: bool,
        deadline: Instant,
        reply: Reply<A, E>,
        plan: impl FnMut(&Image, &T) -> Result<Planned<A>, E> + Send + 'static,
    ) -> Self {
        let states = items.iter().map(|_| State::Open).collect();
        Self { items, states, plan: Box::new(plan), validate_only, deadline, reply }
    }
}

impl<T: Send, A: Answer, E: From<ControllerError> + Send> PendingCommand for Items<T, A, E> {
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn plan(&mut self, view: &Image) -> Vec<(usize, ChangeSet)> {
        let mut sets = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            if matches!(self.states[index], State::Decided(_)) {
                continue;
            }
            self.states[index] = match (self.plan)(view, item) {
                Ok(Planned::Write(answer, set)) => {
                    if self.validate_only || set.changes.is_empty() {
                        State::Decided(Ok(answer))
                    } else {
                        sets.push((index, set));
                        State::Planned(answer)
                    }
                }
                Ok(Planned::First(set)) => {
                    sets.push((index, set));
                    State::Open
                }
                Err(error) => State::Decided(Err(error)),
            };
        }
        sets
    }

    fn settle(&mut self, item: usize, result: Result<Revision, ControllerError>) {
        let planned = std::mem::replace(&mut self.states[item], State::Open);
        self.states[item] = match (planned, result) {
            (State::Planned(mut answer), Ok(revision)) => {
                answer.shown_at(revision);
                State::Decided(Ok(answer))
            }
            (State::Decided(decided), _) => State::Decided(decided),
            (_, Err(error)) => State::Decided(Err(error.into())),
            (State::Open, Ok(_)) => State::Open,
        };
    }

    fn fail(&mut self, error: ControllerError) {
        for state in &mut self.states {
            if !matches!(state, State::Decided(_)) {
                *state = State::Decided(Err(error.into()));
            }
        }
    }

    fn is_open(&self) -> bool {
        self.states.iter().any(|state| !matches!(state, State::Decided(_)))
    }

    fn reply(mut self: Box<Self>) {
        self.fail(ControllerError::Unavailable);
        let decided = self.states.into_iter().filter_map(|state| match state {
            State::Decided(result) => Some(result),
            State::Open | State::Planned(_) => None,
        });
        // Whoever asked may have gone: its deadline has passed.
        let _ = self.reply.send(decided.collect());
    }
}

/// Prepares the items of a command.
pub(super) fn begin(command: Command, options: ControllerOptions) -> Box<dyn PendingCommand> {
    match command {
        Command::CreateTopics { topics, validate_only, deadline, reply } => {
            let too_many = too_many_partitions(&topics, options.num_partitions);
            let plan = move |view: &Image, topic: &NewTopic| {
                if too_many {
                    return Err(CreateTopicError::TooManyPartitions);
                }
                let (created, set) = create(view, topic, options)?;
                let left_over = leftovers::removal(view, &created.name);
                Ok(match left_over.filter(|_| !validate_only) {
                    Some(left_over) => Planned::First(left_over),
                    None => Planned::Write(created, set),
                })
            };
            Box::new(Items::new(topics, validate_only, deadline, reply, plan))
        }
        Command::DeleteTopics { topics, deadline, reply } => {
            let enabled = options.delete_topic_enable;
            let plan = move |view: &Image, topic: &_| {
                let (deleted, set) = topic::delete(view, topic, enabled)?;
                Ok(Planned::Write(deleted, set))
            };
            Box::new(Items::new(topics, false, deadline, reply, plan))
        }
        Command::CreatePartitions { topics, validate_only, deadline, reply } => {
            let plan = move |view: &Image, topic: &NewPartitions| {
                let default_min_isr = min_isr::default(view, options.min_isr);
                let set = partitions::create(view, topic, default_min_isr, random().start)?;
                let (topic, revision) = (topic.topic.as_str().into(), Revision(0));
                Ok(Planned::Write(CreatedPartitions { topic, revision }, set))
            };
            Box::new(Items::new(topics, validate_only, deadline, reply, plan))
        }
        Command::AlterConfigs { changes, validate_only, deadline, reply } => {
            let plan = move |view: &Image, change: &_| {
                let validate = |resource: &_, after: &_| match resource {
                    ConfigResource::Topic(_) => check_topic_configs(after),
                    ConfigResource::Broker(_) => {
                        check_size(after).map_err(|invalid| invalid.to_string())
                    }
                };
                let default_min_isr = min_isr::default(view, options.min_isr);
                let set = configs::alter(view, change, default_min_isr, &validate)?;
                Ok(Planned::Write(Revision(0), set))
            };
            Box::new(Items::new(changes, validate_only, deadline, reply, plan))
        }
    }
}

fn create(
    view: &Image,
    topic: &NewTopic,
    options: ControllerOptions,
) -> Result<(CreatedTopic, ChangeSet), CreateTopicError> {
    let rules = CreateRules {
        num_partitions: options.num_partitions,
        replication_factor: options.default_replication_factor,
        min_isr: min_isr::default(view, options.min_isr),
        validate_configs: &check_topic_configs,
    };
    let (created, changes) = topic::create(view, topic, &rules, random())?;
    if created.replicas.iter().any(|replicas| replicas.len() > options.max_replicas) {
        return Err(CreateTopicError::InvalidReplicationFactor(format!(
            "Partitions have at most {} replica(s): this version does not replicate yet.",
            options.max_replicas
        )));
    }
    Ok((created, changes))
}

fn check_topic_configs(overrides: &BTreeMap<String, String>) -> Result<(), String> {
    validate_topic_configs(overrides).map_err(|invalid| invalid.to_string())
}

fn random() -> CreateSeed {
    let id = crate::env::random_uuid();
    let (start, _) = crate::env::random_uuid().as_u64_pair();
    CreateSeed { id: TopicId(id), start: usize::try_from(start >> 16).unwrap_or(0) }
}
