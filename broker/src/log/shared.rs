//! What the store, the writer and the readers share.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::db::Db;
use super::index::pins::Pins;
use super::index::table::LogTable;
use super::queue::Queue;
use super::{Health, RestoreCount};

/// What the store, its threads and its readers share.
pub(super) struct StoreShared {
    pub(super) db: Arc<Db>,
    pub(super) table: Arc<LogTable>,
    pub(super) queue: Queue,
    pub(super) health: watch::Sender<Health>,
    /// Generations that readers hold.
    pub(super) pins: Arc<Pins>,
    /// The generation being written. All earlier ones are in files, or on their way there.
    pub(super) generation: AtomicU32,
    pub(super) restored: Mutex<RestoreCount>,
}
