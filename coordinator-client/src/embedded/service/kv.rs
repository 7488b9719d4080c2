//! etcd's `KV`.

use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse, PbKvService,
    PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse, PbRangeStreamResponse,
    PbTxnRequest, PbTxnResponse,
};
use tonic::{Request, Response, Status, async_trait};

use super::{Responses, Service, unimplemented};

#[async_trait]
impl PbKvService for Service {
    async fn range(
        &self,
        request: Request<PbRangeRequest>,
    ) -> Result<Response<PbRangeResponse>, Status> {
        let request = request.into_inner();
        let mut response = self.handle.call(move |machine, _| machine.range(request)).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    type RangeStreamStream = Responses<PbRangeStreamResponse>;

    async fn range_stream(
        &self,
        _: Request<PbRangeRequest>,
    ) -> Result<Response<Self::RangeStreamStream>, Status> {
        Err(unimplemented("KV.RangeStream"))
    }

    async fn put(&self, request: Request<PbPutRequest>) -> Result<Response<PbPutResponse>, Status> {
        let request = request.into_inner();
        let mut response = self.handle.call(move |machine, now| machine.put(request, now)).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<PbDeleteRequest>,
    ) -> Result<Response<PbDeleteResponse>, Status> {
        let request = request.into_inner();
        let deleted = self.handle.call(move |machine, now| machine.delete(request, now));
        let mut response = deleted.await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<PbTxnRequest>) -> Result<Response<PbTxnResponse>, Status> {
        let request = request.into_inner();
        let mut response = self.handle.call(move |machine, now| machine.txn(request, now)).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }

    async fn compact(
        &self,
        request: Request<PbCompactionRequest>,
    ) -> Result<Response<PbCompactionResponse>, Status> {
        let request = request.into_inner();
        let mut response = self.handle.call(move |machine, _| machine.compact(&request)).await?;
        self.sign(&mut response.header);
        Ok(Response::new(response))
    }
}
