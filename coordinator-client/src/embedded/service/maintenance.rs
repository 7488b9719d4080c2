//! etcd's `Maintenance`: the status, and that there is no alarm.

use etcd_client::proto::{
    PbAlarmRequest, PbAlarmResponse, PbDefragmentRequest, PbDefragmentResponse, PbDowngradeRequest,
    PbDowngradeResponse, PbHashKvRequest, PbHashKvResponse, PbHashRequest, PbHashResponse,
    PbMaintenanceService, PbMoveLeaderRequest, PbMoveLeaderResponse, PbSnapshotRequest,
    PbSnapshotResponse, PbStatusRequest, PbStatusResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Responses, Service, unimplemented};
use crate::embedded::disk;

/// The etcd whose API this is, marked as not being it.
const VERSION: &str = concat!("3.5.0+barnabas.", env!("CARGO_PKG_VERSION"));

#[async_trait]
impl PbMaintenanceService for Service {
    async fn alarm(
        &self,
        request: Request<PbAlarmRequest>,
    ) -> Result<Response<PbAlarmResponse>, Status> {
        const GET: i32 = 0;
        match request.into_inner().action {
            GET => Ok(Response::new(PbAlarmResponse { header: self.header(), alarms: Vec::new() })),
            _ => Err(unimplemented("setting alarms")),
        }
    }

    async fn status(
        &self,
        _: Request<PbStatusRequest>,
    ) -> Result<Response<PbStatusResponse>, Status> {
        let dir = self.data_dir.clone();
        let size = tokio::task::spawn_blocking(move || disk::size_bytes(&dir));
        let db_size = size.await.map_err(|error| Status::internal(error.to_string()))?;
        let header = self.header();
        // There is no log to have an index; the revision grows just as well.
        let revision = header.as_ref().map_or(0, |header| header.revision);
        let raft_index = u64::try_from(revision).unwrap_or(0);
        let identity = self.handle.identity();
        Ok(Response::new(PbStatusResponse {
            header,
            version: VERSION.to_owned(),
            db_size,
            db_size_in_use: db_size,
            leader: identity.member_id,
            raft_index,
            raft_applied_index: raft_index,
            raft_term: identity.raft_term,
            ..PbStatusResponse::default()
        }))
    }

    async fn defragment(
        &self,
        _: Request<PbDefragmentRequest>,
    ) -> Result<Response<PbDefragmentResponse>, Status> {
        Err(unimplemented("Maintenance.Defragment"))
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> Result<Response<PbHashResponse>, Status> {
        Err(unimplemented("Maintenance.Hash"))
    }

    async fn hash_kv(
        &self,
        _: Request<PbHashKvRequest>,
    ) -> Result<Response<PbHashKvResponse>, Status> {
        Err(unimplemented("Maintenance.HashKV"))
    }

    type SnapshotStream = Responses<PbSnapshotResponse>;

    async fn snapshot(
        &self,
        _: Request<PbSnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        Err(unimplemented("Maintenance.Snapshot"))
    }

    async fn move_leader(
        &self,
        _: Request<PbMoveLeaderRequest>,
    ) -> Result<Response<PbMoveLeaderResponse>, Status> {
        Err(unimplemented("Maintenance.MoveLeader"))
    }

    async fn downgrade(
        &self,
        _: Request<PbDowngradeRequest>,
    ) -> Result<Response<PbDowngradeResponse>, Status> {
        Err(unimplemented("Maintenance.Downgrade"))
    }
}
