//! DescribeUserScramCredentials (version 0, KIP-554): there are no credentials, so no user has any.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
};

use crate::api::context::RequestContext;

pub(crate) async fn handle(
    _: &RequestContext,
    request: DescribeUserScramCredentialsRequest,
) -> DescribeUserScramCredentialsResponse {
    let mut times = BTreeMap::new();
    for user in request.users.into_iter().flatten() {
        *times.entry(user.name).or_insert(0) += 1;
    }
    let results = times.into_iter().map(|(user, times)| {
        let (error_code, message) = if times > 1 {
            let message = format!("The user {user} is named more than once in the request.");
            (ErrorCode::DuplicateResource, message)
        } else {
            (ErrorCode::ResourceNotFound, format!("The user {user} has no SCRAM credentials."))
        };
        DescribeUserScramCredentialsResult {
            user,
            error_code,
            error_message: Some(message.into()),
            ..DescribeUserScramCredentialsResult::default()
        }
    });
    DescribeUserScramCredentialsResponse {
        results: results.collect(),
        ..DescribeUserScramCredentialsResponse::default()
    }
}
