//! What the tape itself costs: recording, transforming and evaluating equations of single numbers.
//!
//! The throughput is in operations of the function that is recorded.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wengert::prelude::*;

const OPS: usize = 1000;

/// A chain of single operations from `x` on.
fn chain<'t>(x: Var<'t>, op: impl Fn(Var<'t>) -> Var<'t>) -> Var<'t> {
    (0..OPS).fold(x, |x, _| op(x))
}

fn record(c: &mut Criterion) {
    let mut group = c.benchmark_group("tape/record");
    group.throughput(Throughput::Elements(OPS as u64));
    let one = Tensor::from(0.5);
    let matrix = Tensor::eye(4, DType::F64).unwrap();
    let mut bench = |name: &str, start: &Tensor, op: for<'t> fn(Var<'t>) -> Var<'t>| {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(Tape::new, |tape| chain(tape.input(start), op).id(), BatchSize::SmallInput);
        });
    };
    bench("sin", &one, |x| x.sin());
    bench("add", &one, |x| x + x);
    bench("add_number", &one, |x| x + 1.0);
    bench("matmul", &matrix, |x| x.matmul(x));
    bench("transpose", &matrix, |x| x.t());
}

fn backward(c: &mut Criterion) {
    let mut group = c.benchmark_group("tape/backward");
    group.throughput(Throughput::Elements(OPS as u64));
    let one = Tensor::from(0.5);
    let mut bench = |name: &str, op: for<'t> fn(Var<'t>) -> Var<'t>| {
        group.bench_function(BenchmarkId::new("record", name), |b| {
            b.iter_batched(
                Tape::new,
                |tape| {
                    let x = tape.input(&one);
                    chain(x, op).grad(x).id()
                },
                BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("run", name), |b| {
            b.iter(|| value_and_grad(|x| chain(x, op), &one).unwrap());
        });
    };
    bench("sin", |x| x.sin());
    bench("mul", |x| x * x);
}

fn second_order(c: &mut Criterion) {
    let x = Tensor::linspace(-1.0, 1.0, 32).unwrap();
    c.bench_function("tape/hessian/32", |b| b.iter(|| hessian(|x| (x.sin() * x).sum(), &x).unwrap()));
}

criterion_group! { name = tape; config = wengert_benches::criterion(); targets = record, backward, second_order }
criterion_main!(tape);
