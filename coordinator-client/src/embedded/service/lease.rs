//! etcd's `Lease`.

use etcd_client::proto::{
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseKeepAliveRequest, PbLeaseKeepAliveResponse,
    PbLeaseLeasesRequest, PbLeaseLeasesResponse, PbLeaseRevokeRequest, PbLeaseRevokeResponse,
    PbLeaseService, PbLeaseTimeToLiveRequest, PbLeaseTimeToLiveResponse,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Responses, STREAM_SLOTS, Service};

#[async_trait]
impl PbLeaseService for Service {
    async fn lease_grant(
        &self,
        request: Request<PbLeaseGrantRequest>,
    ) -> Result<Response<PbLeaseGrantResponse>, Status> {
        let request = request.into_inner();
        let granted = self.handle.call(move |machine, now| machine.grant(&request, now));
        let mut response = granted.await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn lease_revoke(
        &self,
        request: Request<PbLeaseRevokeRequest>,
    ) -> Result<Response<PbLeaseRevokeResponse>, Status> {
        let id = request.into_inner().id;
        let mut response = self.handle.call(move |machine, now| machine.revoke(id, now)).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    type LeaseKeepAliveStream = Responses<PbLeaseKeepAliveResponse>;

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<PbLeaseKeepAliveRequest>>,
    ) -> Result<Response<Self::LeaseKeepAliveStream>, Status> {
        let (responses, stream) = mpsc::channel(STREAM_SLOTS);
        let (service, requests) = (self.clone(), request.into_inner());
        tokio::spawn(async move {
            let stop = service.stop.clone();
            let renewing = service.renew_all(requests, responses);
            // Dropping the sender ends the client's stream.
            let _ = stop.run_until_cancelled(renewing).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<PbLeaseTimeToLiveRequest>,
    ) -> Result<Response<PbLeaseTimeToLiveResponse>, Status> {
        let request = request.into_inner();
        let viewed = self.handle.call(move |machine, now| Ok(machine.time_to_live(&request, now)));
        let mut response = viewed.await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn lease_leases(
        &self,
        _: Request<PbLeaseLeasesRequest>,
    ) -> Result<Response<PbLeaseLeasesResponse>, Status> {
        let mut response = self.handle.call(|machine, _| Ok(machine.leases())).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }
}

impl Service {
    /// Answers keep-alive requests until the client ends its side or goes away.
    async fn renew_all(
        &self,
        mut requests: Streaming<PbLeaseKeepAliveRequest>,
        responses: mpsc::Sender<Result<PbLeaseKeepAliveResponse, Status>>,
    ) {
        while let Ok(Some(PbLeaseKeepAliveRequest { id })) = requests.message().await {
            let renewed = self.handle.call(move |machine, now| Ok(machine.keep_alive(id, now)));
            let response = renewed.await.map_err(Status::from).map(|mut response| {
                self.sign(&mut response.header);
                response
            });
            let failed = response.is_err();
            if responses.send(response).await.is_err() || failed {
                return;
            }
        }
    }
}
