//! All that a Barnabas cluster keeps in etcd, and the only crate that talks to etcd.
//!
//! ```text
//!  Client ── get, list ──────────────► reads: linearizable, retried, one endpoint after the other
//!    │  └─── txn ────────────────────► one guarded transaction: committed, conflict, or *indeterminate*
//!    ├────── Session ────────────────► a lease kept alive, and how far it can still be trusted
//!    ├────── PrefixWatch ────────────► a snapshot, then every later change, in order, for ever
//!    └────── election::campaign ─────► at most one controller, with an epoch that only grows
//! ```
//!
//! # Given
//! - A read is linearizable: it sees every write that was acknowledged before it began.
//! - A [`Txn`] is applied at most once by one call, and [`TxnOutcome`] and [`TxnError`] say what is
//!   known: applied, not applied, or not known. Nothing below this crate resends a transaction that
//!   may have reached etcd: `tonic` does not resend requests, and `etcd-client` does so only after
//!   etcd refused the auth token, which etcd checks before it applies anything.
//! - A [`PrefixWatch`] yields whole revisions in order. What it yields, applied on top of its last
//!   snapshot, is the state of the prefix at some revision.
//! - Every call ends within [`ClientConfig::request_timeout`]; [`Session`] and [`PrefixWatch`] go
//!   on by themselves for as long as etcd is away, and [`Client::connect`] does not need etcd to be
//!   there.
//!
//! # Not given
//! - A lease, an election or a watch is a hint. "I hold the lease" was true when etcd said so, not
//!   now; the local deadline of a session bounds how long ago, as long as the machine is not
//!   suspended. Only a transaction's compares fence ([`Leadership::guard`],
//!   [`Expect::CreateRevision`]).
//! - A watch may skip intermediate values of a key (after a snapshot), and says nothing about how
//!   late it is.
//! - Revisions can go backwards when an operator restores an old backup. Whoever cares keeps the
//!   highest revision it saw and refuses. A restore that raises the revision instead is noticed
//!   here ([`Client::revision_jump`]), and every call fails from then on.
//!
//! Works against etcd 3.4 and later; run 3.5.33, 3.6.14 or newer, because older ones can revoke
//! live leases and serve stale reads after a member was paused.

mod client;
mod clock;
mod config;
mod election;
pub mod embedded;
mod endpoint;
mod error;
mod failure;
mod history;
mod kv;
mod lease;
mod list;
mod members;
mod restore;
mod retry;
mod session;
mod txn;
mod watch;

pub use client::Client;
pub use config::{ClientConfig, ClientIdentity, Credentials, TlsConfig};
pub use election::{Campaign, CampaignError, Candidate, Leadership};
pub use error::{Error, Rejection, TxnError};
pub use history::{MAX_REVISION_STEP, RevisionJump};
pub use kv::{CreateRevision, KeyValue, LeaseId, Listing, ModRevision, Revision};
pub use members::Member;
pub use restore::{CLOCK_INTERVAL, MAX_COUNT, Marks, MarksError};
pub use session::{Session, SessionConfig, SessionState};
pub use txn::{Expect, Txn, TxnOutcome};
pub use watch::{Change, PrefixWatch, WatchEvent};
