//! Names, versions, help, output for programs, and what is said of mistakes.

use barnabas_integration_tests::broker::BrokerProcess;
use serde_json::Value;

use super::Shell;

/// A shell for commands that need no broker.
fn shell() -> Shell {
    Shell::new("127.0.0.1:1".to_owned())
}

#[test]
fn tools_that_are_missing_say_so_under_their_own_name() {
    let shell = shell();
    for (name, instead) in [
        ("kafka-acls", "there are no ACLs yet"),
        ("kafka-storage.sh", "directories need no formatting"),
        ("kafka-mirror-maker", "mirrors no other cluster"),
        ("kafka-metadata-quorum", "there is no KRaft quorum"),
        ("zookeeper-shell.sh", "there is no ZooKeeper"),
        ("kafka-unheard-of", "barnabas --help"),
    ] {
        shell.link(name);
        let errors = shell.refuses(&format!("{name} --list --bootstrap-server $B"));
        let own = format!("{} is not available here: ", name.trim_end_matches(".sh"));
        assert!(errors.starts_with(&own) && errors.contains(instead), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn retired_options_get_a_sentence() {
    let shell = shell();
    for (command, option, instead) in [
        ("kafka-topics --list", "--zookeeper z:2181", "use --bootstrap-server"),
        ("kafka-topics --delete --topic t", "--force", "leave it out"),
        ("kafka-configs --describe", "--zookeeper=z:2181", "use --bootstrap-server"),
        ("kafka-configs --describe", "--user u", "quotas are not available"),
        ("kafka-console-consumer --topic t", "--zookeeper z:2181", "use --bootstrap-server"),
        ("kafka-console-consumer --topic t", "--new-consumer", "leave it out"),
        ("kafka-console-producer --topic t", "--new-producer", "leave it out"),
    ] {
        let errors = shell.refuses(&format!("{command} {option}"));
        assert!(errors.contains(" is not an option of this tool: "), "{command}: {errors}");
        assert!(errors.contains(instead), "{command} {option}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
    // What is only mistyped is left to clap, which suggests what was meant.
    let errors = shell.refuses("kafka-topics --lisst");
    assert!(errors.contains("'--list'"), "{errors}");
}

#[test]
fn versions_help_completions_and_manual() {
    let shell = shell();
    let number = env!("CARGO_PKG_VERSION");
    assert_eq!(shell.prints("barnabas version"), format!("barnabas {number}\n"));
    assert_eq!(shell.prints("barnabas --version"), format!("barnabas {number}\n"));
    assert_eq!(shell.prints("kafka-topics --version"), format!("{number} (Barnabas)\n"));
    // However long, a command stays on one line.
    let help = shell.prints("kafka-configs --help");
    let example = help.lines().find(|line| line.contains("--add-config retention.ms=1000"));
    assert!(example.is_some_and(|line| line.starts_with("  kafka-configs ")), "{help}");
    // Not a no-break space either, which a shell would not take.
    assert!(help.is_ascii(), "{help}");
    shell.prints("barnabas completions bash > b && bash -n b && grep -q add-partitions b");
    shell.prints("barnabas man topic create | grep -q 'replication'");
    shell.prints("barnabas man --all pages && test -s pages/barnabas-topic-create.1");
    shell.refuses("barnabas man topic nothing");
}

#[test]
fn lists_and_descriptions_for_programs() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    let barnabas = |command: &str| {
        // The address from the environment.
        format!("BARNABAS_BOOTSTRAP_SERVERS=$B barnabas {command}")
    };
    for topic in ["a", "b"] {
        let create = format!("topic create --topic {topic} --config retention.ms=5000");
        assert_eq!(shell.prints(&barnabas(&create)), format!("Created topic {topic}.\n"));
    }
    let json = |command: &str| -> Value {
        let text = shell.prints(&barnabas(&format!("{command} -o json")));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: {error}\n{text}"))
    };
    let listed = json("topic list");
    assert_eq!((&listed[0]["topic"], &listed[1]["partitions"]), (&"a".into(), &1.into()));
    let described = json("topic describe");
    assert_eq!(described.as_array().map(Vec::len), Some(2), "{described}");
    assert_eq!(described[1]["configs"]["retention.ms"], "5000");
    assert_eq!(described[1]["partitions"][0]["leader"], 1);
    assert_eq!(json("config describe --topic a")[0]["configs"][0]["name"], "retention.ms");
    assert_eq!(json("cluster info")["topics"], 2);
}

#[test]
fn a_topic_that_a_producer_creates_is_mentioned() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    let produce = "echo x | kafka-console-producer --bootstrap-server $B --topic gretings";
    let (code, _, notes) = shell.run(produce);
    assert_eq!(code, Some(0), "{notes}");
    let expected = "WARN topic gretings did not exist: created it with 1 partition\n";
    assert_eq!(notes, expected);
    let (code, _, notes) = shell.run(produce);
    assert_eq!((code, notes.as_str()), (Some(0), ""));
}

#[test]
fn settings_are_honoured_or_mentioned() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    shell.prints("barnabas topic create --topic t --bootstrap-server $B");
    // The address may stand in the file, too.
    shell.prints("echo bootstrap.servers=$B > f; echo acks=1 >> f; echo client.id=x >> f");
    let (code, _, notes) = shell.run("echo x | barnabas produce --topic t --command-config f");
    assert_eq!(
        (code, notes.as_str()),
        (Some(0), "WARN the setting client.id has no effect here\n")
    );
    let produce = "echo x | barnabas produce --topic t --bootstrap-server $B --max-block-ms 1";
    let (code, _, notes) = shell.run(produce);
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("WARN --max-block-ms has no effect here"), "{notes}");
    let perf = "barnabas perf produce --topic t --num-records 1 --producer-props";
    let errors = shell.refuses(&format!("{perf} bootstrap.servers=$B security.protocol=SSL"));
    assert!(errors.contains("security.protocol=SSL is not supported"), "{errors}");
}

#[test]
fn every_command_says_that_it_cannot_reach_the_cluster() {
    let shell = shell();
    for command in [
        "kafka-topics --list --bootstrap-server $B",
        "kafka-configs --describe --topic t --bootstrap-server $B",
        "kafka-console-producer --topic t --bootstrap-server $B",
        "kafka-console-consumer --topic t --bootstrap-server $B",
        "barnabas cluster info --bootstrap-server $B",
        "barnabas perf produce --topic t --num-records 1 --producer-props bootstrap.servers=$B",
    ] {
        // Stopped once it has said something: it would go on for half a minute.
        let first =
            format!("exec 3< <(exec {command} 2>&1); read -r line <&3; kill $!; echo $line");
        let line = shell.prints(&first);
        // Some try again, and others end at once.
        let words = ["cannot reach 127.0.0.1:1 (", "cannot connect to 127.0.0.1:1;"];
        assert!(words.iter().any(|words| line.contains(words)), "{command}: {line}");
    }
}
