//! Leases and sessions.

use crate::suite::{
    client, commit, eventually,
    proxy::{Mode, Proxy},
    reached,
    server::Server,
};
use barnabas_coordinator_client::{
    Client, Session, SessionConfig,
    SessionState::{Connected, Lost, Suspect, Uncertain},
    Txn,
};
use std::time::Duration;

const SHORT: SessionConfig = SessionConfig { ttl: Duration::from_secs(2) };

/// A session with one key attached.
async fn session_with_key(client: &Client, config: SessionConfig) -> Session {
    let session = Session::open(client, config).await.expect("a session");
    commit(client, Txn::new().put_leased("/mine", "x", session.lease())).await;
    session
}

async fn key_is_gone(client: &Client) {
    eventually("the key goes", || async {
        client.get("/mine").await.expect("a reply").is_none().then_some(())
    })
    .await;
}

pub(crate) async fn keys_go_when_the_lease_expires(server: Server) {
    let client = server.client();
    let session = session_with_key(&client, SHORT).await;
    let lease = session.lease();
    let kv = client.get("/mine").await.expect("a reply").expect("a key");
    assert_eq!(kv.lease, lease);
    drop(session);
    let left = client.lease_time_left(lease).await.expect("a reply");
    assert!(left.is_none_or(|left| left <= Duration::from_secs(2)), "{left:?}");
    key_is_gone(&client).await;
    eventually("the lease goes", || async {
        client.lease_time_left(lease).await.expect("a reply").is_none().then_some(())
    })
    .await;
}

pub(crate) async fn keys_go_when_the_lease_is_revoked(server: Server) {
    let client = server.client();
    let session = session_with_key(&client, SessionConfig::default()).await;
    let lease = session.lease();
    assert!(session.ttl() >= SessionConfig::default().ttl);
    session.revoke().await.expect("a reply");
    assert_eq!(client.get("/mine").await, Ok(None));
    assert_eq!(client.lease_time_left(lease).await, Ok(None));
    // Again: nothing happens.
    client.revoke(lease).await.expect("a reply");
}

pub(crate) async fn a_session_outlives_its_time_to_live(server: Server) {
    let client = server.client();
    let session = session_with_key(&client, SessionConfig { ttl: Duration::from_secs(3) }).await;
    let three_lives = tokio::time::sleep(3 * session.ttl());
    tokio::pin!(three_lives);
    loop {
        assert!(client.get("/mine").await.expect("a reply").is_some());
        tokio::select! {
            () = &mut three_lives => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    assert_ne!(*session.state().borrow(), Lost);
}

pub(crate) async fn a_session_learns_that_its_lease_was_revoked(server: Server) {
    let client = server.client();
    let session = session_with_key(&client, SessionConfig::default()).await;
    let mut states = session.state();
    assert_eq!(*states.borrow(), Connected);
    client.revoke(session.lease()).await.expect("a reply");
    reached(&mut states, &[Lost]).await;
}

pub(crate) async fn an_outage_leads_to_uncertain_and_then_to_lost(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let session = session_with_key(&client(&proxy.endpoint()), SHORT).await;
    let mut states = session.state();
    proxy.cut(Mode::Broken);
    reached(&mut states, &[Suspect, Uncertain]).await;
    let direct = server.client();
    reached(&mut states, &[Uncertain]).await;
    key_is_gone(&direct).await;
    assert_eq!(*states.borrow(), Uncertain, "only etcd can say that the lease is gone");
    proxy.set(Mode::Pass);
    reached(&mut states, &[Lost]).await;
}

pub(crate) async fn a_session_survives_a_restart_of_the_server(mut server: Server) {
    let client = server.client();
    let session = session_with_key(&client, SessionConfig { ttl: Duration::from_secs(6) }).await;
    let mut states = session.state();
    server.stop().await;
    reached(&mut states, &[Suspect, Uncertain]).await;
    server.start().await;
    reached(&mut states, &[Connected]).await;
    let kv = client.get("/mine").await.expect("a reply").expect("the key is still there");
    assert_eq!(kv.lease, session.lease());
}
