//! The task that keeps a membership alive, and the handle to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::leave_group::MemberIdentity;
use barnabas_protocol::kafka::messages::{
    HeartbeatResponse, JoinGroupResponse, LeaveGroupRequest, SyncGroupResponse,
};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::state::{Failure, Membership, Step};
use super::{MemberConfig, Topics, View};
use crate::clock::now;
use crate::{Address, ByPartition, ClientError, Cluster, Lane, offsets};

/// How long a commit, or leaving, may take: nothing waits longer for a coordinator that is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// A time that no membership lives to see.
const NEVER: Duration = Duration::from_secs(1 << 32);

enum Command {
    Released(u64),
    Leave(oneshot::Sender<()>),
}

/// A member of a group. Dropped without [`Member::leave`], it is only missed when its session ends.
#[derive(Debug)]
pub struct Member {
    cluster: Arc<Cluster>,
    group: Str,
    start: Instant,
    view: watch::Receiver<View>,
    polled: watch::Sender<Duration>,
    commands: mpsc::Sender<Command>,
}

impl Member {
    /// Joins a group, in the background.
    #[must_use]
    pub fn join(cluster: Arc<Cluster>, config: MemberConfig, topics: Topics) -> Self {
        let (view_sender, view) = watch::channel(View::default());
        let (polled, last_poll) = watch::channel(Duration::ZERO);
        let (commands, received) = mpsc::channel(8);
        let (group, start) = (config.group.clone(), now());
        let task = Task {
            cluster: Arc::clone(&cluster),
            config: config.clone(),
            topics,
            start,
            machine: Membership::new(config, BTreeSet::new()),
            coordinator: None,
            view: view_sender,
            last_poll,
            pending: None,
            refreshing: None,
            refresh_at: start,
        };
        tokio::spawn(task.run(received));
        Self { cluster, group, start, view, polled, commands }
    }

    /// Waits until something has changed, and returns what is so now.
    pub async fn changed(&mut self) -> View {
        // The task ends only after a failure, which was seen then.
        if self.view.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.view.borrow_and_update().clone()
    }

    /// Says that the consumer is at work. Without this for [`MemberConfig::poll_interval`], others
    /// get its partitions.
    pub fn alive(&self) {
        self.polled.send_replace(now() - self.start);
    }

    /// Says that the consumer has let go of what it no longer holds, as [`View::release`] asks.
    pub async fn released(&self, number: u64) {
        let _ = self.commands.send(Command::Released(number)).await;
    }

    /// Commits offsets, as the member that it was at `view`.
    ///
    /// # Errors
    /// It is not in the group, or the coordinator refuses or cannot be reached for a while.
    pub async fn commit(&self, view: &View, offsets: &ByPartition<i64>) -> Result<(), ClientError> {
        let unknown = || ClientError::refused(ErrorCode::UnknownMemberId, None);
        let committer = view.committer.as_ref().ok_or_else(unknown)?;
        let committing = offsets::commit(&self.cluster, &self.group, committer, offsets);
        let late = |_| ClientError::refused(ErrorCode::RequestTimedOut, None);
        timeout(PATIENCE, committing).await.map_err(late)?
    }

    /// Leaves the group, so that others get the partitions at once.
    pub async fn leave(self) {
        let (done, left) = oneshot::channel();
        if self.commands.send(Command::Leave(done)).await.is_ok() {
            let _ = timeout(PATIENCE, left).await;
        }
    }
}

/// What was waited for.
enum Answer {
    Coordinator(Result<Address, ClientError>),
    Joined(Result<JoinGroupResponse, ClientError>),
    Described(Result<BTreeMap<Str, i32>, ClientError>),
    Synced(Result<SyncGroupResponse, ClientError>),
    Heartbeat(Result<HeartbeatResponse, ClientError>),
}

/// The topics that are wanted, and the counts of partitions.
type Described = (BTreeSet<Str>, BTreeMap<Str, i32>);

struct Task {
    cluster: Arc<Cluster>,
    config: MemberConfig,
    topics: Topics,
    start: Instant,
    machine: Membership,
    coordinator: Option<Address>,
    view: watch::Sender<View>,
    last_poll: watch::Receiver<Duration>,
    pending: Option<BoxFuture<'static, Answer>>,
    refreshing: Option<BoxFuture<'static, Result<Described, ClientError>>>,
    refresh_at: Instant,
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        // The first join needs the topics.
        while self.refreshing.is_some() || self.refresh_at <= now() {
            if !self.wait(NEVER, &mut commands).await {
                return;
            }
        }
        loop {
            self.machine.polled(*self.last_poll.borrow_and_update());
            let step = self.machine.next(now() - self.start);
            self.publish();
            match step {
                Step::End => return,
                Step::Wait(until) => {
                    if !self.wait(until.unwrap_or(NEVER), &mut commands).await {
                        return;
                    }
                }
                Step::Leave(member_id) => {
                    tokio::spawn(self.leave(member_id));
                }
                step => self.pending = self.begin(step),
            }
        }
    }

    fn publish(&self) {
        let view = self.machine.view();
        self.view.send_if_modified(|old| {
            let modified = *old != view;
            *old = view;
            modified
        });
    }

    /// Begins what the step asks for.
    fn begin(&self, step: Step) -> Option<BoxFuture<'static, Answer>> {
        let cluster = Arc::clone(&self.cluster);
        let coordinator = self.coordinator.clone();
        Some(match step {
            Step::FindCoordinator => {
                let group = self.config.group.clone();
                Box::pin(async move { Answer::Coordinator(cluster.coordinator(&group).await) })
            }
            Step::Join(request) => {
                let patience = self.config.poll_interval;
                let joining = ask(cluster, coordinator, Lane::Joins, request, patience);
                Box::pin(async { Answer::Joined(joining.await) })
            }
            Step::Sync(request) => {
                let patience = self.config.poll_interval;
                let syncing = ask(cluster, coordinator, Lane::Joins, request, patience);
                Box::pin(async { Answer::Synced(syncing.await) })
            }
            Step::Heartbeat(request) => {
                let beating = ask(cluster, coordinator, Lane::Requests, request, Duration::ZERO);
                Box::pin(async { Answer::Heartbeat(beating.await) })
            }
            Step::Describe(topics) => {
                Box::pin(async move { Answer::Described(counts(&cluster, &topics).await) })
            }
            Step::Leave(_) | Step::Wait(_) | Step::End => return None,
        })
    }

    /// Waits for whatever comes first; false when it is time to end.
    async fn wait(&mut self, until: Duration, commands: &mut mpsc::Receiver<Command>) -> bool {
        let until = self.start + until;
        tokio::select! {
            answer = maybe(&mut self.pending) => {
                self.pending = None;
                self.take(answer);
            }
            described = maybe(&mut self.refreshing) => {
                self.refreshing = None;
                self.refreshed(described);
            }
            command = commands.recv() => match command {
                Some(Command::Released(number)) => self.machine.released(number),
                Some(Command::Leave(done)) => {
                    if let Some(member_id) = self.machine.leave() {
                        self.leave(member_id).await;
                    }
                    let _ = done.send(());
                    return false;
                }
                None => return false,
            },
            // Wakes up a member that was taken out because its consumer was stuck.
            changed = self.last_poll.changed(), if until >= self.start + NEVER => {
                return changed.is_ok();
            }
            () = sleep_until(self.refresh_at), if self.refreshing.is_none() => self.refresh(),
            () = sleep_until(until) => {}
        }
        true
    }

    fn take(&mut self, answer: Answer) {
        let now = now() - self.start;
        let outcome = match answer {
            Answer::Coordinator(Ok(address)) => {
                self.coordinator = Some(address);
                self.machine.coordinator_found(now, Ok(()));
                Ok(())
            }
            Answer::Coordinator(Err(error)) => {
                self.machine.coordinator_found(now, Err(Failure::from(&error)));
                Err(error)
            }
            Answer::Joined(outcome) => split(outcome, |outcome| self.machine.joined(now, outcome)),
            Answer::Described(outcome) => {
                split(outcome, |outcome| self.machine.described(now, outcome))
            }
            Answer::Synced(outcome) => split(outcome, |outcome| self.machine.synced(now, outcome)),
            Answer::Heartbeat(outcome) => {
                split(outcome, |outcome| self.machine.heartbeat_answered(now, outcome))
            }
        };
        match outcome {
            Ok(()) => self.cluster.notices().succeeded(),
            Err(error) => self.cluster.notices().failed(self.start + now, &error),
        }
    }

    /// Looks which topics and partitions there are by now.
    fn refresh(&mut self) {
        let (cluster, topics) = (Arc::clone(&self.cluster), self.topics.clone());
        let watched = self.machine.watched().cloned().collect();
        self.refreshing = Some(Box::pin(async move { wanted(&cluster, topics, watched).await }));
        self.refresh_at = now() + self.config.metadata_age;
    }

    fn refreshed(&mut self, described: Result<Described, ClientError>) {
        match described {
            Ok((topics, counts)) => self.machine.topics_are(topics, &counts),
            Err(error) => {
                self.cluster.notices().failed(now(), &error);
                self.refresh_at = now() + PATIENCE.min(self.config.metadata_age);
            }
        }
    }

    /// Tells the coordinator that the member goes.
    fn leave(&self, member_id: Str) -> impl Future<Output = ()> + use<> {
        let (cluster, coordinator) = (Arc::clone(&self.cluster), self.coordinator.clone());
        let group_id = self.config.group.clone();
        async move {
            let Some(address) = coordinator else { return };
            let Ok(connection) = cluster.connect(Lane::Requests, address).await else { return };
            let newer = connection.version::<LeaveGroupRequest>().is_ok_and(|version| version >= 3);
            let member = MemberIdentity {
                member_id: member_id.clone(),
                reason: Some(Str::from_static("the consumer is being closed")),
                ..MemberIdentity::default()
            };
            let request = LeaveGroupRequest {
                group_id,
                member_id: if newer { Str::default() } else { member_id },
                members: if newer { vec![member] } else { Vec::new() },
            };
            // If it fails, the session ends by itself.
            let _ = connection.call(&request).await;
        }
    }
}

/// The future's result; never without one.
async fn maybe<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Hands an outcome on, and keeps the error to tell of it.
fn split<T>(
    outcome: Result<T, ClientError>,
    take: impl FnOnce(Result<T, Failure>),
) -> Result<(), ClientError> {
    match outcome {
        Ok(value) => {
            take(Ok(value));
            Ok(())
        }
        Err(error) => {
            take(Err(Failure::from(&error)));
            Err(error)
        }
    }
}

async fn ask<R: Request>(
    cluster: Arc<Cluster>,
    coordinator: Option<Address>,
    lane: Lane,
    request: R,
    patience: Duration,
) -> Result<R::Response, ClientError> {
    let unknown = || ClientError::refused(ErrorCode::CoordinatorNotAvailable, None);
    let connection = cluster.connect(lane, coordinator.ok_or_else(unknown)?).await?;
    connection.call_patiently(&request, patience).await
}

/// How many partitions the topics have that exist.
async fn counts(
    cluster: &Cluster,
    topics: &BTreeSet<Str>,
) -> Result<BTreeMap<Str, i32>, ClientError> {
    let names: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
    let response = cluster.metadata(Some(&names)).await?;
    let existing = response.topics.into_iter().filter(|topic| topic.error_code == ErrorCode::None);
    let count = |topic: &[_]| i32::try_from(topic.len()).unwrap_or(i32::MAX);
    Ok(existing
        .filter_map(|topic| Some((topic.name.as_ref()?.detach(), count(&topic.partitions))))
        .collect())
}

async fn wanted(
    cluster: &Cluster,
    topics: Topics,
    mut watched: BTreeSet<Str>,
) -> Result<Described, ClientError> {
    let names = match topics {
        Topics::Named(names) => names,
        Topics::Matching(matches) => {
            let all = cluster.metadata(None).await?.topics.into_iter();
            let names = all.filter(|topic| !topic.is_internal).filter_map(|topic| topic.name);
            names.filter(|name| matches(name)).map(|name| name.detach()).collect()
        }
    };
    watched.extend(names.iter().cloned());
    let counts = counts(cluster, &watched).await?;
    Ok((names, counts))
}
