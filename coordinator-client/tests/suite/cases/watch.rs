//! Watches of a prefix.

use crate::suite::{
    changes, client, commit, config,
    proxy::{Mode, Proxy},
    put,
    server::Server,
    snapshot, soon,
};
use barnabas_coordinator_client::{
    Change, Client, ClientConfig, PrefixWatch, Session, SessionConfig, Txn, WatchEvent,
};
use std::time::Duration;

async fn next(watch: &mut PrefixWatch) -> WatchEvent {
    soon("the next event", watch.next()).await
}

/// Reads changes until `last` was seen.
async fn until(watch: &mut PrefixWatch, last: &str) -> Vec<(String, i64)> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(key, _)| key != last) {
        seen.extend(changes(next(watch).await));
    }
    seen
}

pub(crate) async fn a_snapshot_and_then_every_change_in_order(server: Server) {
    let client = server.client();
    put(&client, "/w/a", "1").await;
    put(&client, "/other", "1").await;
    let mut watch = client.watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), ["/w/a"]);
    let mut expected = Vec::new();
    for i in 0..50 {
        let revision = put(&client, "/w/b", &i.to_string()).await;
        expected.push(("/w/b".to_owned(), revision.0));
        put(&client, "/x/not watched", "x").await;
    }
    let txn = Txn::new().put("/w/c", "1").delete("/w/a").put("/w/last", "1");
    let revision = commit(&client, txn).await.0;
    let mut seen = until(&mut watch, "/w/last").await;
    let of_txn = seen.split_off(seen.len() - 3);
    assert_eq!(seen, expected);
    assert!(of_txn.iter().all(|(_, at)| *at == revision), "{of_txn:?}");

    commit(&client, Txn::new().delete("/w/c")).await;
    let WatchEvent::Changes { changes, .. } = next(&mut watch).await else { panic!() };
    assert!(matches!(&changes[..], [Change::Delete { key, .. }] if key == "/w/c"), "{changes:?}");
}

pub(crate) async fn a_watch_resumes_after_its_connection_broke(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let (direct, through) = (server.client(), client(&proxy.endpoint()));
    let mut watch = through.watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), [""; 0]);
    let mut expected = Vec::new();
    for round in 0..5 {
        proxy.cut(Mode::Broken);
        for i in 0..10 {
            let key = format!("/w/{round}/{i}");
            let revision = put(&direct, &key, "x").await.0;
            expected.push((key, revision));
        }
        proxy.set(Mode::Pass);
        let seen = until(&mut watch, &format!("/w/{round}/9")).await;
        assert_eq!(seen, expected[round * 10..], "each once, in order");
    }
}

pub(crate) async fn a_watch_lists_again_after_compaction(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let (direct, through) = (server.client(), client(&proxy.endpoint()));
    put(&direct, "/w/old", "x").await;
    let mut watch = through.watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), ["/w/old"]);
    proxy.cut(Mode::Broken);
    commit(&direct, Txn::new().delete("/w/old")).await;
    put(&direct, "/w/new", "x").await;
    let now = put(&direct, "/other", "x").await;
    server.raw().await.compact(now.0, None).await.expect("compaction");
    proxy.set(Mode::Pass);
    assert_eq!(snapshot(next(&mut watch).await), ["/w/new"]);
    put(&direct, "/w/newer", "x").await;
    assert_eq!(changes(next(&mut watch).await)[0].0, "/w/newer");
}

pub(crate) async fn an_expired_lease_is_seen(server: Server) {
    let client = server.client();
    let config = SessionConfig { ttl: Duration::from_secs(2) };
    let session = Session::open(&client, config).await.expect("a session");
    commit(&client, Txn::new().put_leased("/w/mine", "x", session.lease())).await;
    let mut watch = client.watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), ["/w/mine"]);
    drop(session);
    let WatchEvent::Changes { changes, .. } = next(&mut watch).await else { panic!() };
    assert!(matches!(&changes[..], [Change::Delete { key, .. }] if key == "/w/mine"));
}

/// A client that checks its watches all the time.
fn reconciling(endpoint: &str) -> Client {
    let reconcile_interval = Duration::from_millis(50);
    let config = ClientConfig { reconcile_interval, ..config(&[endpoint.to_owned()]) };
    Client::connect(config).expect("a valid configuration")
}

pub(crate) async fn reconciling_is_silent_when_nothing_differs(server: Server) {
    let client = server.client();
    let mut watch = reconciling(server.endpoint()).watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), [""; 0]);
    let writer = tokio::spawn(async move {
        for i in 0..600 {
            put(&client, &format!("/w/{}", i % 7), "x").await;
            if i % 3 == 0 {
                commit(&client, Txn::new().delete(format!("/w/{}", (i + 3) % 7))).await;
            }
        }
        put(&client, "/w/last", "x").await
    });
    let seen = until(&mut watch, "/w/last").await;
    assert_eq!(seen.last().expect("changes").1, writer.await.expect("the writer").0);
    assert!(seen.is_sorted_by(|a, b| a.1 < b.1), "each once, in order");
}

/// Replies on the stream vanish, the connection stays: only the periodic read can notice.
pub(crate) async fn a_lost_change_is_found_by_reconciling(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let direct = server.client();
    let mut watch = reconciling(&proxy.endpoint()).watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), [""; 0]);
    put(&direct, "/w/seen", "x").await;
    assert_eq!(changes(next(&mut watch).await)[0].0, "/w/seen");
    proxy.set(Mode::LoseReplies);
    put(&direct, "/w/lost", "x").await;
    proxy.set(Mode::Pass);
    // The stream or the read tells it; whichever does, nothing may be missing in the end.
    put(&direct, "/w/more", "x").await;
    let mut known = vec!["/w/seen".to_owned()];
    while !["/w/lost", "/w/more"].iter().all(|key| known.iter().any(|known| known == key)) {
        match next(&mut watch).await {
            event @ WatchEvent::Snapshot(_) => known = snapshot(event),
            event @ WatchEvent::Changes { .. } => {
                known.extend(changes(event).into_iter().map(|(key, _)| key));
            }
        }
    }
}

pub(crate) async fn large_revisions_are_never_split(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let (direct, through) = (server.client(), client(&proxy.endpoint()));
    let mut watch = through.watch_prefix("/w/");
    assert_eq!(snapshot(next(&mut watch).await), [""; 0]);
    proxy.cut(Mode::Broken);
    // Together far above what etcd sends in one message.
    for round in 0..6 {
        let value = vec![b'x'; 12_000];
        let txn = (0..100)
            .fold(Txn::new(), |txn, i| txn.put(format!("/w/{round}/{i:02}"), value.clone()));
        commit(&direct, txn).await;
    }
    proxy.set(Mode::Pass);
    let mut seen = 0;
    while seen < 600 {
        let event = changes(next(&mut watch).await);
        for of_one in event.chunk_by(|a, b| a.1 == b.1) {
            assert_eq!(of_one.len(), 100, "a revision is told as a whole");
        }
        seen += event.len();
    }
    assert_eq!(seen, 600);
}

pub(crate) async fn a_watch_waits_for_the_server(mut server: Server) {
    put(&server.client(), "/w/a", "x").await;
    server.stop().await;
    let client = server.client();
    let mut watch = client.watch_prefix("/w/");
    let waiting = tokio::time::timeout(Duration::from_millis(300), watch.next()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    server.start().await;
    assert_eq!(snapshot(next(&mut watch).await), ["/w/a"]);
    server.stop().await;
    server.start().await;
    put(&client, "/w/b", "x").await;
    assert_eq!(changes(next(&mut watch).await)[0].0, "/w/b");
}
