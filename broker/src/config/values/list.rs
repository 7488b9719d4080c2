//! List values: items separated by commas.

/// The items of a list value; an empty value has none.
pub fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// The items of a list value without duplicates, in the order of their first appearance.
pub(super) fn distinct(value: &str) -> Vec<&str> {
    let mut seen = Vec::new();
    for item in items(value) {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}
