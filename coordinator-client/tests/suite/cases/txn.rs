//! Guarded transactions.

use crate::suite::{
    client, commit, config, conflict, eventually,
    proxy::{Mode, Proxy},
    put,
    server::{Server, free_port},
    value,
};
use barnabas_coordinator_client::{
    Client, ClientConfig, CreateRevision, Expect, ModRevision, Rejection, Session, SessionConfig,
    Txn, TxnError, TxnOutcome,
};
use std::time::Duration;

pub(crate) async fn every_compare(server: Server) {
    let client = server.client();
    let write = |expected| Txn::new().expect("/k", expected).put("/k", "v");
    let modified = |revision: i64| Expect::ModRevision(ModRevision(revision));
    let created = |revision: i64| Expect::CreateRevision(CreateRevision(revision));

    conflict(&client, write(modified(1))).await;
    conflict(&client, write(created(1))).await;
    let first = commit(&client, write(Expect::Absent)).await.0;
    conflict(&client, write(Expect::Absent)).await;
    conflict(&client, write(modified(first + 1))).await;
    let second = commit(&client, write(modified(first))).await.0;
    conflict(&client, write(modified(first))).await;
    conflict(&client, write(created(second))).await;
    commit(&client, write(created(first))).await;
    commit(&client, Txn::new().expect("/k", created(first)).delete("/k")).await;

    let reborn = commit(&client, write(Expect::Absent)).await.0;
    conflict(&client, write(created(first))).await;
    commit(&client, write(created(reborn))).await;
    // No condition at all.
    commit(&client, Txn::new().put("/k", "any")).await;
    assert_eq!(value(&client, "/k").await.as_deref(), Some("any"));
}

pub(crate) async fn a_conflict_shows_what_is_there_and_changes_nothing(server: Server) {
    let client = server.client();
    let there = put(&client, "/there", "x").await;
    let txn = Txn::new()
        .expect("/missing", Expect::Absent)
        .expect("/there", Expect::Absent)
        .expect("/other", Expect::ModRevision(ModRevision(1)))
        .put("/there", "y")
        .put("/missing", "y")
        .delete("/there2");
    let before = client.list("/").await.expect("a reply");
    let current = conflict(&client, txn).await;
    let [None, Some(found), None] = current.as_slice() else { panic!("{current:?}") };
    assert_eq!((found.mod_revision.0, &found.value[..]), (there.0, &b"x"[..]));
    assert_eq!(client.list("/").await.expect("a reply"), before);
}

pub(crate) async fn limits(server: Server) {
    let client = server.client();
    let full = (0..Txn::MAX_OPS).fold(Txn::new(), |txn, i| {
        let key = format!("/n/{i}");
        txn.expect(key.clone(), Expect::Absent).put(key, "v")
    });
    let revision = commit(&client, full.clone()).await;
    let listing = client.list("/n/").await.expect("a reply");
    assert_eq!(listing.entries.len(), Txn::MAX_OPS);
    assert!(listing.entries.iter().all(|kv| kv.mod_revision.0 == revision.0));
    let current = conflict(&client, full.clone()).await;
    assert!(current.iter().all(Option::is_some) && current.len() == Txn::MAX_OPS);

    let refused = client.txn(full.put("/n/more", "v")).await;
    assert!(matches!(refused, Err(TxnError::Rejected(Rejection::TooLarge(_)))), "{refused:?}");
    let twice = client.txn(Txn::new().put("/twice", "a").put("/twice", "b")).await;
    assert!(matches!(twice, Err(TxnError::Rejected(Rejection::Invalid(_)))), "{twice:?}");
    assert_eq!(client.get("/twice").await, Ok(None));

    let large = vec![b'x'; 1_390_000];
    commit(&client, Txn::new().put("/large", large)).await;
    let refused = client.txn(Txn::new().put("/larger", vec![b'x'; 1_600_000])).await;
    assert!(matches!(refused, Err(TxnError::Rejected(Rejection::TooLarge(_)))), "{refused:?}");
    the_servers_own_limit(&server).await;
}

/// 128 changes are accepted, 129 are not.
async fn the_servers_own_limit(server: &Server) {
    let mut raw = server.raw().await;
    let puts = |count: usize| -> Vec<_> {
        (0..count).map(|i| etcd_client::TxnOp::put(format!("/raw/{i}"), "v", None)).collect()
    };
    raw.txn(etcd_client::Txn::new().and_then(puts(128))).await.expect("128 are allowed");
    raw.txn(etcd_client::Txn::new().and_then(puts(129))).await.expect_err("129 are too many");
}

pub(crate) async fn a_put_under_a_dead_lease_is_fenced(server: Server) {
    let client = server.client();
    let session = Session::open(&client, SessionConfig::default()).await.expect("a session");
    let lease = session.lease();
    session.revoke().await.expect("a reply");
    let txn = Txn::new().put("/plain", "x").put_leased("/leased", "x", lease);
    let error = client.txn(txn).await.expect_err("the lease is gone");
    assert!(error.is_fenced() && !error.is_indeterminate(), "{error}");
    assert_eq!(client.list("/").await.expect("a reply").entries, []);
}

pub(crate) async fn a_lost_reply_is_indeterminate(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let (direct, through) = (server.client(), client(&proxy.endpoint()));
    put(&through, "/warm", "x").await;
    proxy.set(Mode::LoseReplies);
    let error = through.txn(Txn::new().put("/k", "v")).await.expect_err("no reply");
    assert!(error.is_indeterminate() && !error.is_retriable(), "{error}");
    eventually("it was applied all the same", || async { value(&direct, "/k").await }).await;
}

pub(crate) async fn an_own_write_is_recognised_after_a_lost_reply(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let (direct, through) = (server.client(), client(&proxy.endpoint()));
    let before = put(&through, "/k", "before").await;
    proxy.set(Mode::LoseReplies);
    let txn = Txn::new()
        .expect("/k", Expect::ModRevision(ModRevision(before.0)))
        .put("/k", "mine, stamp 7");
    let pending = tokio::spawn({
        let through = through.clone();
        async move { through.txn_recognised(txn).await }
    });
    eventually("the first attempt", || async {
        value(&direct, "/k").await.filter(|value| value != "before")
    })
    .await;
    proxy.cut(Mode::Pass);
    let outcome = pending.await.expect("the task").expect("a known fate");
    let kv = direct.get("/k").await.expect("a reply").expect("a key");
    assert_eq!(kv.version, 2, "applied once");
    let TxnOutcome::Committed { revision } = outcome else { panic!("{outcome:?}") };
    assert_eq!(revision.0, kv.mod_revision.0);
}

pub(crate) async fn what_was_not_sent_was_not_applied(mut server: Server) {
    let endpoints = [format!("http://127.0.0.1:{}", free_port()), server.endpoint().to_owned()];
    server.stop().await;
    let config = ClientConfig { request_timeout: Duration::from_secs(2), ..config(&endpoints) };
    let client = Client::connect(config).expect("a valid configuration");
    let error = client.txn(Txn::new().put("/k", "v")).await.expect_err("nobody is there");
    assert!(matches!(error, TxnError::Unavailable(_)) && error.is_retriable(), "{error}");
    server.start().await;
    assert_eq!(server.client().get("/k").await, Ok(None));
}
