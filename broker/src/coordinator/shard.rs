//! The task of a shard: a bounded mailbox, one timer, and at most one transaction under way.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use barnabas_coordinator_client::{Client, Txn, TxnOutcome};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::claim::{Claim, Fence};
use super::error::WriteError;
use super::health::{EtcdHealth, FailureLog};
use super::losses::Losses;
use super::service::{LoadedKey, Now, Service, Standing};
use super::writes::{Finished, Step};
use crate::config::BrokerConfig;
use crate::env;

/// The longest time between two looks at the timers: an `Instant` cannot be arbitrarily far away.
const LONGEST_SLEEP: Duration = Duration::from_secs(24 * 3600);

/// What all shards of a coordinator share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) broker: BrokerId,
    pub(super) config: Arc<ArcSwap<BrokerConfig>>,
    pub(super) health: EtcdHealth,
    pub(super) failures: FailureLog,
    /// Claims that turned out to be over.
    pub(super) losses: Losses,
}

/// What a shard's task receives.
#[derive(Debug)]
pub(super) enum Message<S: Service> {
    Request(S::Request),
    /// The shard is this broker's under this registration, and will be loaded.
    Acquire(BrokerEpoch),
    /// What etcd holds of the shard since this claim.
    Load(Claim, Vec<LoadedKey<S::Loaded>>),
    /// The shard is another broker's.
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// Another broker coordinates the shard.
    Foreign,
    /// It is this broker's under that registration, and is being loaded.
    Loading(BrokerEpoch),
    /// It is this broker's by that claim.
    Serving(Claim),
}

type Write = Pin<Box<dyn Future<Output = Result<TxnOutcome, WriteError>> + Send>>;

/// The state of a shard, owned by its task.
pub(super) struct Shard<S: Service> {
    index: usize,
    shared: Arc<Shared>,
    start: Instant,
    ownership: Ownership,
    service: S,
}

impl<S: Service> Shard<S> {
    pub(super) fn new(index: usize, shared: Arc<Shared>, service: S) -> Self {
        Self { index, shared, start: env::now(), ownership: Ownership::Foreign, service }
    }

    /// Serves until `stop`.
    pub(super) async fn run(
        mut self,
        mut mailbox: mpsc::Receiver<Message<S>>,
        stop: CancellationToken,
    ) {
        let mut health = self.shared.health.clone();
        let mut write: Option<Write> = None;
        loop {
            if health.is_away() {
                self.fail_waiting();
            } else if write.is_none() {
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
                result = written => write = self.on_written(result),
                () = health.changed() => {}
                () = tokio::time::sleep_until(self.wake_at().into()) => self.on_time(&mut mailbox),
            }
        }
    }

    fn on_message(&mut self, message: Message<S>) {
        match message {
            Message::Request(request) => {
                self.service.handle(self.now(), self.standing(), request);
            }
            Message::Acquire(epoch) => {
                self.release();
                self.ownership = Ownership::Loading(epoch);
            }
            Message::Load(claim, loaded) => self.load(claim, loaded),
            Message::Release => self.release(),
        }
    }

    fn standing(&self) -> Standing {
        match self.ownership {
            Ownership::Foreign => Standing::NotOwner,
            Ownership::Loading(_) => Standing::Loading,
            Ownership::Serving(_) if self.shared.health.is_away() => Standing::ReadOnly,
            Ownership::Serving(_) => Standing::Serving,
        }
    }

    fn now(&self) -> Now {
        let ms = env::now().duration_since(self.start).as_millis();
        Now { ms: u64::try_from(ms).unwrap_or(u64::MAX), wall_ms: env::wall_clock_ms() }
    }

    fn wake_at(&self) -> Instant {
        let wait = self.service.wake_at_ms().saturating_sub(self.now().ms);
        env::now() + Duration::from_millis(wait).min(LONGEST_SLEEP)
    }

    /// Does what is due, but reads the waiting messages first: after a pause of the process,
    /// members whose heartbeats came in time are not taken for silent. Messages that arrive
    /// meanwhile do not put off what is due.
    fn on_time(&mut self, mailbox: &mut mpsc::Receiver<Message<S>>) {
        for _ in 0..mailbox.len() {
            if let Ok(message) = mailbox.try_recv() {
                self.on_message(message);
            }
        }
        self.service.tick(self.now());
    }

    fn load(&mut self, claim: Claim, loaded: Vec<LoadedKey<S::Loaded>>) {
        if self.ownership != Ownership::Loading(claim.epoch) {
            return;
        }
        let mut values = Vec::with_capacity(loaded.len());
        for LoadedKey { key, revision, value } in loaded {
            self.service.writes().learn(key, revision);
            values.push(value);
        }
        self.ownership = Ownership::Serving(claim);
        self.service.load(self.now(), values);
    }

    /// Forgets everything and turns away whoever waits. A transaction in flight may still get
    /// through, but is not sent again: the next coordinator may have written the same keys.
    fn release(&mut self) {
        self.ownership = Ownership::Foreign;
        self.service.release(self.now());
        let failed = self.service.writes().release();
        self.finish(failed);
    }

    /// Another broker has claimed the shard. Where the image says that it is this broker's, the
    /// placement claims it anew.
    fn lose(&mut self) {
        if let Ownership::Serving(claim) = self.ownership {
            self.release();
            self.ownership = Ownership::Loading(claim.epoch);
            self.shared.losses.report(self.index, claim);
        }
    }

    fn fail_waiting(&mut self) {
        let failed = self.service.writes().fail_waiting(&WriteError::Away);
        self.finish(failed);
    }

    fn finish(&mut self, finished: Vec<Finished<S::Reply>>) {
        for finished in finished {
            self.service.finish(self.now(), finished);
        }
    }

    fn next_txn(&mut self) -> Option<Txn> {
        let Ownership::Serving(claim) = self.ownership else { return None };
        let Shared { keys, broker, .. } = &*self.shared;
        let fence = || Fence::new(keys, S::KIND, self.index, *broker, claim);
        self.service.writes().next(fence)
    }

    fn send(&self, txn: Txn) -> Write {
        let client = self.shared.client.clone();
        let limit = S::write_timeout(&self.shared.config.load());
        Box::pin(async move {
            match tokio::time::timeout(limit, client.txn(txn)).await {
                Ok(result) => Ok(result?),
                Err(_) => Err(WriteError::TimedOut),
            }
        })
    }

    /// Takes in the outcome of a transaction. Returns the write that takes its place, if the batch
    /// has to be sent again.
    fn on_written(&mut self, result: Result<TxnOutcome, WriteError>) -> Option<Write> {
        let (effects, finished, error) = match self.service.writes().done(result) {
            Step::Resend(txn) => return Some(self.send(txn)),
            Step::Done { effects, finished, error } => (effects, finished, error),
        };
        self.shared.failures.note(error.as_ref());
        effects.into_iter().for_each(|effect| self.service.apply(effect));
        self.finish(finished);
        if error == Some(WriteError::Fenced) {
            self.lose();
        }
        None
    }
}

#[cfg(test)]
mod tests;
