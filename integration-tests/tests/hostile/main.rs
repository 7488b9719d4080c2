//! Hostile input against a real broker: each attack gets Kafka's error or a closed connection, few lines in the log,
//! bounded memory, and a good client beside it does not notice.
//!
//! | module | what |
//! |---|---|
//! | [`target`], [`raw`] | the broker under attack, and a client that can send anything |
//! | [`neighbour`] | the good client |
//! | [`frames`] | what is wrong before a request is understood: lengths, APIs, versions, other protocols |
//! | [`requests`] | requests that lie about their contents or ask for the impossible |
//! | [`batches`] | record batches |
//! | [`connections`] | many, half-open, slow and greedy connections |
//!
//! With `HOSTILE_BOOTSTRAP=host:port` the answers of another broker are checked, such as Kafka's; what is
//! about memory and logs is then left out.

mod batches;
mod connections;
mod frames;
mod neighbour;
mod raw;
mod requests;
mod target;
