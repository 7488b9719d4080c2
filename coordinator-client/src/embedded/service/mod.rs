//! The gRPC services: each method hands its request to the owner and says who answered.

mod cluster;
mod kv;
mod lease;
mod maintenance;
mod watch;

use std::{net::SocketAddr, path::PathBuf, pin::Pin, sync::Arc};

use etcd_client::proto::PbResponseHeader;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::mailbox::Handle;

/// What a stream may hold that its client has not read; beyond that the stream waits.
const STREAM_SLOTS: usize = 16;

/// What a streaming method returns.
type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Implements every service. Cheap to clone.
#[derive(Clone)]
pub(super) struct Service {
    handle: Handle,
    stop: CancellationToken,
    data_dir: Arc<PathBuf>,
    local_addr: SocketAddr,
}

impl Service {
    pub(super) fn new(
        handle: Handle,
        stop: CancellationToken,
        data_dir: PathBuf,
        local_addr: SocketAddr,
    ) -> Self {
        Self { handle, stop, data_dir: Arc::new(data_dir), local_addr }
    }

    /// Says in the header of a response who answers.
    fn sign(&self, header: &mut Option<PbResponseHeader>) {
        let identity = self.handle.identity();
        let header = header.get_or_insert_default();
        header.cluster_id = identity.cluster_id;
        header.member_id = identity.member_id;
        header.raft_term = identity.raft_term;
    }

    /// The header of a response that no request to the owner stands behind.
    fn header(&self) -> Option<PbResponseHeader> {
        let revision = self.handle.history().read().revision();
        let mut header = super::range::header(revision);
        self.sign(&mut header);
        header
    }
}

fn unimplemented(method: &str) -> Status {
    Status::unimplemented(format!("the embedded coordinator does not implement {method}"))
}
