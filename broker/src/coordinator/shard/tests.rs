//! The order of events in a shard's task.

use barnabas_coordinator_client::{ClientConfig, KeyValue, ModRevision, SessionState};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::StateError;
use barnabas_protocol::state::keys::CoordinatorKind;
use tokio::sync::watch;

use super::*;
use crate::config::{ConfigFile, Sources};
use crate::coordinator::writes::Writes;
use crate::metadata::Image;

/// Remembers what happens to it.
#[derive(Default)]
struct Recorder {
    writes: Writes<(), ()>,
    events: Vec<String>,
    wake_at_ms: u64,
}

impl Service for Recorder {
    const KIND: CoordinatorKind = CoordinatorKind::Group;
    const NAME: &'static str = "a recorder";
    type Request = &'static str;
    type Loaded = &'static str;
    type Effect = ();
    type Reply = ();

    fn prefix(keys: &Keys) -> String {
        keys.groups()
    }

    fn parse(_: &Keys, _: &KeyValue) -> Result<Option<(Str, &'static str)>, StateError> {
        Ok(None)
    }

    fn unknown_topic<'a>(_: &'a &'static str, _: &Image) -> Option<&'a Str> {
        None
    }

    fn write_timeout(_: &BrokerConfig) -> Duration {
        Duration::from_secs(1)
    }

    fn writes(&mut self) -> &mut Writes<(), ()> {
        &mut self.writes
    }

    fn handle(&mut self, _: Now, standing: Standing, request: &'static str) {
        self.events.push(format!("{request} {standing:?}"));
    }

    fn load(&mut self, _: Now, loaded: Vec<&'static str>) {
        self.events.push(format!("load {loaded:?}"));
    }

    fn release(&mut self, _: Now) {
        self.events.push("release".into());
    }

    fn apply(&mut self, (): ()) {}

    fn finish(&mut self, _: Now, finished: Finished<()>) {
        self.events.push(format!("finish {:?}", finished.results));
    }

    fn wake_at_ms(&self) -> u64 {
        self.wake_at_ms
    }

    fn tick(&mut self, _: Now) {
        self.events.push("tick".into());
    }
}

fn shard() -> (Shard<Recorder>, watch::Sender<SessionState>) {
    let (session, state) = watch::channel(SessionState::Connected);
    let file = ConfigFile { name: "server.properties".into(), text: "broker.id=1\n".into() };
    let sources = Sources { file: Some(file), ..Sources::default() };
    let config = BrokerConfig::from_sources(&sources).expect("valid").0;
    let shared = Shared {
        client: Client::connect(ClientConfig::new(["http://127.0.0.1:1"])).expect("valid"),
        keys: Keys::new("/test"),
        broker: BrokerId(1),
        config: Arc::new(ArcSwap::from_pointee(config)),
        health: EtcdHealth::new(state),
        failures: FailureLog::new("a recorder"),
        losses: Losses::default(),
    };
    (Shard::new(0, Arc::new(shared), Recorder::default()), session)
}

fn claim(revision: i64) -> Claim {
    Claim { epoch: BrokerEpoch(1), revision: ModRevision(revision) }
}

#[tokio::test]
async fn requests_are_given_the_standing_of_the_shard() {
    let (mut shard, session) = shard();
    shard.on_message(Message::Request("a"));
    shard.on_message(Message::Acquire(BrokerEpoch(1)));
    shard.on_message(Message::Request("b"));
    let key = LoadedKey { key: "k".into(), revision: ModRevision(3), value: "v" };
    shard.on_message(Message::Load(claim(2), vec![key]));
    shard.on_message(Message::Request("c"));
    session.send_replace(SessionState::Suspect);
    shard.on_message(Message::Request("d"));
    shard.on_message(Message::Release);
    shard.on_message(Message::Request("e"));
    let events = [
        "a NotOwner",
        "release",
        "b Loading",
        "load [\"v\"]",
        "c Serving",
        "d ReadOnly",
        "release",
        "e NotOwner",
    ];
    assert_eq!(shard.service.events, events);
}

#[tokio::test]
async fn a_load_for_an_earlier_registration_is_ignored() {
    let (mut shard, _session) = shard();
    shard.on_message(Message::Acquire(BrokerEpoch(9)));
    shard.on_message(Message::Load(claim(2), Vec::new()));
    shard.on_message(Message::Request("a"));
    assert_eq!(shard.service.events, ["release", "a Loading"]);
}

/// After a pause of the process, heartbeats that came in time are read before members are removed.
#[tokio::test]
async fn waiting_messages_are_read_before_timers_fire() {
    let (mut shard, _session) = shard();
    let (sender, mut mailbox) = mpsc::channel(8);
    for request in ["a", "b"] {
        sender.try_send(Message::Request(request)).expect("there is room");
    }
    shard.on_time(&mut mailbox);
    assert_eq!(shard.service.events, ["a NotOwner", "b NotOwner", "tick"]);
}

#[tokio::test]
async fn a_shard_sleeps_after_two_months_as_on_its_first_day() {
    let (mut shard, _session) = shard();
    shard.start -= 60 * LONGEST_SLEEP;
    shard.service.wake_at_ms = shard.now().ms + 60_000;
    assert!(shard.wake_at() > env::now());
    shard.service.wake_at_ms = 1000;
    assert!(shard.wake_at() <= env::now(), "it is due");
    shard.service.wake_at_ms = u64::MAX;
    assert!(shard.wake_at() > env::now(), "nothing is ever due");
}

#[tokio::test]
async fn changes_that_wait_fail_when_the_claim_is_lost() {
    let (mut shard, _session) = shard();
    shard.on_message(Message::Acquire(BrokerEpoch(1)));
    shard.on_message(Message::Load(claim(2), Vec::new()));
    let change = |key: &'static str| crate::coordinator::Change {
        key: key.into(),
        value: Some("v".into()),
        condition: None,
        effect: (),
    };
    shard.service.writes.push((), vec![change("in flight")]);
    assert!(shard.next_txn().is_some());
    shard.service.writes.push((), vec![change("waiting")]);
    shard.lose();
    assert_eq!(shard.standing(), Standing::Loading);
    assert_eq!(shard.service.events[2..], ["release", "finish [Err(Fenced)]"]);
    // The one in flight was written all the same, so its client is told so.
    let revision = barnabas_coordinator_client::Revision(5);
    let again = shard.on_written(Ok(TxnOutcome::Committed { revision }));
    assert!(again.is_none());
    assert_eq!(shard.service.events[4..], ["finish [Ok(())]"]);
}
