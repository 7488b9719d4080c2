//! Environment variables as keys, the way Kafka's container images read them: `KAFKA_` before the
//! key in upper case, `_` for `.`, `__` for `_` and `___` for `-`.

/// Variables that the scripts around Kafka read: no keys, and nothing to be warned of.
const OF_SCRIPTS: &[&str] = &[
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

/// The key that a variable sets, if it is spelled like one.
#[must_use]
pub(in crate::config) fn key_of(variable: &str) -> Option<String> {
    let mut rest = variable.strip_prefix("KAFKA_")?;
    if OF_SCRIPTS.contains(&variable) {
        return None;
    }
    let mut key = String::with_capacity(rest.len());
    while let Some(character) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches('_').len();
        let taken = match run {
            0 => character.to_ascii_lowercase(),
            1 => '.',
            2 => '_',
            3 => '-',
            _ => return None,
        };
        key.push(taken);
        rest = &rest[run.max(character.len_utf8())..];
    }
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variable_of(key: &str) -> String {
        let name = key.replace('_', "\0").replace('-', "___").replace('.', "_").replace('\0', "__");
        format!("KAFKA_{}", name.to_uppercase())
    }

    #[test]
    fn as_in_kafkas_images() {
        assert_eq!(key_of("KAFKA_LOG_RETENTION_MS").as_deref(), Some("log.retention.ms"));
        assert_eq!(key_of("KAFKA_A__B_C___D").as_deref(), Some("a_b.c-d"));
        assert_eq!(key_of("KAFKA_A____B"), None);
        assert_eq!(key_of("KAFKA_HEAP_OPTS"), None);
        assert_eq!(key_of("KAFKA_"), None);
        assert_eq!(key_of("LOG_RETENTION_MS"), None);
    }

    #[test]
    fn every_broker_key_has_a_variable() {
        for def in crate::config::keys::registry::keys(crate::config::Scope::Broker) {
            assert_eq!(key_of(&variable_of(def.name)).as_deref(), Some(def.name));
        }
    }

    proptest! {
        #[test]
        fn keys_survive_the_way(key in "[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,5}") {
            prop_assert_eq!(key_of(&variable_of(&key)), Some(key));
        }

        #[test]
        fn no_name_makes_it_panic(name in "\\PC*") {
            let _ = key_of(&format!("KAFKA_{name}"));
        }
    }
}
