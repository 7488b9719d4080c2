//! Keys that Kafka does not have: the coordination service, and the log's storage.

use super::def::Check::{Any, AtLeast, Between, NotEmpty};
use super::def::Support::Honoured;
use super::def::keys;

keys! {
    /// Keys that Kafka does not have.
    OWN, Broker:
    "etcd.endpoints", List, Some(""), Any, High, ReadOnly, Honoured,
        "Where etcd is: http://host:port or https://host:port, separated by commas. Empty starts an \
         embedded coordinator, which is for one machine and for development only.";
    "etcd.prefix", String, Some("/barnabas"), NotEmpty, High, ReadOnly, Honoured,
        "Path in etcd under which the cluster keeps its state; each cluster needs one of its own.";
    "etcd.lease.ttl.ms", Int, Some("9000"), Between(2_000, 300_000), High, ReadOnly, Honoured,
        "Milliseconds without a sign of life after which a broker counts as dead; rounded up to seconds.";
    "etcd.connect.timeout.ms", Int, Some("1000"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Milliseconds that connecting to one etcd endpoint may take.";
    "etcd.request.timeout.ms", Int, Some("10000"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Milliseconds that a request to etcd may take, with all its attempts.";
    "etcd.username", String, None, Any, Medium, ReadOnly, Honoured,
        "User at etcd, where etcd's authentication is on.";
    "etcd.password.file", String, None, Any, Medium, ReadOnly, Honoured,
        "File whose first line is the password of etcd.username.";
    "etcd.tls.ca.file", String, None, Any, Medium, ReadOnly, Honoured,
        "PEM file of the authority that signed etcd's certificates.";
    "etcd.tls.cert.file", String, None, Any, Medium, ReadOnly, Honoured,
        "PEM file of the certificate that the broker shows to etcd.";
    "etcd.tls.key.file", String, None, Any, Medium, ReadOnly, Honoured,
        "PEM file of the key of etcd.tls.cert.file.";
    "log.generation.bytes", Long, Some("33554432"), Between(1_048_576, 1_073_741_824), Low, ReadOnly, Honoured,
        "Bytes of records, of all partitions together, that are written to one file; records are deleted \
         in units of it. Up to twice as many where very many partitions are written to.";
    "log.tail.cache.bytes", Long, Some("67108864"), AtLeast(0), Medium, ReadOnly, Honoured,
        "Bytes of memory for the newest records of all partitions, from which consumers and followers \
         that keep up are served.";
}
