//! One etcd member and the connections to it.
//!
//! `etcd-client` balances over all its endpoints and lets each call fail that meets a dead one.
//! Here each endpoint has a client of its own, so that a call knows where it goes and the next
//! attempt goes elsewhere.

use crate::{
    clock,
    config::ClientConfig,
    failure::{Failure, is_auth_disabled},
    history::History,
    kv::Revision,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use std::{fmt, sync::Arc, time::Duration};

/// Connections are kept apart by purpose: neither a large listing nor a burst of watch events may
/// hold up a keepalive on the same connection (etcd-io/etcd#15402).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Reads and transactions.
    Calls,
    /// Keepalives, grants and revocations of leases.
    Leases,
    /// Watch streams.
    Watches,
}

/// Attempts in a row without any reply after which a connection is given up: it may lead to a
/// machine that is gone without having closed it.
const SILENT_ATTEMPTS: u32 = 2;

/// The longest that opening a connection may take with authentication, whoever still waits for it:
/// checking a password costs etcd a lot of work, and more so when many clients come back at once.
/// An attempt that gave up must not make it start again.
const OPENING: Duration = Duration::from_secs(10);

/// A connection that is open, being opened, or could not be opened.
type Opening = Shared<BoxFuture<'static, Result<etcd_client::Client, Failure>>>;

#[derive(Default)]
struct Connection {
    opening: Option<Opening>,
    silent: u32,
}

/// One etcd member.
pub(crate) struct Endpoint {
    url: String,
    lanes: [Mutex<Connection>; 3],
    history: Arc<History>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Endpoint {
    pub(crate) fn new(url: String, history: Arc<History>) -> Self {
        Self { url, lanes: Default::default(), history }
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
        let deadline = clock::now() + limit;
        let opening = self.opening(config, lane);
        let client = match tokio::time::timeout_at(deadline, opening.clone()).await {
            Ok(Ok(client)) => client,
            Ok(Err(failure)) => {
                self.give_up(lane, &opening);
                return Err(failure);
            }
            Err(_) => return Err(Failure::NotSent(format!("{}: no connection in time", self.url))),
        };
        match tokio::time::timeout_at(deadline, call(client)).await {
            Ok(result) => {
                self.lanes[lane as usize].lock().silent = 0;
                result.map_err(|e| self.failure(lane, &e))
            }
            Err(_) => {
                self.silent(lane, &opening);
                Err(Failure::NoReply(format!("{}: no reply within {limit:?}", self.url)))
            }
        }
    }

    /// Gives the connection up; the next call makes a new one (and authenticates anew).
    pub(crate) fn reset(&self, lane: Lane) {
        *self.lanes[lane as usize].lock() = Connection::default();
    }

    fn opening(&self, config: &ClientConfig, lane: Lane) -> Opening {
        let open = || open(self.url.clone(), config.clone(), Arc::clone(&self.history));
        self.lanes[lane as usize].lock().opening.get_or_insert_with(open).clone()
    }

    fn give_up(&self, lane: Lane, opening: &Opening) {
        let mut connection = self.lanes[lane as usize].lock();
        if connection.opening.as_ref().is_some_and(|current| current.ptr_eq(opening)) {
            *connection = Connection::default();
        }
    }

    fn silent(&self, lane: Lane, opening: &Opening) {
        let silent = {
            let mut connection = self.lanes[lane as usize].lock();
            connection.silent += 1;
            connection.silent
        };
        if silent >= SILENT_ATTEMPTS {
            self.give_up(lane, opening);
        }
    }

    fn failure(&self, lane: Lane, error: &etcd_client::Error) -> Failure {
        let failure = Failure::of(error);
        tracing::debug!(endpoint = self.url, ?lane, ?failure, "call to etcd failed");
        failure
    }
}

/// Opens a connection in a task of its own.
fn open(url: String, config: ClientConfig, history: Arc<History>) -> Opening {
    let task = tokio::spawn(async move {
        let client = match tokio::time::timeout(OPENING, connect(&url, &config)).await {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => return Err(Failure::of(&error).before_sending()),
            Err(_) => {
                return Err(Failure::NotSent(format!("{url}: no connection within {OPENING:?}")));
            }
        };
        let checked = check(&client, &history);
        match tokio::time::timeout(config.attempt_timeout, checked).await {
            Ok(checked) => checked.map(|()| client),
            Err(_) => Err(Failure::NotSent(format!("{url}: connected, but no reply"))),
        }
    });
    let opened = task.map(|joined| match joined {
        Ok(result) => result,
        Err(error) => Err(Failure::NotSent(error.to_string())),
    });
    opened.boxed().shared()
}

async fn connect(
    url: &str,
    config: &ClientConfig,
) -> Result<etcd_client::Client, etcd_client::Error> {
    match etcd_client::Client::connect([url], Some(config.connect_options(true))).await {
        Err(error) if is_auth_disabled(&error) => {
            etcd_client::Client::connect([url], Some(config.connect_options(false))).await
        }
        result => result,
    }
}

/// Checks that this is still the same history, before anything is sent. An empty transaction is
/// answered by the member alone and needs no permission.
async fn check(client: &etcd_client::Client, history: &History) -> Result<(), Failure> {
    let reply = client.kv_client().txn(etcd_client::Txn::new()).await;
    let reply = reply.map_err(|error| Failure::of(&error).before_sending())?;
    let revision = Revision(reply.header().map_or(0, |header| header.revision()));
    history.observe(revision).map_err(|jump| Failure::Rejected(jump.into()))
}
