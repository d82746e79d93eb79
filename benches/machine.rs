//! What the machine can do at most: the peak of its multiply-adds and the bandwidth of its memory, to hold the
//! other benchmarks against.

#![allow(unsafe_code, reason = "calls a loop that is compiled for vector instructions the machine was seen to have")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Independent sums, enough to hide the latency of a multiply-add at any vector width.
const SUMS: usize = 16 * 16;
const ROUNDS: usize = 4096;

macro_rules! peak {
    ($name:ident, $t:ty, $features:literal) => {
        #[target_feature(enable = $features)]
        fn $name(sums: &mut [$t; SUMS], a: $t, b: $t) {
            for _ in 0..ROUNDS {
                sums.iter_mut().for_each(|sum| *sum = sum.mul_add(a, b));
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
peak!(wide_f32, f32, "avx512f,fma");
#[cfg(target_arch = "x86_64")]
peak!(wide_f64, f64, "avx512f,fma");
#[cfg(target_arch = "x86_64")]
peak!(medium_f32, f32, "avx2,fma");
#[cfg(target_arch = "x86_64")]
peak!(medium_f64, f64, "avx2,fma");

fn multiply_add(c: &mut Criterion) {
    let mut group = c.benchmark_group("machine/multiply_add");
    group.throughput(Throughput::Elements((2 * SUMS * ROUNDS) as u64));
    #[cfg(target_arch = "x86_64")]
    {
        let (mut x, mut y) = (black_box([1f32; SUMS]), black_box([1f64; SUMS]));
        let (a, b) = (black_box(0.5), black_box(0.5));
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
            // SAFETY: the machine has AVX-512 and FMA.
            group.bench_function("f32", |bench| bench.iter(|| unsafe { wide_f32(&mut x, a as f32, b as f32) }));
            // SAFETY: as above.
            group.bench_function("f64", |bench| bench.iter(|| unsafe { wide_f64(&mut y, a, b) }));
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the machine has AVX2 and FMA.
            group.bench_function("f32", |bench| bench.iter(|| unsafe { medium_f32(&mut x, a as f32, b as f32) }));
            // SAFETY: as above.
            group.bench_function("f64", |bench| bench.iter(|| unsafe { medium_f64(&mut y, a, b) }));
        }
        black_box((x, y));
    }
    group.finish();
}

fn memory(c: &mut Criterion) {
    let mut group = c.benchmark_group("machine/memory");
    for mib in [1, 16, 256] {
        let n = (mib << 20) / 4;
        let (x, y, mut out) = (vec![1f32; n], vec![2f32; n], vec![0f32; n]);
        group.throughput(Throughput::Bytes(8 * n as u64));
        group.bench_function(BenchmarkId::new("copy", mib), |b| b.iter(|| black_box(&mut out).copy_from_slice(&x)));
        group.throughput(Throughput::Bytes(12 * n as u64));
        group.bench_function(BenchmarkId::new("triad", mib), |b| {
            b.iter(|| {
                let terms = x.iter().zip(&y);
                black_box(&mut out).iter_mut().zip(terms).for_each(|(out, (x, y))| *out = x + 3.0 * y);
            });
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = wengert_benches::criterion(); targets = multiply_add, memory }
criterion_main!(benches);
