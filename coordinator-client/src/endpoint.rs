//! One etcd member and the connections to it.
//!
//! `etcd-client` balances over all its endpoints and lets each call fail that meets a dead one. Here each
//! endpoint has a client of its own, so that a call knows where it goes and the next attempt goes elsewhere.

use crate::{
    config::ClientConfig,
    failure::{Failure, is_auth_disabled},
};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// Connections are kept apart by purpose: neither a large listing nor a burst of watch events may hold up a
/// keepalive on the same connection (etcd-io/etcd#15402).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Reads and transactions.
    Calls,
    /// Keepalives, grants and revocations of leases.
    Leases,
    /// Watch streams.
    Watches,
}

/// Attempts in a row without any reply after which a connection is given up: it may lead to a machine that is
/// gone without having closed it.
const SILENT_ATTEMPTS: u32 = 2;

type Slot = Arc<OnceCell<etcd_client::Client>>;

#[derive(Default)]
struct Connection {
    slot: Slot,
    silent: u32,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

/// One etcd member.
pub(crate) struct Endpoint {
    url: String,
    lanes: [Mutex<Connection>; 3],
}

impl Endpoint {
    pub(crate) fn new(url: String) -> Self {
        Self { url, lanes: Default::default() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs `call` with at most `limit` for connection and call together.
    pub(crate) async fn call<T, F, Fut>(
        &self,
        config: &ClientConfig,
        lane: Lane,
        limit: Duration,
        call: F,
    ) -> Result<T, Failure>
    where
        F: FnOnce(etcd_client::Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let deadline = crate::clock::now() + limit;
        let slot = self.lanes[lane as usize].lock().slot.clone();
        let connect = slot.get_or_try_init(|| self.connect(config));
        let client = match tokio::time::timeout_at(deadline, connect).await {
            Ok(client) => client.map_err(|e| Failure::of(&e).before_sending())?.clone(),
            Err(_) => {
                self.silent(lane, &slot);
                return Err(Failure::NotSent(format!("{}: no connection in time", self.url)));
            }
        };
        match tokio::time::timeout_at(deadline, call(client)).await {
            Ok(result) => {
                self.lanes[lane as usize].lock().silent = 0;
                result.map_err(|e| self.failure(lane, &e))
            }
            Err(_) => {
                self.silent(lane, &slot);
                Err(Failure::NoReply(format!("{}: no reply within {limit:?}", self.url)))
            }
        }
    }

    /// Gives the connection up; the next call makes a new one (and authenticates anew).
    pub(crate) fn reset(&self, lane: Lane) {
        *self.lanes[lane as usize].lock() = Connection::default();
    }

    async fn connect(
        &self,
        config: &ClientConfig,
    ) -> Result<etcd_client::Client, etcd_client::Error> {
        let options = config.connect_options(true);
        match etcd_client::Client::connect([&self.url], Some(options)).await {
            Err(e) if is_auth_disabled(&e) => {
                let options = config.connect_options(false);
                etcd_client::Client::connect([&self.url], Some(options)).await
            }
            result => result,
        }
    }

    fn failure(&self, lane: Lane, error: &etcd_client::Error) -> Failure {
        let failure = Failure::of(error);
        tracing::debug!(endpoint = self.url, ?lane, ?failure, "call to etcd failed");
        failure
    }

    fn silent(&self, lane: Lane, slot: &Slot) {
        let mut connection = self.lanes[lane as usize].lock();
        if !Arc::ptr_eq(&connection.slot, slot) {
            return;
        }
        connection.silent += 1;
        if connection.silent >= SILENT_ATTEMPTS {
            *connection = Connection::default();
        }
    }
}
