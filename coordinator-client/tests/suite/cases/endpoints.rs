//! Endpoints that are dead, silent, or not there yet.

use crate::suite::{
    eventually,
    proxy::Proxy,
    put, reached,
    server::{Server, client_of, free_port},
    soon, value,
};
use barnabas_coordinator_client::{
    Session, SessionConfig,
    SessionState::{Connected, Lost, Suspect, Uncertain},
    Txn,
};
use std::time::Duration;
use tokio::{net::TcpListener, task::JoinHandle};

/// An endpoint that accepts connections and never says anything.
struct Silent {
    endpoint: String,
    task: JoinHandle<()>,
}

impl Silent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound listener"));
        let task = tokio::spawn(async move {
            let mut connections = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.push(connection);
            }
        });
        Self { endpoint, task }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn a_dead_endpoint_is_passed_over(server: Server) {
    let dead = format!("http://127.0.0.1:{}", free_port());
    // Clients start at a random endpoint.
    for _ in 0..10 {
        let client = client_of(&[dead.clone(), server.endpoint().to_owned()]);
        for i in 0..10 {
            put(&client, "/k", &i.to_string()).await;
        }
        assert_eq!(value(&client, "/k").await.as_deref(), Some("9"));
        let mut watch = client.watch_prefix("/k");
        soon("a snapshot", watch.next()).await;
    }
}

pub(crate) async fn a_silent_endpoint_is_passed_over(server: Server) {
    put(&server.client(), "/k", "x").await;
    let silent = Silent::start().await;
    for _ in 0..4 {
        let client = client_of(&[silent.endpoint.clone(), server.endpoint().to_owned()]);
        assert_eq!(value(&client, "/k").await.as_deref(), Some("x"));
        let mut watch = client.watch_prefix("/k");
        soon("a snapshot", watch.next()).await;
        let written = put(&client, "/k", "x").await;
        let event = soon("a change", watch.next()).await;
        assert_eq!(crate::suite::changes(event), [("/k".to_owned(), written.0)]);
    }
}

pub(crate) async fn a_session_lives_with_a_silent_endpoint(server: Server) {
    let silent = Silent::start().await;
    let client = client_of(&[silent.endpoint.clone(), server.endpoint().to_owned()]);
    let config = SessionConfig { ttl: Duration::from_secs(5) };
    let session = Session::open(&client, config).await.expect("a session");
    let mut states = session.state();
    let lost = states.wait_for(|state| matches!(state, Uncertain | Lost));
    let lost = tokio::time::timeout(2 * session.ttl(), lost).await;
    assert!(lost.is_err(), "the other endpoint keeps it alive");
}

pub(crate) async fn a_client_comes_up_before_the_server(mut server: Server) {
    server.stop().await;
    let client = server.client();
    let early = tokio::spawn({
        let client = client.clone();
        async move { client.txn(Txn::new().put("/k", "early")).await }
    });
    client.get("/k").await.expect_err("there is no server for longer than a call waits");
    let early = early.await.expect("the task").expect_err("nor for a transaction");
    assert!(early.is_retriable(), "{early}");
    server.start().await;
    eventually("it answers", || async { client.get("/k").await.ok() }).await;
    put(&client, "/k", "late").await;
}

pub(crate) async fn a_client_goes_on_after_a_restart(mut server: Server) {
    let client = server.client();
    put(&client, "/k", "x").await;
    let session = Session::open(&client, SessionConfig::default()).await.expect("a session");
    let mut states = session.state();
    for round in 0..3 {
        server.stop().await;
        reached(&mut states, &[Suspect, Connected]).await;
        server.start().await;
        assert_eq!(value(&client, "/k").await.as_deref(), Some("x"), "round {round}");
    }
    reached(&mut states, &[Connected]).await;
}

/// The connection is there but leads nowhere, as after a machine went without closing it.
pub(crate) async fn a_stranded_connection_is_given_up(server: Server) {
    let proxy = Proxy::start(server.endpoint()).await;
    let client = client_of(&[proxy.endpoint()]);
    put(&client, "/k", "x").await;
    proxy.strand();
    assert_eq!(value(&client, "/k").await.as_deref(), Some("x"), "within one call");
}
