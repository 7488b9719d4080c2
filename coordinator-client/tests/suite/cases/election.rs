//! The election of the controller.

use crate::suite::{
    client, commit, conflict, eventually,
    proxy::{Mode, Proxy},
    put,
    server::Server,
    value,
};
use barnabas_coordinator_client::{
    Campaign, Candidate, Client, CreateRevision, Leadership, Session, SessionConfig, Txn,
};
use barnabas_protocol::state::ids::{BrokerId, ControllerEpoch};
use barnabas_protocol::state::values::Restored;
use barnabas_protocol::state::{Keys, from_json};
use bytes::Bytes;

/// The time of day of the clock.
const NOW_MS: i64 = 1_700_000_000_000;

/// A broker that is registered, with its session.
struct Broker {
    session: Session,
    candidate: Candidate,
    client: Client,
    id: i32,
}

impl Broker {
    async fn register(client: Client, id: i32) -> Self {
        let session = Session::open(&client, SessionConfig::default()).await.expect("a session");
        let key = format!("/brokers/ids/{id}");
        let txn = Txn::new().put_leased(key.clone(), "x", session.lease());
        let registration = CreateRevision(commit(&client, txn).await.0);
        let lease = session.lease();
        let (keys, broker) = (Keys::new(""), BrokerId(id));
        let candidate = Candidate { keys, broker, registration, lease };
        Self { session, candidate, client, id }
    }

    async fn campaign(&self) -> Campaign {
        let id = self.id;
        let value = move |epoch: ControllerEpoch| Bytes::from(format!("broker {id}, term {epoch}"));
        self.client.campaign(&self.candidate, NOW_MS, value).await.expect("a result")
    }

    async fn lead(&self) -> Leadership {
        match self.campaign().await {
            Campaign::Elected(leadership) => leadership,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn one_candidate_wins(server: Server) {
    let client = server.client();
    let mut brokers = Vec::new();
    for id in 0..4 {
        brokers.push(Broker::register(server.client(), id).await);
    }
    let campaigns = brokers.iter().map(Broker::campaign);
    let results = futures_util::future::join_all(campaigns).await;
    let elected: Vec<_> = results
        .iter()
        .filter_map(|result| match result {
            Campaign::Elected(leadership) => Some(leadership.clone()),
            Campaign::Held(_) => None,
            Campaign::NotRegistered => panic!("{results:?}"),
        })
        .collect();
    assert_eq!(elected.len(), 1, "{results:?}");
    assert_eq!(elected[0].epoch, ControllerEpoch(1));
    let kv = client.get("/controller").await.expect("a reply").expect("a leader");
    assert_eq!(kv.create_revision, elected[0].create_revision);
    assert_eq!(value(&client, "/controller_epoch").await.as_deref(), Some("1"));
}

pub(crate) async fn an_old_leader_is_fenced(server: Server) {
    let client = server.client();
    let old = Broker::register(client.clone(), 1).await;
    let new = Broker::register(client.clone(), 2).await;
    let old_term = old.lead().await;
    commit(&client, old_term.guard(Txn::new()).put("/state", "by the old one")).await;
    assert!(matches!(new.campaign().await, Campaign::Held(_)));

    client.revoke(old.session.lease()).await.expect("a reply");
    // Nobody leads: the old one must not write any more.
    conflict(&client, old_term.guard(Txn::new()).put("/state", "too late")).await;
    let new_term = new.lead().await;
    assert!(new_term.epoch > old_term.epoch && new_term.create_revision > old_term.create_revision);
    conflict(&client, old_term.guard(Txn::new()).put("/state", "too late")).await;
    commit(&client, new_term.guard(Txn::new()).put("/state", "by the new one")).await;
    assert_eq!(value(&client, "/state").await.as_deref(), Some("by the new one"));
}

pub(crate) async fn an_unregistered_candidate_cannot_win(server: Server) {
    let client = server.client();
    let mut broker = Broker::register(client.clone(), 1).await;
    commit(&client, Txn::new().delete("/brokers/ids/1")).await;
    assert_eq!(broker.campaign().await, Campaign::NotRegistered);
    put(&client, "/brokers/ids/1", "another life").await;
    assert_eq!(broker.campaign().await, Campaign::NotRegistered);

    let kv = client.get("/brokers/ids/1").await.expect("a reply").expect("a key");
    broker.candidate.registration = kv.create_revision;
    client.revoke(broker.session.lease()).await.expect("a reply");
    let error =
        client.campaign(&broker.candidate, NOW_MS, |_| "x".into()).await.expect_err("no lease");
    assert!(error.is_fenced() && !error.is_retriable(), "{error}");
    assert_eq!(client.get("/controller_epoch").await, Ok(None));

    put(&client, "/controller_epoch", "nonsense").await;
    let error =
        client.campaign(&broker.candidate, NOW_MS, |_| "x".into()).await.expect_err("damaged");
    assert!(!error.is_retriable(), "{error}");
}

pub(crate) async fn a_winner_whose_reply_was_lost_finds_out(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let direct = server.client();
    let mut broker = Broker::register(direct.clone(), 1).await;
    broker.client = client(&proxy.endpoint());
    broker.client.ready().await.expect("a reply");
    let candidate = broker.candidate.clone();
    // Elected behind the candidate's back, as an earlier attempt of its own would have done.
    let first =
        broker.client.campaign(&candidate, NOW_MS, |epoch| format!("1, {epoch}").into()).await;
    let Ok(Campaign::Elected(first)) = first else { panic!("{first:?}") };
    let again =
        broker.client.campaign(&candidate, NOW_MS, |epoch| format!("1, {epoch}").into()).await;
    assert_eq!(again, Ok(Campaign::Elected(first.clone())));
    let other =
        broker.client.campaign(&candidate, NOW_MS, |epoch| format!("2, {epoch}").into()).await;
    assert!(matches!(other, Ok(Campaign::Held(_))), "{other:?}");
    direct.resign(&first).await.expect("a reply");

    let campaign = tokio::spawn({
        let client = broker.client.clone();
        async move { client.campaign(&candidate, NOW_MS, |epoch| format!("1, {epoch}").into()).await }
    });
    // Lose replies at some moment of the campaign, until the key is there.
    proxy.set(Mode::LoseReplies);
    let lost = tokio::time::timeout(std::time::Duration::from_millis(500), async {
        eventually("elected", || async { value(&direct, "/controller").await }).await
    });
    drop(lost.await);
    proxy.cut(Mode::Pass);
    let result = campaign.await.expect("the task").expect("a result");
    let Campaign::Elected(term) = result else { panic!("{result:?}") };
    let kv = direct.get("/controller").await.expect("a reply").expect("a leader");
    assert_eq!((term.create_revision, term.epoch), (kv.create_revision, ControllerEpoch(2)));
}

pub(crate) async fn only_the_leader_resigns(server: Server) {
    let client = server.client();
    let (a, b) =
        (Broker::register(client.clone(), 1).await, Broker::register(client.clone(), 2).await);
    let first = a.lead().await;
    client.resign(&first).await.expect("a reply");
    assert_eq!(client.get("/controller").await, Ok(None));
    let second = b.lead().await;
    client.resign(&first).await.expect("a reply");
    let kv = client.get("/controller").await.expect("a reply").expect("still there");
    assert_eq!(kv.create_revision, second.create_revision);
}

pub(crate) async fn the_clock_is_written_by_one_term(server: Server) {
    let client = server.client();
    let (a, b) =
        (Broker::register(client.clone(), 1).await, Broker::register(client.clone(), 2).await);
    let keys = Keys::new("");
    let mut first = a.lead().await;
    let tick = async |term: &mut Leadership, id| {
        client.write_clock(term, &keys, BrokerId(id), NOW_MS).await.expect("a reply")
    };
    for _ in 0..2 {
        assert!(tick(&mut first, 1).await);
        let marks = client.read_marks(&keys).await.expect("a reply");
        assert_eq!((marks.clock, marks.count), (Some(first.clock), 0));
    }
    // An own term whose clock was written is recognised with that clock.
    assert_eq!(a.lead().await, first);
    client.resign(&first).await.expect("a reply");
    let mut second = b.lead().await;
    assert!(!tick(&mut first, 1).await, "its term is over");
    put(&client, &keys.clock(), "written by somebody else").await;
    assert!(!tick(&mut second, 2).await, "the clock is not the one that it wrote");
}

pub(crate) async fn a_missing_clock_raises_the_restore_count(server: Server) {
    let client = server.client();
    let (a, keys) = (Broker::register(client.clone(), 1).await, Keys::new(""));
    let first = a.lead().await;
    assert_eq!(client.get(keys.restored()).await, Ok(None));
    client.resign(&first).await.expect("a reply");
    commit(&client, Txn::new().delete(keys.clock())).await;
    a.lead().await;
    let kv = client.get(keys.restored()).await.expect("a reply").expect("a count");
    let found: Restored = from_json(&kv.value).expect("readable");
    assert_eq!((found.count, found.broker_id), (1, 1), "{found:?}");
}

pub(crate) async fn a_restore_is_counted_once(server: Server) {
    let (client, keys) = (server.client(), Keys::new(""));
    let marks = client.read_marks(&keys).await.expect("a reply");
    let raise = async |above| {
        let cause = (BrokerId(1), "seen by a test".to_owned());
        client.raise_restored(&keys, &marks, above, cause).await.expect("a reply")
    };
    assert_eq!(raise(6).await, Some(7));
    assert_eq!(raise(8).await, None, "somebody has counted it");
    let marks = client.read_marks(&keys).await.expect("a reply");
    assert_eq!((marks.count, marks.restored.map(|at| at.0)), (7, Some(marks.revision.0)));
}
