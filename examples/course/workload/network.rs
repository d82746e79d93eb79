//! Training steps of small networks: forward, backward and the update.

use wengert::prelude::*;
use wengert::{Conv, Pool};

use crate::data::{integers, normals};
use crate::measure::Course;

/// A dense layer with weights and a bias from streams of the course's data.
pub fn dense(sizes: [usize; 2], weight: (u64, f64), bias: Option<(u64, f64)>) -> Result<Linear> {
    let param = |(stream, scale), shape: &[usize]| Ok(Param::new(normals(stream, shape, scale, DType::F32)?));
    let bias = bias.map(|bias| param(bias, &sizes[1..])).transpose()?;
    Ok(Linear { weight: param(weight, &sizes)?, bias })
}

/// Checks the losses of the first steps, recorded once, and times the steps after them.
pub fn train<const N: usize>(
    course: &Course,
    model: &impl Module,
    optimizer: impl Optimizer + 'static,
    batch: [&Tensor; N],
    loss: impl for<'t> Fn([Var<'t>; N]) -> Var<'t>,
) -> Result<()> {
    let mut train = Train::new(model, optimizer).compile(loss);
    check_and_time(course, [1, 4], || train.step(batch))
}

fn check_and_time(course: &Course, checked: [usize; 2], mut step: impl FnMut() -> Result<f64>) -> Result<()> {
    for i in 1..=checked[1] {
        let value = step()?;
        if checked.contains(&i) {
            course.check(&format!("loss{i}"), value);
        }
    }
    course.time(step)
}

/// Sigmoids from 2 to 4 to 1, half the sum of squared errors over the four points. `recorded` is for recording every step.
pub fn xor(course: &Course, dtype: DType, recorded: bool) -> Result<()> {
    let x = Tensor::from([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).cast(dtype)?;
    let y = Tensor::from([[0.0], [1.0], [1.0], [0.0]]).cast(dtype)?;
    let param = |stream, shape: [usize; 2]| Ok(Param::new(normals(stream, shape, 1.0, dtype)?));
    let params = [param(1, [2, 4])?, param(2, [1, 4])?, param(3, [4, 1])?, param(4, [1, 1])?];
    let mut train = Train::new(&params, Sgd::new(0.1));
    if recorded {
        return check_and_time(course, [1, 1001], || {
            train.step(|t| sum_of_squares(&params, [t.input(&x), t.input(&y)]))
        });
    }
    let mut train = train.compile(|batch| sum_of_squares(&params, batch));
    check_and_time(course, [1, 1001], || train.step([&x, &y]))
}

fn sum_of_squares<'t>(params: &[Param; 4], [x, y]: [Var<'t>; 2]) -> Var<'t> {
    let [w1, b1, w2, b2] = params.each_ref().map(|param| param.on(x.tape()));
    let output = ((x.matmul(w1) + b1).sigmoid().matmul(w2) + b2).sigmoid();
    0.5 * mse_with(output, y, Reduction::Sum)
}

/// Rectifiers from 784 to 256 to 128 to 10 classes, cross-entropy.
pub fn mlp(course: &Course, batch: usize, optimizer: impl Optimizer + 'static) -> Result<()> {
    let layer = |i: u64, sizes: [usize; 2]| dense(sizes, (20 + i, (sizes[0] as f64).powf(-0.5)), Some((30 + i, 0.1)));
    let layers = [layer(0, [784, 256])?, layer(1, [256, 128])?, layer(2, [128, 10])?];
    let (x, labels) = (normals(10, [batch, 784], 1.0, DType::F32)?, integers(11, [batch], 10)?);

    let [first, second, third] = &layers;
    train(course, &layers, optimizer, [&x, &labels], |[x, labels]| {
        let hidden = second.forward(first.forward(x).relu()).relu();
        cross_entropy(third.forward(hidden), labels)
    })
}

/// Two convolutions with pooling and two dense layers, on images of 28 by 28.
#[derive(Module)]
struct Cnn {
    kernels: [Param; 2],
    biases: [Param; 2],
    hidden: Linear,
    output: Linear,
}

impl Layer for Cnn {
    fn forward<'t>(&self, x: Var<'t>) -> Var<'t> {
        let t = x.tape();
        let features = self.kernels.iter().zip(&self.biases).fold(x, |x, (kernel, bias)| {
            let bias = bias.on(t).reshape([1, -1, 1, 1]);
            (x.conv(kernel.on(t), &Conv::new(2).padding(2)) + bias).relu().max_pool(&Pool::new(&[2, 2]))
        });
        let features = features.reshape([features.shape()[0] as isize, -1]);
        self.output.forward(self.hidden.forward(features).relu())
    }
}

/// The convolutional network, cross-entropy, Adam.
pub fn cnn(course: &Course) -> Result<()> {
    const BATCH: usize = 64;
    let param = |stream, shape: &[usize], scale| Ok(Param::new(normals(stream, shape, scale, DType::F32)?));
    let net = Cnn {
        kernels: [param(41, &[16, 1, 5, 5], 0.2)?, param(43, &[32, 16, 5, 5], 0.05)?],
        biases: [param(42, &[16], 0.1)?, param(44, &[32], 0.1)?],
        hidden: dense([1568, 128], (45, 1568_f64.powf(-0.5)), Some((46, 0.1)))?,
        output: dense([128, 10], (47, 128_f64.powf(-0.5)), Some((48, 0.1)))?,
    };
    let (x, labels) = (normals(40, [BATCH, 1, 28, 28], 1.0, DType::F32)?, integers(49, [BATCH], 10)?);
    train(course, &net, Adam::new(1e-3), [&x, &labels], |[x, labels]| cross_entropy(net.forward(x), labels))
}
