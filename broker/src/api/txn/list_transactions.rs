//! ListTransactions (versions 0 to 2, KIP-664): this broker has no transactions, so the list is
//! empty.

use barnabas_protocol::kafka::messages::{ListTransactionsRequest, ListTransactionsResponse};

use crate::api::context::RequestContext;

/// The states that a filter may name.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

pub(crate) async fn handle(
    _: &RequestContext,
    request: ListTransactionsRequest,
) -> ListTransactionsResponse {
    let mut unknown = request.state_filters;
    unknown.retain(|state| !STATES.contains(&state.as_str()));
    ListTransactionsResponse {
        unknown_state_filters: unknown,
        ..ListTransactionsResponse::default()
    }
}
