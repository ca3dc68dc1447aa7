//! Bytes from libFuzzer are what the world answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = fell_fuzz::walk(input);
});
