//! Tests of the whole: the state machine against a model, the server through `etcd-client` and
//! `etcdctl`, against real etcd, over restarts, and when the disk fails.

mod child;
mod differential;
mod etcdctl;
mod grpc;
mod machine;
mod model;
mod requests;
mod restart;
mod support;
mod throughput;
mod watching;
