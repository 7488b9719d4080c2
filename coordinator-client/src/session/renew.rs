//! One round of renewing a lease: an attempt at one endpoint and, when that is slow or fails, at
//! others.
//!
//! A member that cannot reach the leader keeps a keepalive waiting for 7 s without an answer, so
//! that one attempt after the other would spend the lease's time on one bad member.

use crate::{client::Client, clock, failure::Failure, kv::LeaseId, lease::Renewal};
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::time::Duration;
use tokio::time::Instant;

/// The longest that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(1);

/// How long an attempt may stay silent before another endpoint is asked as well.
const HEDGE: Duration = Duration::from_millis(300);

/// What came of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// etcd renewed the lease; the keepalive was sent at that instant.
    Renewed(Instant),
    /// etcd says, and repeated when asked otherwise, that the lease is gone.
    Gone,
    /// Nobody answered, for this reason.
    Silent(String),
}

/// Tries up to three endpoints, starting at the pinned one.
pub(super) async fn round(client: &Client, lease: LeaseId) -> Round {
    let first = client.pinned();
    let most = client.endpoints().min(3);
    let mut attempts = FuturesUnordered::new();
    let mut started = 0;
    let mut reason = String::new();
    loop {
        if started < most {
            attempts.push(attempt(client, lease, first + started));
            started += 1;
        }
        let finished = tokio::select! {
            finished = attempts.next() => finished,
            () = tokio::time::sleep(HEDGE), if started < most => continue,
        };
        match finished {
            Some((endpoint, sent, Ok(Renewal::Lives))) => {
                if endpoint != first {
                    client.rotate(first);
                }
                return Round::Renewed(sent);
            }
            Some((endpoint, _, Ok(Renewal::Gone))) => {
                match confirm(client, lease, endpoint).await {
                    Ok(true) => return Round::Gone,
                    Ok(false) => {
                        reason = String::from("etcd's members disagree whether the lease is gone")
                    }
                    Err(failure) => reason = failure.reason(),
                }
            }
            Some((_, _, Err(failure))) => reason = failure.reason(),
            None => {
                client.rotate(first);
                return Round::Silent(reason);
            }
        }
    }
}

async fn attempt(
    client: &Client,
    lease: LeaseId,
    endpoint: usize,
) -> (usize, Instant, Result<Renewal, Failure>) {
    let sent = clock::now();
    (endpoint, sent, client.renew_once(lease, endpoint, ATTEMPT).await)
}

/// A member that lags behind may not know a young lease yet, so that "gone" is asked twice: of
/// another member and, where that is silent, of the same once more.
async fn confirm(client: &Client, lease: LeaseId, endpoint: usize) -> Result<bool, Failure> {
    match client.is_gone(lease, endpoint + 1, ATTEMPT).await {
        Ok(gone) => Ok(gone),
        Err(_) => client.is_gone(lease, endpoint, ATTEMPT).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::ClientConfig,
        embedded::{EmbeddedConfig, Server},
    };

    /// With the pinned endpoint silent for longer than one attempt, one round still gets through.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_round_asks_another_endpoint() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = (silent.local_addr().unwrap(), silent);
        let data = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = EmbeddedConfig { data_dir: data.path().to_owned(), listen };
        let server = Server::start(config).await.unwrap();
        let endpoints = [format!("http://{}", silent.0), server.endpoint()];
        let client = Client::connect(ClientConfig::new(endpoints)).unwrap();
        let (lease, _) = client.grant(Duration::from_secs(60)).await.unwrap();

        client.rotate(1);
        assert_eq!(client.pinned(), 0, "the silent one");
        let before = clock::now();
        let Round::Renewed(sent) = round(&client, lease).await else { panic!() };
        assert!(sent >= before);
        assert_eq!(client.pinned(), 1);

        client.revoke(lease).await.unwrap();
        assert_eq!(round(&client, lease).await, Round::Gone);
        server.shutdown().await;
        assert!(matches!(round(&client, lease).await, Round::Silent(_)));
    }
}
