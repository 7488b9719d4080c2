//! A running broker: starts its parts in the order in which they need each other, and stops them in
//! reverse.
//!
//! ```text
//!  directory ▶ etcd ▶ cluster id ▶ sockets ▶ store ▶ registration ▶ image ▶ partitions ▶ requests
//!  └──────────────────── open ───────────────────┘ └────── join ─────┘ └──────── serve ────────┘
//! ```

mod applier;
mod coordination;
mod deletions;
mod error;
mod join;
mod local_logs;
mod open;
mod restores;
mod serve;
mod stop;
mod strays;

use std::sync::Arc;

use self::coordination::{Coordination, connect};
use self::join::Membership;
use self::open::{Local, Opened, open_store};
use self::serve::serve;
use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::partition::maintenance::RotatedLogs;
use crate::telemetry::LogLevels;

pub use self::coordination::{CoordinationError, etcd_client};
pub use self::error::StartError;
pub use self::stop::Running;

/// Starts a broker; it serves requests when this returns. Its clients may change `log_levels`.
pub async fn start(config: BrokerConfig, log_levels: LogLevels) -> Result<Running, StartError> {
    let config = Arc::new(config);
    let local = Local::new(&config).await?;
    let rotated = Arc::new(RotatedLogs::default());
    let (coordination, store) =
        tokio::join!(connect(&config), open_store(&config, Arc::clone(&rotated)));
    let Coordination { client, embedded } = match coordination {
        Ok(coordination) => coordination,
        // The embedded coordinator lies in the same directory as the log. The log's error is
        // usually the cause.
        Err(error) => return Err(store.err().unwrap_or_else(|| error.into())),
    };
    let started = async {
        let opened = Opened::new(&config, local, client, store?, rotated).await?;
        let (failing, failures) = Failing::channel();
        let membership = Membership::new(&config, &opened, &failing).await?;
        serve(config, opened, membership, Arc::new(log_levels), failing, failures).await
    };
    match (started.await, embedded) {
        (Ok(running), embedded) => Ok(Running { embedded, ..running }),
        (Err(error), None) => Err(error),
        (Err(error), Some(embedded)) => {
            // The process is about to exit; close the coordinator's database first.
            embedded.shutdown().await;
            Err(error)
        }
    }
}
