//! Environment variables as keys, as in Kafka's container images: `KAFKA_` and the key in upper
//! case, with `_` for `.`, `__` for `_` and `___` for `-`.

/// Variables for the scripts around Kafka. They are not keys and deserve no warning.
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

/// Whether a variable tells where a service is, and sets no key. Kubernetes sets such variables for
/// each Service and Docker for each linked container, named after it; so a Service called `kafka`
/// sets `KAFKA_PORT=tcp://10.0.35.234:9092`, and `kafka-ui` sets `KAFKA_UI_SERVICE_HOST`.
#[must_use]
pub(super) fn is_service_link(variable: &str, value: &str) -> bool {
    let Some(rest) = variable.strip_prefix("KAFKA_") else { return false };
    let words: Vec<&str> = rest.split('_').collect();
    match words[..] {
        [.., "PORT", number, "TCP" | "UDP" | "SCTP"]
        | [.., "PORT", number, "TCP" | "UDP" | "SCTP", "PROTO" | "PORT" | "ADDR"] => {
            number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [.., "SERVICE", "HOST"] => true,
        // Ports that have a name: `KAFKA_SERVICE_PORT_CLIENTS`.
        _ if words.windows(2).any(|pair| pair == ["SERVICE", "PORT"]) => true,
        [.., "PORT"] => ["tcp://", "udp://", "sctp://"].iter().any(|s| value.starts_with(s)),
        _ => false,
    }
}

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
    fn services_are_no_keys() {
        for (variable, value) in [
            ("KAFKA_SERVICE_HOST", "10.0.35.234"),
            ("KAFKA_SERVICE_PORT", "9092"),
            ("KAFKA_SERVICE_PORT_TCP_CLIENTS", "9092"),
            ("KAFKA_PORT", "tcp://10.0.35.234:9092"),
            ("KAFKA_PORT_9092_TCP", "tcp://10.0.35.234:9092"),
            ("KAFKA_PORT_9092_TCP_PROTO", "tcp"),
            ("KAFKA_PORT_9092_TCP_PORT", "9092"),
            ("KAFKA_PORT_9092_TCP_ADDR", "10.0.35.234"),
            ("KAFKA_HEADLESS_PORT_9092_TCP_ADDR", "10.0.35.234"),
            ("KAFKA_BROKER_0_SERVICE_PORT_CLIENTS", "9092"),
            ("KAFKA_ADVERTISED_PORT", "udp://10.0.35.234:9092"),
        ] {
            assert!(is_service_link(variable, value), "{variable}");
        }
        for (variable, value) in [
            ("KAFKA_PORT", "9092"),
            ("KAFKA_ADVERTISED_PORT", "9092"),
            ("KAFKA_LISTENERS", "tcp://h:9092"),
            ("KAFKA_SASL_KERBEROS_SERVICE_NAME", "kafka"),
        ] {
            assert!(!is_service_link(variable, value), "{variable}");
        }
        for def in crate::config::registry::keys(crate::config::Scope::Broker) {
            assert!(!is_service_link(&variable_of(def.name), ""), "{}", def.name);
        }
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
