use std::time::Duration;

use barnabas_protocol::state::ids::BrokerId;

use super::*;

fn errors(sources: &Sources) -> Vec<String> {
    match BrokerConfig::from_sources(sources) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

fn warnings(text: &str) -> Vec<String> {
    let (_, warnings) = BrokerConfig::from_sources(&file(text)).unwrap();
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn defaults() {
    let config = broker("");
    assert_eq!(config.broker_id, BrokerId(1));
    assert_eq!(config.log_dir.to_str(), Some("/tmp/kafka-logs"));
    assert_eq!(config.socket_request_max_bytes, 104_857_600);
    assert_eq!(config.etcd.prefix, "/barnabas");
    assert!(config.etcd.endpoints.is_empty() && config.auto_create_topics_enable);
    let [listener] = &config.listeners[..] else { panic!("{:?}", config.listeners) };
    assert_eq!((&*listener.name, listener.host.as_str(), listener.port), ("PLAINTEXT", "", 9092));
    assert_eq!(config.advertised_listeners[0].host, "", "the name of this machine");
    assert_eq!(&*config.inter_broker_listener_name, "PLAINTEXT");
}

#[test]
fn later_sources_win() {
    let mut sources = file("broker.id=1\nnum.partitions=2\nfetch.max.bytes=2048\ngroup.max.size=5");
    sources.environment = vec![
        ("KAFKA_NUM_PARTITIONS".into(), "3".into()),
        ("KAFKA_FETCH_MAX_BYTES".into(), "4096".into()),
        ("NUM_PARTITIONS".into(), "9".into()),
    ];
    sources.overrides = vec!["num.partitions=4".into()];
    let (config, _) = BrokerConfig::from_sources(&sources).unwrap();
    assert_eq!(config.num_partitions, 4);
    assert_eq!(config.fetch_max_bytes, 4096);
    assert_eq!(config.group_max_size, 5);
}

#[test]
fn a_bad_value_that_is_overridden_does_no_harm() {
    let mut sources = file("broker.id=x");
    sources.overrides = vec!["broker.id=7".into()];
    assert_eq!(BrokerConfig::from_sources(&sources).unwrap().0.broker_id, BrokerId(7));
}

#[test]
fn toml_is_chosen_by_the_files_name() {
    let mut sources =
        file("broker.id = 5\nlisteners = ['PLAINTEXT://localhost:1']\n[log]\ndirs = '/d'");
    sources.file.as_mut().unwrap().name = "server.toml".into();
    let (config, _) = BrokerConfig::from_sources(&sources).unwrap();
    assert_eq!((config.broker_id, config.log_dir.to_str()), (BrokerId(5), Some("/d")));
}

#[test]
fn all_errors_come_at_once_with_their_places() {
    let mut sources = file(
        "# comment\nbroker.id=1\nlisners=PLAINTEXT://:9092\nnum.partitions=0\nretention.ms=5\nport=9092\n\
         authorizer.class.name=org.example.Auth\nlog.cleanup.policy=compact",
    );
    sources.environment = vec![("KAFKA_FETCH_MAX_BYTES".into(), "many".into())];
    sources.overrides = vec!["nonsense".into()];
    let errors = errors(&sources).join("\n");
    for expected in [
        "server.properties:3: unknown key lisners; did you mean listeners?",
        "server.properties:4: Invalid value 0 for configuration num.partitions: Value must be at least 1",
        "server.properties:5: unknown key retention.ms: it belongs to topics, the default for all topics is \
         log.retention.ms",
        "server.properties:6: port: set listeners and advertised.listeners",
        "server.properties:7: Value org.example.Auth for configuration authorizer.class.name is not supported",
        "server.properties:8: Value compact for configuration log.cleanup.policy is not supported",
        "KAFKA_FETCH_MAX_BYTES: Invalid value many for configuration fetch.max.bytes: Not a number of type INT",
        "--override: nonsense: expected key=value",
    ] {
        assert!(errors.contains(expected), "{expected}\nnot in\n{errors}");
    }
}

#[test]
fn inert_keys_warn_once_for_each_reason() {
    let warnings = warnings(
        "broker.id=1\nprocess.roles=broker,controller\ncontroller.quorum.voters=1@a:1\n\
         zookeeper.connect=z:2181\nnum.io.threads=8\nlog.segment.bytes=2097152",
    )
    .join("\n");
    assert!(warnings.contains("controller.quorum.voters, process.roles: there is no KRaft quorum"));
    assert!(warnings.contains("zookeeper.connect: the cluster's state is in etcd"));
    assert!(warnings.contains("log.segment.bytes: the log is kept in RocksDB"));
    assert!(!warnings.contains("num.io.threads"), "set to its default: {warnings}");
}

#[test]
fn a_key_that_another_one_overrides_is_mentioned() {
    let shadowed = warnings(
        "broker.id=1\nlog.dirs=/a\nlog.dir=/b\nlog.retention.ms=5\nlog.retention.hours=168\n\
         log.retention.minutes=7",
    );
    let expected = [
        "log.retention.minutes: it has no effect because log.retention.ms is set",
        "log.dir: it has no effect because log.dirs is set",
    ];
    assert_eq!(shadowed, expected);
    assert_eq!(warnings("broker.id=1\nlog.dir=/b\nlog.retention.minutes=7"), [""; 0]);
}

#[test]
fn presets_give_way_to_keys_of_the_same_meaning() {
    let preset = |key, value, unless| Preset { key, value, unless };
    let log_dir = |text: &str| {
        let mut sources = file(text);
        sources.presets =
            vec![preset("broker.id", "1", &["node.id"]), preset("log.dirs", "/p", &["log.dir"])];
        let (config, warnings) = BrokerConfig::from_sources(&sources).unwrap();
        assert_eq!(warnings, []);
        (config.broker_id.0, config.log_dir.display().to_string())
    };
    assert_eq!(log_dir(""), (1, "/p".to_owned()));
    assert_eq!(log_dir("log.dir=/x\nnode.id=7"), (7, "/x".to_owned()));
    assert_eq!(log_dir("log.dirs=/y"), (1, "/y".to_owned()));
}

#[test]
fn unknown_variables_only_warn() {
    let mut sources = file("broker.id=1");
    sources.environment = vec![
        ("KAFKA_NUM_PARTITION".into(), "3".into()),
        ("KAFKA_HEAP_OPTS".into(), "-Xmx1g".into()),
    ];
    let (_, warnings) = BrokerConfig::from_sources(&sources).unwrap();
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let expected = "KAFKA_NUM_PARTITION: no key is meant by it; did you mean num.partitions?";
    assert_eq!(warnings, [expected]);
}

#[test]
fn a_service_called_kafka_sets_no_keys() {
    let mut sources = file("broker.id=1");
    sources.environment = [
        ("KAFKA_PORT", "tcp://10.0.35.234:9092"),
        ("KAFKA_SERVICE_HOST", "10.0.35.234"),
        ("KAFKA_UI_SERVICE_PORT_HTTP", "8080"),
    ]
    .map(|(variable, value)| (variable.to_owned(), value.to_owned()))
    .to_vec();
    assert_eq!(BrokerConfig::from_sources(&sources).unwrap().1, []);
    sources.environment = vec![("KAFKA_PORT".into(), "9092".into())];
    assert!(errors(&sources)[0].starts_with("KAFKA_PORT: port: set listeners"));
}

#[test]
fn the_environment_of_kafkas_image_works() {
    let environment = [
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        (
            "KAFKA_LISTENERS",
            "PLAINTEXT://0.0.0.0:9092,BROKER://0.0.0.0:9093,CONTROLLER://0.0.0.0:9094",
        ),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:32768,BROKER://broker:9093"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        (
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
            "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        ),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9094"),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", "BROKER"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
    ];
    let environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let sources = Sources { environment, ..Sources::default() };
    let (config, _) = BrokerConfig::from_sources(&sources).unwrap();
    let names: Vec<_> = config.listeners.iter().map(|listener| &*listener.name).collect();
    assert_eq!(names, ["PLAINTEXT", "BROKER"]);
    assert_eq!(config.advertised_listeners[0].port, 32768);
    assert_eq!(&*config.inter_broker_listener_name, "BROKER");
    assert_eq!(config.group_initial_rebalance_delay, Duration::ZERO);
}

#[test]
fn wrong_listeners_are_explained() {
    for (properties, expected) in [
        ("listeners=PLAINTEXT:9092", "PLAINTEXT:9092: write it as NAME://host:port"),
        ("listeners=PLAINTEXT://:70000", "70000 is not a port from 0 to 65535"),
        ("listeners=PLAINTEXT://${HOST_IP}:1", "the host is ${HOST_IP}, a variable that was not"),
        ("listeners=PLAINTEXT://my host:1", "the host is my host, and no host has ' ' in its name"),
        ("listeners=PLAINTEXT://h/x:1", "the host is h/x, and no host has '/' in its name"),
        ("listeners=PLAINTEXT://[h]:1", "h is not an IPv6 address"),
        ("listeners=PLAINTEXT://fe80::1", "fe80: is not an IPv6 address"),
        ("listeners=PLAINTEXT://[::1:1", "[::1 is not an IPv6 address"),
        ("advertised.listeners=PLAINTEXT://${HOST_IP}:1", "advertised.listeners: PLAINTEXT://${"),
        ("advertised.listeners=PLAINTEXT://[0:0::0]:1", "needs a host that clients can connect to"),
        ("listeners=SSL://:9093", "listeners: SSL: SSL is not available yet"),
        ("listeners=X://:9093", "set listener.security.protocol.map=...,X:PLAINTEXT"),
        ("listeners=PLAINTEXT://0.0.0.0:9092", "set advertised.listeners"),
        ("advertised.listeners=PLAINTEXT://0.0.0.0:1", "needs a host that clients can connect to"),
        ("advertised.listeners=OTHER://h:1", "OTHER is not among the listeners"),
        ("listeners=A://:1,A://:2", "the name A is there twice"),
        ("listeners=PLAINTEXT://:1,B://:1", "port 1 is there twice"),
        ("inter.broker.listener.name=B", "set it to one of the advertised listeners (PLAINTEXT)"),
        ("listener.security.protocol.map=A", "A is not NAME:PROTOCOL"),
        ("security.inter.broker.protocol=SSL", "TLS is not available yet"),
        (
            "etcd.endpoints=h:1\netcd.username=u",
            "etcd.username is set, but etcd.password.file is not",
        ),
        ("etcd.tls.cert.file=c\netcd.tls.key.file=k", "but etcd.tls.ca.file is not"),
        ("etcd.tls.ca.file=c", "etcd.tls.ca.file is set, but etcd.endpoints is not"),
        ("etcd.prefix=barnabas", "etcd.prefix must start with a slash"),
        ("etcd.endpoints=etcd", "etcd.endpoints: etcd is not like http://host:2379"),
        ("node.id=2", "broker.id is 1 but node.id is 2"),
        ("log.dirs=/a,/b", "one directory only"),
        ("group.min.session.timeout.ms=9000000", "must not be above group.max.session.timeout.ms"),
        ("max.connections.per.ip.overrides=h:1", "Expected address:count, ... with IP addresses"),
        ("listener.name.x.ssl.key.password=p", "settings for single listeners are not available"),
    ] {
        let errors = errors(&file(&format!("broker.id=1\n{properties}"))).join("\n");
        assert!(errors.contains(expected), "{properties}: {errors}");
    }
    assert!(errors(&file(""))[0].contains("set broker.id"));
    assert!(errors(&file("a=\\u0")).iter().any(|error| error.starts_with("server.properties:1: ")));
}

#[test]
fn hosts_of_listeners() {
    for (written, host) in [
        ("", ""),
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[fe80::1%2]", "fe80::1%2"),
        ("my_host-1.example.org", "my_host-1.example.org"),
    ] {
        let config = broker(&format!("listeners=PLAINTEXT://{written}:9092"));
        assert_eq!(config.listeners[0].host, host, "{written}");
        assert_eq!(config.advertised_listeners[0].host, host, "{written}");
    }
    let named = broker("listeners=PLAINTEXT://0.0.0.0:1\nadvertised.listeners=PLAINTEXT://:2");
    let [advertised] = &named.advertised_listeners[..] else { panic!("{named:?}") };
    assert_eq!((advertised.host.as_str(), advertised.port), ("", 2));
}

#[test]
fn dynamic_overrides_take_effect_and_bad_ones_do_not() {
    let config = broker("max.connections=100\nmax.connections.per.ip=10");
    let dynamic = dynamic(
        &[("max.connections", "50"), ("num.partitions", "9"), ("max.connections.per.ip", "x")],
        &[("max.connections", "70"), ("producer.id.expiration.ms", "1000")],
    );
    let effective = config.effective(dynamic.overrides());
    assert_eq!(effective.max_connections, 50);
    assert_eq!(effective.max_connections_per_ip, 10);
    assert_eq!(effective.num_partitions, 1, "only a restart changes it");
    assert_eq!(effective.producer_id_expiration, Duration::from_secs(1));
    assert_eq!(effective.effective(Overrides::default()), config);
}

#[test]
fn a_file_that_is_not_there() {
    let missing = std::path::Path::new("/nonexistent/server.properties");
    let errors = BrokerConfig::load(Some(missing), [], &[]).unwrap_err().to_string();
    assert!(
        errors.starts_with(
            "1 problem in the configuration:\n  /nonexistent/server.properties: cannot"
        )
    );
}
