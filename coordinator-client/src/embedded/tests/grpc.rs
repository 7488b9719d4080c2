//! The services as a client sees them.

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp, WatchOptions};

use super::support;

#[tokio::test]
async fn first_put_is_revision_two() {
    let dir = tempfile::tempdir().unwrap();
    let server = support::start(dir.path()).await;
    let mut client = support::client(&server).await;
    let put = client.put("k", "v", None).await.unwrap();
    assert_eq!(put.header().unwrap().revision(), 2);
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
    assert_eq!(events[1].event_type(), etcd_client::EventType::Delete);
    assert_eq!(events[1].prev_kv().unwrap().value(), b"v");
    assert_eq!(events[1].kv().unwrap().mod_revision(), 3);
    server.shutdown().await;
}
