//! Starting servers for tests.

use std::path::Path;

use crate::embedded::{EmbeddedConfig, Server};

/// A server on a free port with its data in `dir`.
pub(super) async fn start(dir: &Path) -> Server {
    Server::start(config(dir)).await.unwrap()
}

/// The configuration of such a server.
pub(super) fn config(dir: &Path) -> EmbeddedConfig {
    EmbeddedConfig { data_dir: dir.to_owned(), listen: "127.0.0.1:0".parse().unwrap() }
}

/// A client of `server`.
pub(super) async fn client(server: &Server) -> etcd_client::Client {
    etcd_client::Client::connect([server.endpoint()], None).await.unwrap()
}
