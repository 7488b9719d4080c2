//! AlterUserScramCredentials (version 0, KIP-554): what is wrong with a request is told as by
//! Kafka; a valid credential is refused, because no listener authenticates yet.

use std::collections::{BTreeMap, HashSet};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult, ScramCredentialDeletion, ScramCredentialUpsertion,
};

use crate::api::context::RequestContext;

/// SCRAM-SHA-256 and SCRAM-SHA-512.
const MECHANISMS: [i8; 2] = [1, 2];
const MIN_ITERATIONS: i32 = 4096;
const MAX_ITERATIONS: i32 = 16_384;

type Refusal = (ErrorCode, &'static str);

pub(crate) async fn handle(
    _: &RequestContext,
    request: AlterUserScramCredentialsRequest,
) -> AlterUserScramCredentialsResponse {
    let results = refusals(&request).into_iter().map(|(user, (error_code, message))| {
        AlterUserScramCredentialsResult { user, error_code, error_message: Some(message.into()) }
    });
    AlterUserScramCredentialsResponse {
        results: results.collect(),
        ..AlterUserScramCredentialsResponse::default()
    }
}

/// Why each user is refused; the first reason counts.
fn refusals(request: &AlterUserScramCredentialsRequest) -> BTreeMap<Str, Refusal> {
    let mut refusals = BTreeMap::new();
    for removed in &request.deletions {
        refusals.entry(removed.name.clone()).or_insert_with(|| deletion(removed));
    }
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    for set in &request.upsertions {
        if !seen.insert((&set.name, set.mechanism)) {
            twice.insert((&set.name, set.mechanism));
        }
    }
    for set in &request.upsertions {
        let refusal = match upsertion(set) {
            (ErrorCode::SecurityDisabled, _) if twice.contains(&(&set.name, set.mechanism)) => {
                (ErrorCode::DuplicateResource, "The credential is set more than once.")
            }
            refusal => refusal,
        };
        refusals.entry(set.name.clone()).or_insert(refusal);
    }
    refusals
}

fn deletion(deletion: &ScramCredentialDeletion) -> Refusal {
    check(&deletion.name, deletion.mechanism).unwrap_or((
        ErrorCode::ResourceNotFound,
        "Attempt to delete a user credential that does not exist",
    ))
}

fn upsertion(upsertion: &ScramCredentialUpsertion) -> Refusal {
    if let Some(flaw) = check(&upsertion.name, upsertion.mechanism) {
        return flaw;
    }
    match upsertion.iterations {
        ..MIN_ITERATIONS => (ErrorCode::UnacceptableCredential, "Too few iterations"),
        MIN_ITERATIONS..=MAX_ITERATIONS => (
            ErrorCode::SecurityDisabled,
            "This broker keeps no SCRAM credentials: its listeners do not authenticate yet.",
        ),
        _ => (ErrorCode::UnacceptableCredential, "Too many iterations"),
    }
}

/// What is wrong with a user's name or a mechanism, in Kafka's words.
fn check(name: &str, mechanism: i8) -> Option<Refusal> {
    if name.is_empty() {
        return Some((ErrorCode::UnacceptableCredential, "Username must not be empty"));
    }
    let known = MECHANISMS.contains(&mechanism);
    (!known).then_some((ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
        ScramCredentialUpsertion {
            name: name.into(),
            mechanism,
            iterations,
            ..ScramCredentialUpsertion::default()
        }
    }

    #[test]
    fn the_first_reason_counts() {
        let deleted = ScramCredentialDeletion { name: "d".into(), mechanism: 1 };
        let request = AlterUserScramCredentialsRequest {
            deletions: vec![deleted],
            upsertions: vec![
                set("d", 1, 4096),
                set("twice", 1, 4096),
                set("twice", 1, 8192),
                set("both", 1, 4096),
                set("both", 2, 4096),
                set("few", 1, 4095),
                set("many", 1, 16_385),
                set("other", 7, 4096),
            ],
        };
        let codes: Vec<_> = refusals(&request).into_iter().map(|(u, r)| (u, r.0)).collect();
        let expected = [
            ("both", ErrorCode::SecurityDisabled),
            ("d", ErrorCode::ResourceNotFound),
            ("few", ErrorCode::UnacceptableCredential),
            ("many", ErrorCode::UnacceptableCredential),
            ("other", ErrorCode::UnsupportedSaslMechanism),
            ("twice", ErrorCode::DuplicateResource),
        ];
        assert_eq!(codes, expected.map(|(user, code)| (Str::from(user), code)));
    }
}
