//! A function's value and its gradients with respect to all its arguments, recorded and compiled once.

use wengert::Conv;
use wengert::prelude::*;

use crate::data::normals;
use crate::measure::Course;

/// Checks and times the value of `f` at `x` and its gradients; `names` are what the gradients' sizes are
/// reported under.
pub fn value_and_gradients<const N: usize>(
    course: &Course,
    x: [&Tensor; N],
    names: [&str; N],
    f: impl for<'t> Fn([Var<'t>; N]) -> Var<'t>,
) -> Result<()> {
    let tape = Tape::new();
    let arguments = x.map(|x| tape.input(x));
    let y = f(arguments);
    let wanted: Vec<Var<'_>> = [y].into_iter().chain(y.grads(&arguments)).collect();
    let mut program = tape.compile(&arguments, &wanted)?;
    let mut answers = program.run(&x)?;
    course.check("value", answers[0].item()?);
    for (name, gradient) in names.iter().zip(&answers[1..]) {
        course.check_size(name, gradient)?;
    }
    course.time(|| program.run_into(&x, &mut answers))
}

/// mean(tanh x σ(2x + 1) + e^(-x²) / 2) over `n` numbers.
pub fn elementwise(course: &Course, n: usize) -> Result<()> {
    let x = normals(200, [n], 1.0, DType::F32)?;
    value_and_gradients(course, [&x], ["gabs"], |[x]| {
        (x.tanh() * (2.0 * x + 1.0).sigmoid() + 0.5 * (-x * x).exp()).mean()
    })
}

/// A thousand times x ↦ 1.01 sin x + 0.1, of a single number. The map contracts, so that the derivative
/// is smaller than any f32.
pub fn chain(course: &Course, dtype: DType) -> Result<()> {
    let x = Tensor::from(0.5).cast(dtype)?;
    value_and_gradients(course, [&x], ["grad"], |[x]| (0..1000).fold(x, |x, _| x.sin() * 1.01 + 0.1))
}

const ROWS: [usize; 2] = [4096, 1024];

/// A fixed linear function of the logarithm of softmax.
pub fn log_softmax(course: &Course) -> Result<()> {
    let (x, w) = (normals(320, ROWS, 1.0, DType::F32)?, normals(321, ROWS, 1.0, DType::F32)?);
    value_and_gradients(course, [&x], ["gabs"], |[x]| (x.log_softmax(-1) * x.tape().input(&w)).sum())
}

/// A fixed linear function of layer normalisation with gain and bias.
pub fn layer_norm(course: &Course) -> Result<()> {
    let (x, w) = (normals(330, ROWS, 1.0, DType::F32)?, normals(333, ROWS, 1.0, DType::F32)?);
    let (gain, bias) = (normals(331, [ROWS[1]], 1.0, DType::F32)?, normals(332, [ROWS[1]], 1.0, DType::F32)?);
    value_and_gradients(course, [&x, &gain, &bias], ["gabs", "ggabs", "gbabs"], |[x, gain, bias]| {
        (x.layer_norm(-1, Some(gain), Some(bias), 1e-5) * x.tape().input(&w)).sum()
    })
}

/// A fixed linear function of a 3x3 convolution, as in a residual network.
pub fn convolution(course: &Course) -> Result<()> {
    let images = [8, 64, 56, 56];
    let (x, w) = (normals(350, images, 1.0, DType::F32)?, normals(352, images, 1.0, DType::F32)?);
    let kernel = normals(351, [64, 64, 3, 3], 1.0 / 24.0, DType::F32)?;
    value_and_gradients(course, [&x, &kernel], ["gxabs", "gkabs"], |[x, kernel]| {
        (x.conv(kernel, &Conv::new(2).padding(1)) * x.tape().input(&w)).sum()
    })
}
