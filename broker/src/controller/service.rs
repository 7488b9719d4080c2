//! The task that stands for election, and leads while it is elected. Commands that come while it is
//! not are refused.

use std::time::Duration;

use barnabas_coordinator_client::{Campaign, CampaignError, Candidate, CreateRevision, Leadership};
use barnabas_protocol::state::ids::ControllerEpoch;
use barnabas_protocol::state::values::Controller as ControllerValue;
use barnabas_protocol::state::{StateValue, to_json};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::apply::FencedWriter;
use super::clock::ClockWriter;
use super::error::ControllerError;
use super::handle::{Command, ControllerHandle};
use super::pending::{ControllerOptions, begin};
use super::term::Term;
use super::upkeep::{TopicDefaults, Upkeep};
use crate::failure::Failing;
use crate::membership::{ClusterMember, Registration};
use crate::metadata::Revision;

/// Pause between campaigns.
const CAMPAIGN_PAUSE: Duration = Duration::from_millis(200);

/// How often to campaign although the image shows a controller: the image may be wrong for a while.
const CAMPAIGN_INTERVAL: Duration = Duration::from_secs(5);

/// What the controller is made of.
#[derive(Debug)]
pub struct ControllerParts {
    /// This broker; its image is the view to plan on.
    pub member: ClusterMember,
    /// The process life, as in the registration.
    pub incarnation: Uuid,
    /// What to know of the configuration.
    pub options: ControllerOptions,
    /// Told when the controller dies.
    pub failing: Failing,
}

/// This broker's candidacy, and its office while it is elected; both end when this is dropped.
#[derive(Debug)]
pub struct Controller {
    handle: ControllerHandle,
    task: JoinHandle<()>,
}

impl Controller {
    /// Starts to stand for election.
    #[must_use]
    pub fn start(parts: ControllerParts) -> Self {
        let (handle, queue) = ControllerHandle::channel();
        let failing = parts.failing.clone();
        let service = Service { parts, queue }.run();
        let task = tokio::spawn(failing.needs("the controller", service));
        Self { handle, task }
    }

    /// Asks this broker's controller.
    #[must_use]
    pub fn handle(&self) -> ControllerHandle {
        self.handle.clone()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Service {
    parts: ControllerParts,
    queue: mpsc::Receiver<Command>,
}

impl Service {
    async fn run(mut self) {
        loop {
            let registration = *self.parts.member.registration.borrow_and_update();
            if let Some(registration) = registration {
                match self.campaign(registration).await {
                    Ok(Campaign::Elected(leadership)) => self.lead(registration, leadership).await,
                    Ok(Campaign::Held(_)) => self.wait_for_vacancy().await,
                    Ok(Campaign::NotRegistered) => {}
                    Err(error) => tracing::warn!(%error, "cannot stand for election"),
                }
            }
            let pause = tokio::time::sleep(CAMPAIGN_PAUSE);
            if self.refuse_until(pause).await.is_none() {
                return;
            }
        }
    }

    async fn campaign(&self, registration: Registration) -> Result<Campaign, CampaignError> {
        let ControllerParts { member, incarnation, .. } = &self.parts;
        let ClusterMember { client, keys, broker, .. } = member;
        let candidate = Candidate {
            keys: keys.clone(),
            broker: *broker,
            registration: CreateRevision(registration.epoch.0),
            lease: registration.lease,
        };
        let value = |term: ControllerEpoch| -> Bytes {
            let value = ControllerValue {
                version: ControllerValue::VERSION,
                broker_id: broker.0,
                broker_epoch: registration.epoch.0,
                incarnation: incarnation.to_string(),
                term: term.0,
            };
            to_json(&value).into()
        };
        client.campaign(&candidate, crate::env::wall_clock_ms(), value).await
    }

    /// One term in office.
    async fn lead(&mut self, registration: Registration, leadership: Leadership) {
        let ControllerParts { member, options, .. } = &self.parts;
        tracing::info!(epoch = %leadership.epoch, "this broker is the controller");
        let clock = ClockWriter { member: member.clone(), leadership: leadership.clone() };
        let term = Term {
            created: leadership.create_revision,
            writer: FencedWriter::new(
                member.client.clone(),
                member.keys.clone(),
                leadership,
                member.broker,
                registration.epoch,
            ),
            registration,
            registrations: member.registration.clone(),
            image: member.image.clone(),
            queue: &mut self.queue,
            options: *options,
            // The first view must at least show this broker.
            written: Revision(registration.epoch.0),
            upkeep: Upkeep::new(TopicDefaults {
                min_isr: options.min_isr,
                unclean: options.unclean,
            }),
            seen: false,
        };
        tokio::select! {
            () = term.run() => {}
            () = clock.run() => {}
        }
    }

    /// Waits until the controller seems to be gone, refusing commands.
    async fn wait_for_vacancy(&mut self) {
        let image = self.parts.member.image.clone();
        let vacant = image.wait_until(|image| image.revision.0 > 0 && image.controller.is_none());
        let vacant = tokio::time::timeout(CAMPAIGN_INTERVAL, vacant);
        self.refuse_until(vacant).await;
    }

    /// Answers commands with "not controller" until something else happens. `None`: nobody can ask
    /// any more.
    async fn refuse_until<T>(&mut self, event: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(event);
        loop {
            tokio::select! {
                result = &mut event => return Some(result),
                command = self.queue.recv() => {
                    let mut refused = begin(command?, self.parts.options);
                    refused.fail(ControllerError::NotController);
                    refused.reply();
                }
            }
        }
    }
}
