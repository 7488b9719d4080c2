//! DescribeAcls (versions 1 to 3): refused as by Kafka without an authorizer.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::{DescribeAclsRequest, DescribeAclsResponse};

use super::NO_AUTHORIZER;
use crate::api::context::RequestContext;

pub(crate) async fn handle(_: &RequestContext, _: DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled,
        error_message: Some(NO_AUTHORIZER.into()),
        ..DescribeAclsResponse::default()
    }
}
