//! The same random requests to real etcd and to the embedded coordinator get the same answers.

mod calls;
mod etcd;

use etcd_client::{Client, GetOptions, WatchOptions};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use tonic::transport::Endpoint;

use self::{
    calls::{Call, call},
    etcd::Etcd,
};
use super::support;

const CALLS: usize = 2_000;

#[tokio::test]
async fn answers_are_those_of_real_etcd() {
    let dir = tempfile::tempdir().unwrap();
    let Some(etcd) = Etcd::start(dir.path()).await else {
        eprintln!("skipped: there is no etcd on the path");
        return;
    };
    let server = support::start(&dir.path().join("embedded")).await;
    let connect = |to: String| Endpoint::from_shared(to).unwrap().connect_lazy();
    let (theirs, ours) = (connect(etcd.endpoint.clone()), connect(server.endpoint()));
    let mut runner = TestRunner::deterministic();
    let generator = call();
    let mut revision = 1;
    for step in 0..CALLS {
        let call = generator.new_tree(&mut runner).unwrap().current().resolve(revision);
        let (expected, answered) = (call.send(&theirs).await, call.send(&ours).await);
        assert_eq!(answered, expected, "call {step} at revision {revision}: {call:?}");
        revision = expected.revision.unwrap_or(revision);
    }
    assert!(revision > 500, "only {revision} revisions");
    for call in Call::edges() {
        assert_eq!(call.send(&ours).await, call.send(&theirs).await, "{call:?}");
    }
    compare_watches(&etcd.endpoint, &server.endpoint(), revision).await;
    server.shutdown().await;
}

/// Watches from several revisions on are told the same.
async fn compare_watches(theirs: &str, ours: &str, revision: i64) {
    let mut etcd = Client::connect([theirs], None).await.unwrap();
    let mut embedded = Client::connect([ours], None).await.unwrap();
    for client in [&mut etcd, &mut embedded] {
        client.put("marker", "", None).await.unwrap();
    }
    let end = etcd.get("marker", None).await.unwrap().kvs()[0].mod_revision();
    assert!(end > revision);
    let readable = readable(&mut etcd, end).await;
    for start in [readable + 1, i64::midpoint(readable, end), end] {
        let expected = watched(&mut etcd, start, end).await;
        assert_eq!(watched(&mut embedded, start, end).await, expected, "from {start} on");
    }
}

/// The oldest revision that was not compacted away.
async fn readable(client: &mut Client, end: i64) -> i64 {
    let mut oldest = end;
    while oldest > 1 {
        let options = GetOptions::new().with_revision(oldest - 1);
        if client.get("marker", Some(options)).await.is_err() {
            break;
        }
        oldest -= 1;
    }
    oldest
}

/// All events from `start` to `end`, as text.
async fn watched(client: &mut Client, start: i64, end: i64) -> Vec<String> {
    let options = WatchOptions::new().with_all_keys().with_start_revision(start).with_prev_key();
    let mut stream = client.watch("", Some(options)).await.unwrap();
    let mut events = Vec::new();
    loop {
        let response = stream.message().await.unwrap().unwrap();
        assert!(!response.canceled(), "from {start} on: {response:?}");
        for event in response.events() {
            events.push(format!("{event:?}"));
            if event.kv().is_some_and(|kv| kv.mod_revision() == end) {
                return events;
            }
        }
    }
}
