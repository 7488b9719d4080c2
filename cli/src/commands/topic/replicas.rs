//! `--replica-assignment 1:2,2:3`: the brokers of each partition, the preferred leader first.

use anyhow::{Context, bail};

/// The brokers by partition; none without the option.
pub(super) fn parse(text: Option<&str>) -> anyhow::Result<Vec<Vec<i32>>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let assignment: Vec<Vec<i32>> = text.split(',').map(brokers).collect::<anyhow::Result<_>>()?;
    if assignment.iter().any(|brokers| brokers.len() != assignment[0].len()) {
        bail!("--replica-assignment: all partitions need the same number of replicas");
    }
    Ok(assignment)
}

fn brokers(text: &str) -> anyhow::Result<Vec<i32>> {
    let mut brokers = Vec::new();
    for id in text.split(':') {
        let id: i32 = id
            .trim()
            .parse()
            .with_context(|| format!("--replica-assignment: {id} is not the number of a broker"))?;
        if brokers.contains(&id) {
            bail!("Partition replica lists may not contain duplicate entries: {id}");
        }
        brokers.push(id);
    }
    Ok(brokers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_separated_by_commas_and_brokers_by_colons() {
        assert_eq!(parse(Some("1:2,2:3")).expect("valid"), [[1, 2], [2, 3]]);
        assert_eq!(parse(None).expect("none"), Vec::<Vec<i32>>::new());
        for wrong in ["", "1,", "1:1", "1:2,1", "a"] {
            assert!(parse(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
