//! Elementwise functions on slices that stay in the L1 cache, at the best level of the processor.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wengert::kernel::math::real::Scalar;
use wengert::kernel::math::{self, Level};

type Loop<T> = fn(Level, &[T], &mut [T]);

fn table<T: Scalar>() -> [(&'static str, Loop<T>); 14] {
    [
        ("exp", math::map::<math::Exp, T>),
        ("exp2", math::map::<math::Exp2, T>),
        ("exp_m1", math::map::<math::ExpM1, T>),
        ("sigmoid", math::map::<math::Sigmoid, T>),
        ("tanh", math::map::<math::Tanh, T>),
        ("ln", math::map::<math::Ln, T>),
        ("log2", math::map::<math::Log2, T>),
        ("log10", math::map::<math::Log10, T>),
        ("ln_1p", math::map::<math::Ln1p, T>),
        ("softplus", math::map::<math::Softplus, T>),
        ("sin", math::sin),
        ("cos", math::cos),
        ("erf", math::map::<math::Erf, T>),
        ("erfc", math::map::<math::Erfc, T>),
    ]
}

fn of<T: Scalar>(c: &mut Criterion, dtype: &str) {
    let mut group = c.benchmark_group(format!("math/{dtype}"));
    for n in [4, 1000] {
        let x: Vec<T> = (1..=n).map(|i| T::from(3.0 * i as f64 / n as f64).unwrap_or_else(T::zero)).collect();
        let mut y = vec![T::zero(); n];
        group.throughput(Throughput::Elements(n as u64));
        for (name, function) in table::<T>() {
            group.bench_function(BenchmarkId::new(name, n), |b| b.iter(|| function(Level::best(), &x, &mut y)));
        }
    }
}

fn functions_in_l1(c: &mut Criterion) {
    of::<f32>(c, "f32");
    of::<f64>(c, "f64");
}

criterion_group! { name = functions; config = wengert_benches::criterion(); targets = functions_in_l1 }
criterion_main!(functions);
