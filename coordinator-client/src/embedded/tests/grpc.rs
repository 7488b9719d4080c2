//! The services as a client sees them.

use std::time::Duration;

use etcd_client::{
    Client, Compare, CompareOp, Error, EventType, GetOptions, PutOptions, Txn, TxnOp, WatchOptions,
    WatchStream,
};
use tonic::Code;

use super::support;

/// Key, and whether it was deleted, of the next `count` events.
async fn events(stream: &mut WatchStream, count: usize) -> Vec<(String, bool)> {
    let mut events = Vec::new();
    while events.len() < count {
        let response = stream.message().await.unwrap().unwrap();
        events.extend(response.events().iter().map(|event| {
            let key = event.kv().unwrap().key_str().unwrap().to_owned();
            (key, event.event_type() == EventType::Delete)
        }));
    }
    events
}

fn status(error: Error) -> (Code, String) {
    match error {
        Error::GRpcStatus(status) => (status.code(), status.message().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn first_put_is_revision_two() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let put = client.put("k", "v", None).await.unwrap();
    let header = put.header().unwrap();
    assert_eq!(header.revision(), 2);
    assert!(header.cluster_id() != 0 && header.member_id() != 0 && header.raft_term() == 2);
    let got = client.get("k", None).await.unwrap();
    let kv = &got.kvs()[0];
    assert_eq!((kv.create_revision(), kv.mod_revision(), kv.version()), (2, 2, 1));
    server.shutdown().await;
}

#[tokio::test]
async fn txn_lease_and_watch_work_together() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let mut stream = client.watch("k", Some(WatchOptions::new().with_prev_key())).await.unwrap();
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let absent = Compare::version("k", CompareOp::Equal, 0);
    let put = TxnOp::put("k", "v", Some(PutOptions::new().with_lease(lease)));
    let txn = Txn::new().when([absent]).and_then([put]);
    assert!(client.txn(txn.clone()).await.unwrap().succeeded());
    assert!(!client.txn(txn).await.unwrap().succeeded());
    client.lease_revoke(lease).await.unwrap();
    let mut events = Vec::new();
    while events.len() < 2 {
        let response = stream.message().await.unwrap().unwrap();
        events.extend(response.events().iter().cloned());
    }
    assert_eq!(events[0].kv().unwrap().lease(), lease);
    assert_eq!(events[1].event_type(), EventType::Delete);
    assert_eq!(events[1].prev_kv().unwrap().value(), b"v");
    assert_eq!(events[1].kv().unwrap().mod_revision(), 3);
    server.shutdown().await;
}

#[tokio::test]
async fn errors_are_etcds() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let future = client.get("k", Some(GetOptions::new().with_revision(9))).await.unwrap_err();
    let text = "etcdserver: mvcc: required revision is a future revision".to_owned();
    assert_eq!(status(future), (Code::OutOfRange, text));
    let unknown = client.lease_revoke(9).await.unwrap_err();
    let text = "etcdserver: requested lease not found".to_owned();
    assert_eq!(status(unknown), (Code::NotFound, text));
    let empty = client.put("", "", None).await.unwrap_err();
    let text = "etcdserver: key is not provided".to_owned();
    assert_eq!(status(empty), (Code::InvalidArgument, text));
    let hash = client.hash().await.unwrap_err();
    assert_eq!(status(hash).0, Code::Unimplemented);
    server.shutdown().await;
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_and_one_that_is_stays() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let (short, kept) = (
        client.lease_grant(2, None).await.unwrap().id(),
        client.lease_grant(2, None).await.unwrap().id(),
    );
    for (key, lease) in [("a", short), ("b", short), ("c", kept)] {
        client.put(key, "", Some(PutOptions::new().with_lease(lease))).await.unwrap();
    }
    let mut stream = client.watch("", Some(WatchOptions::new().with_all_keys())).await.unwrap();
    let (mut keeper, mut renewals) = client.lease_keep_alive(kept).await.unwrap();
    let renewing = tokio::spawn(async move {
        loop {
            keeper.keep_alive().await.unwrap();
            assert_eq!(renewals.message().await.unwrap().unwrap().ttl(), 2);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let deleted = events(&mut stream, 2).await;
    assert_eq!(deleted, [("a".to_owned(), true), ("b".to_owned(), true)]);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(client.get("c", None).await.unwrap().count(), 1);
    let header = client.get("c", None).await.unwrap();
    assert_eq!(header.header().unwrap().revision(), 5, "both keys went in one revision");
    renewing.abort();
    server.shutdown().await;
}

#[tokio::test]
async fn one_stream_carries_many_watches() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    for key in ["a", "b", "c"] {
        client.put(key, "", None).await.unwrap();
    }
    let mut stream =
        client.watch("a", Some(WatchOptions::new().with_start_revision(2))).await.unwrap();
    stream.watch("b", Some(WatchOptions::new().with_start_revision(2))).await.unwrap();
    let mut seen = events(&mut stream, 2).await;
    seen.sort();
    assert_eq!(seen, [("a".to_owned(), false), ("b".to_owned(), false)]);
    stream.cancel(0).await.unwrap();
    let canceled = stream.message().await.unwrap().unwrap();
    assert!(canceled.canceled() && canceled.watch_id() == 0);
    client.put("a", "", None).await.unwrap();
    client.put("b", "", None).await.unwrap();
    assert_eq!(events(&mut stream, 1).await, [("b".to_owned(), false)]);
    stream.request_progress().await.unwrap();
    let progress = stream.message().await.unwrap().unwrap();
    assert!(progress.events().is_empty());
    assert_eq!((progress.watch_id(), progress.header().unwrap().revision()), (-1, 6));
    server.shutdown().await;
}

#[tokio::test]
async fn a_compacted_watch_is_canceled_with_the_revision() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    for _ in 0..5 {
        client.put("a", "", None).await.unwrap();
    }
    client.compact(5, None).await.unwrap();
    let mut stream =
        client.watch("a", Some(WatchOptions::new().with_start_revision(3))).await.unwrap();
    let canceled = loop {
        let response = stream.message().await.unwrap().unwrap();
        if response.canceled() {
            break response;
        }
    };
    assert_eq!(canceled.compact_revision(), 5);
    server.shutdown().await;
}

#[tokio::test]
async fn a_slow_watcher_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let mut unread = client.watch("k", None).await.unwrap();
    let mut other = Client::connect([server.endpoint()], None).await.unwrap();
    for _ in 0..40 {
        other.put("k", vec![0; 500_000], None).await.unwrap();
    }
    assert_eq!(events(&mut unread, 40).await.len(), 40);
    server.shutdown().await;
}

#[tokio::test]
async fn shutdown_ends_streams_and_calls() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let mut stream = client.watch("k", None).await.unwrap();
    let lease = client.lease_grant(60, None).await.unwrap().id();
    let (_keeper, mut renewals) = client.lease_keep_alive(lease).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), server.shutdown()).await.unwrap();
    while let Ok(Some(response)) = stream.message().await {
        assert!(response.created());
    }
    assert!(!matches!(renewals.message().await, Ok(Some(_))));
    assert!(client.put("k", "", None).await.is_err());
}
