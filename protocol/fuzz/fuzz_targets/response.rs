#![no_main]

use barnabas_protocol_fuzz::checks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| checks::response(data));
