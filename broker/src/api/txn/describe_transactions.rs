//! DescribeTransactions (version 0, KIP-664): this broker has no transactions, so there is none of
//! any id.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_transactions::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionState,
};

use crate::api::context::RequestContext;

pub(crate) async fn handle(
    _: &RequestContext,
    request: DescribeTransactionsRequest,
) -> DescribeTransactionsResponse {
    let unknown = |transactional_id: Str| TransactionState {
        error_code: match transactional_id.is_empty() {
            true => ErrorCode::InvalidRequest,
            false => ErrorCode::TransactionalIdNotFound,
        },
        transactional_id,
        ..TransactionState::default()
    };
    DescribeTransactionsResponse {
        transaction_states: request.transactional_ids.into_iter().map(unknown).collect(),
        ..DescribeTransactionsResponse::default()
    }
}
