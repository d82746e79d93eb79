//! What the benchmarks share: how long they may take.
//!
//! `cargo bench` at the root of the workspace runs all of them in a few minutes; `cargo bench -p
//! wengert-benches --bench tape -- record` runs some.

use std::time::Duration;

use criterion::Criterion;

/// Criterion with short measurements: the parts are small, and there are many.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args()
}
