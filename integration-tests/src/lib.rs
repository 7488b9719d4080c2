//! What the integration tests stand on: real broker and etcd processes, client scripts, and the
//! checkers.
//!
//! | module | what |
//! |---|---|
//! | [`process`] | one child process: its output kept, shown when a test fails, killed on drop |
//! | [`broker`], [`etcd`] | a Barnabas broker and an etcd server on ports and directories of their own |
//! | [`clients`] | the scripts of `clients/` that drive real Kafka clients |
//! | [`history`] | what producers and consumers saw, and the checker that finds anomalies in it |
//! | [`behaviour`] | two brokers' answers compared, against the list of accepted differences |
//! | [`wait`] | the only clock and the only sleep of the tests |
//!
//! Not here: expectations. Those are in `tests/`.

pub mod behaviour;
pub mod broker;
pub mod clients;
pub mod etcd;
pub mod history;
pub mod ports;
pub mod process;
pub mod wait;
