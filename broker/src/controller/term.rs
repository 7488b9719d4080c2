//! One term as controller: it takes care of the brokers' partitions and carries out commands, one
//! round after the other.
//!
//! A round plans on a view that shows the round before, writes, and plans anew what met a conflict.
//! Whatever is written carries the guard of this term, so that a term that ended without noticing
//! does no harm.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas_coordinator_client::CreateRevision;
use tokio::sync::{mpsc, watch};

use super::apply::{FencedWriter, Outcome};
use super::error::ControllerError;
use super::handle::Command;
use super::pending::{ControllerOptions, PendingCommand, begin};
use super::plan::{Action, ChangeSet, Key};
use super::upkeep::Upkeep;
use crate::membership::Registration;
use crate::metadata::{Image, ImageHandle, Revision};

/// Commands that share a round.
const COMMANDS_PER_ROUND: usize = 64;

/// Rounds with conflicts before a command is given up.
const CONFLICTS: usize = 8;

/// How long to wait for the image to show what was written before planning without it.
const VIEW_PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for the image to show what a plan did not know.
const CONFLICT_PATIENCE: Duration = Duration::from_millis(200);

/// The longest that one round tries to write.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// One term.
pub(super) struct Term<'a> {
    pub(super) writer: FencedWriter,
    pub(super) created: CreateRevision,
    pub(super) registration: Registration,
    pub(super) registrations: watch::Receiver<Option<Registration>>,
    pub(super) image: ImageHandle,
    pub(super) queue: &'a mut mpsc::Receiver<Command>,
    pub(super) options: ControllerOptions,
    /// The view must show this.
    pub(super) written: Revision,
    pub(super) upkeep: Upkeep,
    /// The image has shown this broker as the controller.
    pub(super) seen: bool,
}

/// The term is over.
#[derive(Debug)]
pub(super) struct Deposed;

impl Term<'_> {
    /// Works until the term is over, or the queue is closed.
    pub(super) async fn run(mut self) {
        let mut updates = self.image.updates();
        loop {
            updates.mark_unchanged();
            let view = self.view().await;
            if self.is_over(&view) {
                return;
            }
            if self.maintain(&view).await.is_break() {
                return;
            }
            let retry = self.upkeep.retry_after();
            tokio::select! {
                command = self.queue.recv() => {
                    let Some(command) = command else { return };
                    if self.round(command).await.is_break() {
                        return;
                    }
                }
                changed = updates.changed() => if changed.is_err() { return },
                // Either way `is_over` looks at the registration next.
                changed = self.registrations.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(retry.unwrap_or_default()), if retry.is_some() => {}
            }
        }
    }

    /// The image, with all that this term has written as far as it comes in time.
    async fn view(&self) -> Arc<Image> {
        match tokio::time::timeout(VIEW_PATIENCE, self.image.wait_for(self.written)).await {
            Ok(Ok(image)) => image,
            _ => self.image.load(),
        }
    }

    /// Whether it is known that the term is over. Not to know it is safe.
    fn is_over(&mut self, view: &Image) -> bool {
        let shown = view.controller_revision.0;
        self.seen |= shown == self.created.0;
        let replaced = shown > self.created.0 || (self.seen && shown != self.created.0);
        let registered = *self.registrations.borrow() == Some(self.registration);
        replaced || !registered
    }

    /// Does what nobody has to ask for. What fails is tried again in the next turn.
    async fn maintain(&mut self, view: &Arc<Image>) -> ControlFlow<Deposed> {
        let sets = self.upkeep.plan(view);
        let outcomes = match sets.is_empty() {
            true => Vec::new(),
            false => self.write(&sets, view, None).await?,
        };
        self.upkeep.settle(&outcomes);
        ControlFlow::Continue(())
    }

    /// Carries out a command, and those that wait behind it.
    async fn round(&mut self, first: Command) -> ControlFlow<Deposed> {
        let mut pending = vec![begin(first, self.options)];
        while pending.len() < COMMANDS_PER_ROUND
            && let Ok(command) = self.queue.try_recv()
        {
            pending.push(begin(command, self.options));
        }
        let mut conflicts = 0;
        while !pending.is_empty() {
            let view = self.view().await;
            let (owners, sets) = plan(&mut pending, &view);
            let deadline = pending.iter().map(|command| command.deadline()).max();
            let outcomes = match self.write(&sets, &view, deadline).await {
                ControlFlow::Continue(outcomes) => outcomes,
                ControlFlow::Break(deposed) => {
                    pending
                        .iter_mut()
                        .for_each(|command| command.fail(ControllerError::NotController));
                    pending.into_iter().for_each(PendingCommand::reply);
                    return ControlFlow::Break(deposed);
                }
            };
            let newest = settle(&mut pending, &owners, &outcomes);
            if let Some(revision) = newest {
                conflicts += 1;
                self.wait_for_conflict(&view, revision).await;
            }
            if conflicts > CONFLICTS {
                pending.iter_mut().for_each(|command| command.fail(ControllerError::Unavailable));
            }
            for done in pending.extract_if(.., |command| !command.is_open()) {
                done.reply();
            }
        }
        ControlFlow::Continue(())
    }

    /// Writes sets that were planned on a view, and notes what the next view must show.
    async fn write(
        &mut self,
        sets: &[ChangeSet],
        view: &Image,
        deadline: Option<Instant>,
    ) -> ControlFlow<Deposed, Vec<Outcome>> {
        let latest = crate::env::now() + WRITE_PATIENCE;
        let deadline = deadline.map_or(latest, |deadline| deadline.min(latest));
        let outcomes = self.writer.write(sets, view.restored.revision, deadline).await;
        for outcome in &outcomes {
            match outcome {
                Outcome::Written(revision) => self.written = self.written.max(*revision),
                Outcome::Conflict(_) | Outcome::Unknown | Outcome::TooLarge => {}
                Outcome::Deposed => {
                    tracing::info!(created = %self.created, "this broker is not the controller any more");
                    return ControlFlow::Break(Deposed);
                }
            }
        }
        ControlFlow::Continue(outcomes)
    }

    /// Waits for the image to show what the plan did not know.
    async fn wait_for_conflict(&self, view: &Image, revision: Revision) {
        let newer = |image: &Image| image.revision > view.revision && image.revision >= revision;
        let shown = self.image.wait_until(newer);
        // If it does not come, the next conflict will tell.
        let _ = tokio::time::timeout(CONFLICT_PATIENCE, shown).await;
    }
}

/// Plans all open items. An item that would write a key that another one writes in the same round
/// stays open for the next one.
fn plan(
    pending: &mut [Box<dyn PendingCommand>],
    view: &Image,
) -> (Vec<(usize, usize)>, Vec<ChangeSet>) {
    let (mut owners, mut sets) = (Vec::new(), Vec::new());
    let mut taken = HashSet::<Key>::new();
    let now = crate::env::now();
    for (index, command) in pending.iter_mut().enumerate() {
        if command.deadline() <= now {
            command.fail(ControllerError::TimedOut);
        }
        for (item, set) in command.plan(view) {
            let touched = || set.changes.iter().filter(|change| change.action != Action::Keep);
            if touched().any(|change| taken.contains(&change.key)) {
                continue;
            }
            taken.extend(touched().map(|change| change.key.clone()));
            owners.push((index, item));
            sets.push(set);
        }
    }
    (owners, sets)
}

/// Decides the items whose sets are written or lost; those in conflict stay open. Returns the
/// newest revision of a conflict.
fn settle(
    pending: &mut [Box<dyn PendingCommand>],
    owners: &[(usize, usize)],
    outcomes: &[Outcome],
) -> Option<Revision> {
    let mut newest = None;
    for ((command, item), outcome) in owners.iter().zip(outcomes) {
        let command = &mut pending[*command];
        match outcome {
            Outcome::Written(revision) => command.settle(*item, Ok(*revision)),
            Outcome::Conflict(revision) => newest = newest.max(Some(*revision)),
            Outcome::Deposed => command.settle(*item, Err(ControllerError::NotController)),
            Outcome::Unknown => command.settle(*item, Err(ControllerError::Unavailable)),
            Outcome::TooLarge => command.settle(*item, Err(ControllerError::TooLarge)),
        }
    }
    newest
}
