//! What the fuzz targets share. `checks` is also run, on the committed corpus, by the stable test
//! `protocol/tests/corpus.rs`.

pub mod checks;
