//! What the cases share: servers, a proxy that loses things, and waiting for conditions.

pub(crate) mod cases;
pub(crate) mod proxy;
pub(crate) mod real;
pub(crate) mod server;

use barnabas_coordinator_client::{
    Client, ClientConfig, KeyValue, Revision, SessionState, Txn, TxnOutcome, WatchEvent,
};
use std::time::Duration;
use tokio::sync::watch;

/// The longest that anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration with short timeouts, so that failures show soon.
pub(crate) fn config(endpoints: &[String]) -> ClientConfig {
    ClientConfig {
        attempt_timeout: Duration::from_millis(1500),
        txn_timeout: Duration::from_secs(3),
        connect_timeout: Duration::from_millis(1000),
        ..ClientConfig::new(endpoints)
    }
}

/// A client of one server.
pub(crate) fn client(endpoint: &str) -> Client {
    Client::connect(config(&[endpoint.to_owned()])).expect("a valid configuration")
}

/// Waits until `condition` gives a value.
pub(crate) async fn eventually<T, F, Fut>(what: &str, condition: F) -> T
where
    F: Fn() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let poll = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, poll).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// Waits for something that comes by itself.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// Commits a transaction that must hold.
pub(crate) async fn commit(client: &Client, txn: Txn) -> Revision {
    match client.txn(txn).await.expect("a reply") {
        TxnOutcome::Committed { revision } => revision,
        TxnOutcome::Conflict { current, .. } => panic!("unexpected conflict: {current:?}"),
    }
}

/// Commits a transaction that must not hold; returns what it found.
pub(crate) async fn conflict(client: &Client, txn: Txn) -> Vec<Option<KeyValue>> {
    match client.txn(txn).await.expect("a reply") {
        TxnOutcome::Committed { revision } => panic!("unexpectedly committed at {revision}"),
        TxnOutcome::Conflict { current, .. } => current,
    }
}

/// Puts one key unconditionally.
pub(crate) async fn put(client: &Client, key: &str, value: &str) -> Revision {
    commit(client, Txn::new().put(key.to_owned(), value.to_owned())).await
}

/// The value of a key, as text.
pub(crate) async fn value(client: &Client, key: &str) -> Option<String> {
    let kv = client.get(key).await.expect("a reply")?;
    Some(String::from_utf8(kv.value.to_vec()).expect("text"))
}

/// Waits until a session is in one of the given states.
pub(crate) async fn reached(
    states: &mut watch::Receiver<SessionState>,
    wanted: &[SessionState],
) -> SessionState {
    let what = format!("{wanted:?}");
    *soon(&what, states.wait_for(|state| wanted.contains(state))).await.expect("a session")
}

/// The keys and revisions of an event that must be changes.
pub(crate) fn changes(event: WatchEvent) -> Vec<(String, i64)> {
    match event {
        WatchEvent::Snapshot(listing) => panic!("unexpected snapshot: {listing:?}"),
        WatchEvent::Changes { revision, changes } => {
            let last = changes.last().expect("changes are never empty").mod_revision();
            assert_eq!(revision.0, last.0);
            let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
            changes.iter().map(|c| (text(c.key()), c.mod_revision().0)).collect()
        }
    }
}

/// The keys of an event that must be a snapshot.
pub(crate) fn snapshot(event: WatchEvent) -> Vec<String> {
    match event {
        WatchEvent::Snapshot(listing) => {
            let text = |kv: &KeyValue| String::from_utf8_lossy(&kv.key).into_owned();
            listing.entries.iter().map(text).collect()
        }
        WatchEvent::Changes { .. } => panic!("unexpected changes: {event:?}"),
    }
}
