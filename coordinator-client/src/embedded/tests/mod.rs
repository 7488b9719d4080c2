//! Tests of the whole server through `etcd-client`, against real etcd, and over restarts.

mod grpc;
mod support;
