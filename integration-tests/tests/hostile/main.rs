//! Hostile input against a real broker: each attack gets Kafka's error or a closed connection, few
//! lines in the log, bounded memory, and a good client beside it does not notice.
//!
//! | module | what |
//! |---|---|
//! | [`target`], [`raw`] | the broker under attack, and a client that can send anything |
//! | [`neighbour`] | the good client |
//!
//! | threat | where |
//! |---|---|
//! | lengths that are negative, zero, too large, or never filled; other protocols, TLS among them; APIs and versions that are none; headers of other versions; half-closed sockets | [`frames`] |
//! | counts, lengths, strings, nulls and tags that lie; elements that are small in the frame and large in memory; odd offsets and times; followers that are none; what only brokers say | [`requests`], [`frames`] |
//! | long lists, and the same question again and again | [`lists`] |
//! | record batches that lie in their header, records, checksum or codec; bombs; control batches, transactions and producers that are none | [`batches`] |
//! | messages of the formats before, also within each other | [`message_sets`] |
//! | names that no topic may have; a million topics or partitions | [`topics`] |
//! | configurations that are too large to be kept | [`configs`] |
//! | groups with too many members, protocols or bytes; commits of offsets that cannot be | [`groups`] |
//! | forged fetch sessions, too many, and too large ones | [`requests`], [`sessions`] |
//! | greedy and stalled consumers, requests that wait | [`replies`], [`connections`] |
//! | many, half-open, idle, flooding connections; clients that read nothing | [`connections`] |
//! | an address in disguise | [`addresses`] |
//! | SASL where nobody authenticates | [`sasl`] |
//!
//! With `HOSTILE_BOOTSTRAP=host:port` the answers of another broker are checked, such as Kafka's;
//! what is about memory and logs is then left out.

mod addresses;
mod batches;
mod configs;
mod connections;
mod frames;
mod groups;
mod lists;
mod message_sets;
mod neighbour;
mod raw;
mod replies;
mod requests;
mod sasl;
mod sessions;
mod target;
mod topics;
