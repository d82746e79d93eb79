//! Kernels on tensors: matrix products, elementwise functions, reductions.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wengert::prelude::*;

fn matmul(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel/matmul");
    let rng = &mut Rng::seed(1);
    for (m, k, n) in [(4, 2, 4), (16, 16, 16), (64, 64, 64), (256, 256, 256), (512, 512, 512), (1, 784, 256)] {
        let a = Tensor::randn([m, k], DType::F32, rng).unwrap();
        let b = Tensor::randn([k, n], DType::F32, rng).unwrap();
        group.throughput(Throughput::Elements((2 * m * k * n) as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{m}x{k}x{n}")), |bench| {
            bench.iter(|| a.matmul(&b).unwrap());
        });
    }
}

fn elementwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel/elementwise");
    let rng = &mut Rng::seed(2);
    for n in [16, 1 << 10, 1 << 20] {
        let x = Tensor::randn([n], DType::F32, rng).unwrap();
        let y = Tensor::randn([n], DType::F32, rng).unwrap();
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("add", n), |b| b.iter(|| x.add(&y).unwrap()));
        group.bench_function(BenchmarkId::new("mul", n), |b| b.iter(|| x.mul(&y).unwrap()));
        group.bench_function(BenchmarkId::new("exp", n), |b| b.iter(|| x.exp().unwrap()));
        group.bench_function(BenchmarkId::new("tanh", n), |b| b.iter(|| x.tanh().unwrap()));
        group.bench_function(BenchmarkId::new("sigmoid", n), |b| b.iter(|| x.sigmoid().unwrap()));
    }
}

fn reduce(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernel/reduce");
    let x = Tensor::randn([1024, 1024], DType::F32, &mut Rng::seed(3)).unwrap();
    group.throughput(Throughput::Elements(x.numel() as u64));
    group.bench_function("sum", |b| b.iter(|| x.sum().unwrap()));
    group.bench_function("sum_rows", |b| b.iter(|| x.sum_axes(1).unwrap()));
    group.bench_function("sum_columns", |b| b.iter(|| x.sum_axes(0).unwrap()));
    group.bench_function("max_rows", |b| b.iter(|| x.max_axes(1).unwrap()));
    group.bench_function("contiguous_of_transposed", |b| b.iter(|| x.t().contiguous().unwrap()));
}

criterion_group! { name = kernel; config = wengert_benches::criterion(); targets = matmul, elementwise, reduce }
criterion_main!(kernel);
