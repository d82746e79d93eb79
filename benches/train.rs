//! Whole training steps: forward, backward and update.

use criterion::{Criterion, criterion_group, criterion_main};
use wengert::prelude::*;

fn xor(c: &mut Criterion) {
    let x = Tensor::from([[0f32, 0.], [0., 1.], [1., 0.], [1., 1.]]);
    let y = Tensor::from([[0f32], [1.], [1.], [0.]]);
    let mlp = Mlp::new(&[2, 4, 1], Activation::Sigmoid, &mut Rng::seed(1)).unwrap();
    let mut train = Train::new(&mlp, Sgd::new(1.0));
    c.bench_function("train/xor/epoch", |b| {
        b.iter(|| train.step(|t| mse(mlp.forward(t.input(&x)), t.input(&y))).unwrap());
    });
}

fn classifier(c: &mut Criterion, name: &str, batch: usize, optimizer: impl Optimizer + 'static) {
    let rng = &mut Rng::seed(1);
    let mlp = Mlp::new(&[784, 256, 128, 10], Activation::Relu, rng).unwrap().with_output(Activation::Identity);
    let x = Tensor::randn([batch, 784], DType::F32, rng).unwrap();
    let labels = Tensor::from_vec((0..batch as i64).map(|i| i % 10).collect(), [batch]).unwrap();
    let mut train = Train::new(&mlp, optimizer);
    c.bench_function(name, |b| {
        b.iter(|| train.step(|t| cross_entropy(mlp.forward(t.input(&x)), t.input(&labels))).unwrap());
    });
}

fn classifiers(c: &mut Criterion) {
    classifier(c, "train/mlp/b1", 1, Sgd::new(0.01));
    classifier(c, "train/mlp/b128", 128, Sgd::new(0.01));
    classifier(c, "train/mlp/b128/adam", 128, Adam::new(1e-3));
}

criterion_group! { name = train; config = wengert_benches::criterion(); targets = xor, classifiers }
criterion_main!(train);
