//! AlterClientQuotas (versions 0 and 1, KIP-546): there are no quotas yet. To remove one is no
//! change and succeeds, as in Kafka; to set one is refused.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::alter_client_quotas::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, EntityData, EntryData, EntryResult, OpData,
};

use crate::api::context::RequestContext;

/// The quotas of users and clients.
const CLIENT_KEYS: [&str; 4] =
    ["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
/// The quotas of addresses.
const IP_KEYS: [&str; 1] = ["connection_creation_rate"];

pub(crate) async fn handle(
    _: &RequestContext,
    request: AlterClientQuotasRequest,
) -> AlterClientQuotasResponse {
    let entries = request.entries.into_iter().map(answer).collect();
    AlterClientQuotasResponse { entries, ..AlterClientQuotasResponse::default() }
}

fn answer(entry: EntryData) -> EntryResult {
    let (error_code, error_message) = match refusal(&entry) {
        None => (ErrorCode::None, None),
        Some(message) => (ErrorCode::InvalidRequest, Some(message.into())),
    };
    EntryResult { error_code, error_message, entity: entry.entity }
}

/// Why an entry is refused: what is wrong with it, in Kafka's words, or that it sets a quota.
fn refusal(entry: &EntryData) -> Option<String> {
    let keys = match keys_of(&entry.entity) {
        Ok(keys) => keys,
        Err(flaw) => return Some(flaw),
    };
    let refused = |op: &OpData| match keys.contains(&op.key.as_str()) {
        false => Some(format!("Invalid configuration key {}", op.key)),
        true if op.remove => None,
        true => Some(format!("{} cannot be set: this broker has no quotas yet.", op.key)),
    };
    entry.ops.iter().find_map(refused)
}

/// The quotas that an entity may have, or what is wrong with it.
fn keys_of(entity: &[EntityData]) -> Result<&'static [&'static str], String> {
    if entity.is_empty() {
        return Err("Invalid empty client quota entity".to_owned());
    }
    for EntityData { entity_type, entity_name } in entity {
        if !["user", "client-id", "ip"].contains(&entity_type.as_str()) {
            return Err(format!("Unhandled client quota entity type: {entity_type}"));
        }
        if entity_name.as_deref() == Some("") {
            return Err(format!("Empty {entity_type} not supported"));
        }
    }
    let of_address = entity.iter().any(|part| part.entity_type == "ip");
    if of_address && entity.len() > 1 {
        return Err("An address cannot be combined with a user or client.".to_owned());
    }
    Ok(if of_address { &IP_KEYS } else { &CLIENT_KEYS })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(entity: &[(&str, Option<&str>)], key: &str, remove: bool) -> EntryData {
        let part = |(kind, name): &(&str, Option<&str>)| EntityData {
            entity_type: (*kind).into(),
            entity_name: name.map(Into::into),
        };
        let op = OpData { key: key.into(), value: 1.0, remove };
        EntryData { entity: entity.iter().map(part).collect(), ops: vec![op] }
    }

    #[test]
    fn quotas_may_be_removed_but_not_set() {
        let (user, address) = ([("user", Some("a"))], [("ip", None)]);
        assert_eq!(refusal(&entry(&user, "producer_byte_rate", true)), None);
        assert_eq!(refusal(&entry(&address, "connection_creation_rate", true)), None);
        let set = refusal(&entry(&user, "producer_byte_rate", false)).expect("refused");
        assert!(set.contains("no quotas"), "{set}");
        for wrong in [
            entry(&address, "producer_byte_rate", true),
            entry(&user, "speed", true),
            entry(&[], "producer_byte_rate", true),
            entry(&[("user", Some(""))], "producer_byte_rate", true),
            entry(&[("user", None), ("ip", None)], "producer_byte_rate", true),
        ] {
            assert!(refusal(&wrong).is_some(), "{wrong:?}");
        }
    }
}
